"""A rule as a form: what its fields are, and the rule that they say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.rules.model import Configuration
from domain.rules.vocabulary import AGGREGATE, MEMBER, TRANSACTION, Vocabulary, vocabulary_of
from tessera.portal.configuring.condition_editor import ConditionEditor, Options
from tessera.portal.configuring.condition_form import Node, change_tree, read_tree, to_condition, to_tree
from tessera.portal.configuring.words import show_attribute
from tessera.portal.visit import Visit

AWARDS: Mapping[str, str] = {
    "per_unit": "Points for an amount",
    "flat": "A fixed number of points",
    "percent": "A percentage of an amount",
    "multiplier": "Multiply the other rules",
    "every_nth": "Every so many times",
}
_PARTS: Mapping[str, tuple[str, ...]] = {
    "per_unit": ("of", "points", "per"),
    "flat": ("points",),
    "percent": ("of", "percent"),
    "multiplier": ("factor",),
    "every_nth": ("count", "n", "points"),
}
NAMES: Mapping[str, str] = {
    "name": "name",
    "cap": "cap",
    "valid_from": "valid_from",
    "valid_to": "valid_to",
    "award.expires.months": "expires_months",
    "award.expires.date": "expires_date",
    "award.release_after_days": "release_after_days",
    "award.type": "type",
    **{f"award.{key}": key for keys in _PARTS.values() for key in keys},
}
"""The field of each path in a rule."""


@dataclass(frozen=True, slots=True)
class RuleForm:
    """A form as it stands: the rule that it says, and what its parts offer."""

    item: Mapping[str, Any]
    editor: ConditionEditor
    names: Mapping[str, str]
    numbers: Options
    counts: Options

    @property
    def fields(self) -> Mapping[str, Any]:
        """What the rule says of each field, blank where it says nothing."""
        return {**dict.fromkeys(("name", "cap", "valid_from", "valid_to"), ""), **self.item}

    @property
    def award(self) -> Mapping[str, Any]:
        """The award, in the same way."""
        keys = ("type", "release_after_days", "expires", *(key for keys in _PARTS.values() for key in keys))
        return {**dict.fromkeys(keys, ""), **(self.item.get("award") or {})}


def show_rule(item: Mapping[str, Any], configuration: Configuration) -> RuleForm:
    """The form of a rule that stands."""
    return _form(item, to_tree(item.get("when")), configuration, {})


def read_rule(visit: Visit, configuration: Configuration, before: Mapping[str, Any]) -> RuleForm:
    """The form that came back; what it has no field for stays as it was `before`."""
    words = vocabulary_of(configuration)
    root = change_tree(read_tree(visit, words), visit.given("do"))
    when, places = to_condition(root, words)
    item = {
        **before,
        "name": visit.given("name"),
        "award": _award(visit),
        "cap": _number(visit.given("cap")),
        "valid_from": visit.optional("valid_from"),
        "valid_to": visit.optional("valid_to"),
    }
    item.pop("when", None)
    if when is not None:
        item["when"] = when
    return _form(item, root, configuration, places)


def _form(item: Mapping[str, Any], root: Node, configuration: Configuration, places: Mapping[str, str]) -> RuleForm:
    words = vocabulary_of(configuration)
    return RuleForm(
        item=item,
        editor=ConditionEditor(words, root),
        names={**NAMES, **places},
        numbers=numbers_of(words),
        counts=[(one.key, one.key) for one in configuration.aggregates if one.function == "count"],
    )


def numbers_of(words: Vocabulary) -> Options:
    """What points can be given for."""
    return [
        (path, show_attribute(path).capitalize())
        for path, word in words.items()
        if word.kind == "number" and word.slot in {TRANSACTION, MEMBER, AGGREGATE}
    ]


def _award(visit: Visit) -> dict[str, Any]:
    kind = visit.given("type")
    award: dict[str, Any] = {"type": kind}
    for key in _PARTS.get(kind, ()):
        if text := visit.given(key):
            award[key] = text if key in {"of", "count"} else _number(text)
    months, day = visit.given("expires_months"), visit.given("expires_date")
    if months or day:
        award["expires"] = ({"months": _number(months)} if months else {}) | ({"date": day} if day else {})
    award["release_after_days"] = _number(visit.given("release_after_days"))
    return award


def _number(text: str) -> int | str | None:
    """A whole number as one, another as the text with its digits; None where there is none."""
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) < 16:
        return int(text)
    return text or None
