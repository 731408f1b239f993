"""What the rows of a condition offer: attributes, the operators that fit each, and how its value is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.rules.vocabulary import CONSTANT_ONLY, LISTS, OPERATORS, Vocabulary, Word
from tessera.portal.configuring.condition_form import GROUPS, OTHER, Node, is_listed, joined
from tessera.portal.configuring.words import DATE_OPERATORS, NAMES, SEGMENT_OPERATORS
from tessera.portal.configuring.words import OPERATORS as TEXTS
from tessera.portal.render import show_words

Options = Sequence[tuple[str, str]]

_TITLES: Mapping[str, str] = {
    "transaction": "Purchase",
    "member": "Member",
    "aggregate": "Running figures",
    "tier": "Standing",
    "segments": "Standing",
    "date": "Date of the purchase",
    "sub_relation": "Card or account",
}
_LABELS: Mapping[str, str] = {
    "tier": "Tier",
    "segments": "Segments",
    "date.month": "Month",
    "date.day": "Day of the month",
    "date.weekday": "Weekday",
    "date.hour": "Hour (0 to 23)",
}
_ORDER = tuple(OPERATORS["text"] | OPERATORS["number"] | OPERATORS["date"])
_SEQUENCE = tuple(one for one in TEXTS if one in _ORDER)


@dataclass(frozen=True, slots=True)
class ConditionEditor:
    """The words that the conditions of a form may speak of, as its inputs need them."""

    words: Vocabulary
    root: Node

    @property
    def groups(self) -> Options:
        """The ways in which parts hold together."""
        return list(GROUPS.items())

    @property
    def attributes(self) -> Sequence[tuple[str, Options]]:
        """All attributes, by what they belong to."""
        found: dict[str, list[tuple[str, str]]] = {}
        for path, word in self.words.items():
            found.setdefault(_TITLES[path.partition(".")[0]], []).append((path, _label(path, word)))
        order = dict.fromkeys(_TITLES.values())
        return [(title, found[title]) for title in order if title in found]

    def operators(self, node: Node) -> Options:
        """What may be asked of the attribute of a row."""
        word = self.words.get(node.attribute)
        kind = "text" if word is None else word.kind
        texts = SEGMENT_OPERATORS if kind == "set" else DATE_OPERATORS if kind == "date" else {}
        return [(one, texts.get(one, TEXTS[one])) for one in _SEQUENCE if one in OPERATORS[kind]]

    def operators_against(self, node: Node) -> Options:
        """The same against another attribute, where there is one of its kind."""
        if not self.others(node):
            return ()
        return [(f"{one}{OTHER}", f"{text} …") for one, text in self.operators(node) if one not in CONSTANT_ONLY]

    def others(self, node: Node) -> Options:
        """The attributes that the one of a row can be compared with."""
        word = self.words.get(node.attribute)
        if word is None or word.kind == "set":
            return ()
        return [
            (path, f"{_TITLES[path.partition('.')[0]]}: {_label(path, one)}")
            for path, one in self.words.items()
            if one.kind == word.kind and path != node.attribute
        ]

    def widget(self, node: Node) -> str:
        """How the value of a row is given: which of the inputs of the template."""
        word, op = self.words.get(node.attribute), node.op
        if op.endswith(OTHER):
            return "other"
        if op in {"is_set", "birthday"}:
            return op
        is_chosen = is_listed(word) or (node.attribute in NAMES and op != "multiple_of")
        if op == "between":
            return "range"
        if op in LISTS:
            return "choices" if is_chosen else "list"
        if word is not None and word.kind == "boolean":
            return "yes"
        # Parts of a text are typed, whatever the whole ones are.
        return "choice" if is_chosen and not (word and word.kind == "text" and op in _PARTS) else "one"

    def input_type(self, node: Node) -> str:
        """The type of the input: a calendar for days, but not for days with a time."""
        word = self.words.get(node.attribute)
        is_day = word is not None and word.kind == "date" and all(len(one) == 10 for one in node.values)
        return "date" if is_day else "text"

    def choices(self, node: Node) -> Options:
        """The values that the attribute of a row can have, in words, and those that it was given."""
        word = self.words.get(node.attribute)
        named = dict(NAMES.get(node.attribute, {}))
        known = named or {one: one for one in sorted(word.choices if word is not None else ())}
        return list((known | {one: one for one in node.values if one not in known}).items())

    def is_named(self, node: Node) -> bool:
        """Whether the numbers of the attribute of a row have names."""
        return node.attribute in NAMES

    def suggestions(self, node: Node) -> Sequence[str]:
        """Values to type from, where there are too many to choose from."""
        word = self.words.get(node.attribute)
        return sorted(word.choices) if word is not None and not is_listed(word) else ()

    def listed(self, node: Node) -> str:
        """The values of a row in one input."""
        return joined(node.values)

    def is_number(self, node: Node) -> bool:
        """Whether the keys of a phone should be digits."""
        word = self.words.get(node.attribute)
        return word is not None and word.kind == "number"


_PARTS = frozenset({"contains", "starts_with"})


def _label(path: str, word: Word) -> str:
    if path in _LABELS:
        return _LABELS[path]
    if path.startswith("aggregate.") or word.definition is None:
        return show_words(word.key)
    return word.definition.name
