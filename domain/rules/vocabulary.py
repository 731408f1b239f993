"""The words of conditions: which attributes there are, of which kind, and what may be asked of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from domain.rules.fixed import (
    DERIVED_MEMBER_ATTRIBUTES,
    SUB_RELATION_ATTRIBUTES,
    member_definitions,
    transaction_definitions,
)
from domain.rules.model import AttributeDefinition, AttributeType, Configuration

Kind = Literal["text", "number", "date", "boolean", "set"]

ORDER = frozenset({"gt", "gte", "lt", "lte"})
LISTS = frozenset({"in", "not_in"})
_EVERY_KIND = frozenset({"eq", "ne", "is_set"})

OPERATORS: Mapping[Kind, frozenset[str]] = {
    "text": _EVERY_KIND | LISTS | {"contains", "starts_with"},
    "number": _EVERY_KIND | LISTS | ORDER | {"between", "multiple_of"},
    "date": _EVERY_KIND | LISTS | ORDER | {"between", "birthday"},
    "boolean": _EVERY_KIND,
    # A member is in any number of segments: to equal one of them would mean nothing.
    "set": LISTS | {"contains"},
}

# Those that cannot be asked of a second attribute: they need a list, or a word of their own.
CONSTANT_ONLY = LISTS | {"between", "is_set", "birthday"}

DATE_PARTS: Mapping[str, tuple[int, int]] = {
    "month": (1, 12),
    "day": (1, 31),
    "weekday": (1, 7),
    "hour": (0, 23),
}
"""Parts of the transaction date on the program's clocks, and their bounds; weekday 1 is Monday."""

TRANSACTION, MEMBER, MOMENT, SUB_RELATION, AGGREGATE, STANDING, SEGMENTS, INSTANT = range(8)
"""Where a fact stands in what the compiled conditions are handed."""

_KINDS: Mapping[AttributeType, Kind] = {
    "string": "text",
    "selection": "text",
    "int": "number",
    "decimal": "number",
    "date": "date",
    "boolean": "boolean",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """An attribute path: its kind, where its value stands, and what bounds its constants.

    `choices` is empty where every value goes, `bounds` None where every number goes.
    """

    path: str
    kind: Kind
    slot: int
    key: str
    definition: AttributeDefinition | None = None
    choices: frozenset[str] = frozenset()
    bounds: tuple[int, int] | None = None


class Vocabulary(dict[str, Word]):
    """The attribute paths that may stand in a place; `elsewhere` are those that only other places know."""

    elsewhere: frozenset[str] = frozenset()

    def missing(self, path: str) -> str:
        """Why a path is not a word, for a message."""
        return "cannot be asked here" if path in self.elsewhere else "unknown attribute"

    def within(self, *roots: str) -> "Vocabulary":
        """The words below these roots, for places that know no others."""
        kept = Vocabulary({path: word for path, word in self.items() if path.partition(".")[0] in roots})
        kept.elsewhere = frozenset(self) - frozenset(kept)
        return kept


def vocabulary_of(configuration: Configuration) -> Vocabulary:
    """The words that the configuration's own definitions, product codes, levels and segments give."""
    words = Vocabulary()
    products = frozenset(product.code for product in configuration.product_codes)
    sub_codes = frozenset(code for product in configuration.product_codes for code in product.sub_codes)
    lists = {"transaction.product_code": products, "transaction.sub_product_code": sub_codes}
    for root, slot, definitions in (
        ("transaction", TRANSACTION, transaction_definitions(configuration)),
        ("member", MEMBER, (*member_definitions(configuration), *DERIVED_MEMBER_ATTRIBUTES)),
        ("sub_relation", SUB_RELATION, SUB_RELATION_ATTRIBUTES),
        ("aggregate", AGGREGATE, _aggregate_definitions(configuration)),
    ):
        for definition in definitions:
            path = f"{root}.{definition.key}"
            words[path] = Word(
                path=path,
                kind=_KINDS[definition.type],
                # The date of the transaction is the one that the evaluation goes by, on local clocks.
                slot=MOMENT if path == "transaction.transaction_date" else slot,
                key=definition.key,
                definition=definition,
                choices=lists.get(path, frozenset(definition.values)),
            )
    for part, bounds in DATE_PARTS.items():
        path = f"date.{part}"
        words[path] = Word(path=path, kind="number", slot=MOMENT, key=part, bounds=bounds)
    _add_standing(words, configuration)
    return words


def _aggregate_definitions(configuration: Configuration) -> list[AttributeDefinition]:
    return [
        AttributeDefinition(key=aggregate.key, name=aggregate.key, type="decimal")
        for aggregate in configuration.aggregates
    ]


def _add_standing(words: Vocabulary, configuration: Configuration) -> None:
    """The words `tier` and `segments`: without a level or a segment there is nothing that they could be."""
    kinds: tuple[tuple[str, Kind, int, frozenset[str]], ...] = (
        ("tier", "text", STANDING, frozenset(level.name for level in configuration.tiers.levels)),
        ("segments", "set", SEGMENTS, frozenset(segment.name for segment in configuration.segments)),
    )
    for path, kind, slot, names in kinds:
        if names:
            definition = AttributeDefinition(key=path, name=path, type="string")
            words[path] = Word(path=path, kind=kind, slot=slot, key=path, definition=definition, choices=names)
