"""Rules in words: what people read in lists, in differences and in reviews."""

from calendar import month_name
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tessera.portal.render import show_number, show_words

OPERATORS: Mapping[str, str] = {
    "eq": "is",
    "ne": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "between": "is between",
    "contains": "contains",
    "starts_with": "starts with",
    "multiple_of": "is a multiple of",
    "is_set": "is given",
    "birthday": "has its birthday",
}
DATE_OPERATORS: Mapping[str, str] = {
    "gt": "is after",
    "gte": "is on or after",
    "lt": "is before",
    "lte": "is on or before",
}
SEGMENT_OPERATORS: Mapping[str, str] = {
    "contains": "include",
    "in": "include one of",
    "not_in": "include none of",
}
_ROOTS: Mapping[str, str] = {
    "transaction": "",
    "member": "member's ",
    "sub_relation": "card's ",
    "aggregate": "",
    "date": "",
}
_DATE_PARTS: Mapping[str, str] = {
    "month": "month of the purchase",
    "day": "day of the month",
    "weekday": "weekday",
    "hour": "hour of the day",
}
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NAMES: Mapping[str, Mapping[str, str]] = {
    "date.weekday": {str(number): name for number, name in enumerate(_WEEKDAYS, 1)},
    "date.month": {str(number): name for number, name in enumerate(month_name) if name},
}
"""Attributes whose numbers have names."""


def show_attribute(path: str) -> str:
    """An attribute path in words."""
    root, _, key = path.partition(".")
    if root == "date":
        return _DATE_PARTS.get(key, key)
    if not key:
        return {"tier": "tier", "segments": "segments"}.get(root, root)
    return _ROOTS.get(root, "") + key.replace("_", " ")


def show_condition(given: Mapping[str, Any] | None) -> str:
    """A condition as a sentence; of none, that it always holds."""
    return "always" if given is None else _condition(given, is_inner=False)


def _condition(given: Mapping[str, Any], *, is_inner: bool) -> str:
    if "not" in given:
        return f"not ({_condition(given['not'], is_inner=False)})"
    for key, word in (("all", " and "), ("any", " or ")):
        if key in given:
            told = word.join(_condition(one, is_inner=True) for one in given[key])
            return f"({told})" if is_inner and len(given[key]) > 1 else told
    return _comparison(given)


def _comparison(given: Mapping[str, Any]) -> str:
    path, op, value = given["attribute"], given["op"], given.get("value")
    subject = show_attribute(path)
    if "attribute_value" in given and given["attribute_value"] is not None:
        return f"{subject} {OPERATORS[op]} {show_attribute(given['attribute_value'])}"
    if op == "is_set":
        return f"{subject} {'is not given' if value is False else 'is given'}"
    if op == "birthday":
        return f"{subject} has its birthday {'in the month' if value == 'month' else 'on the day'} of the purchase"
    words = SEGMENT_OPERATORS if path == "segments" else OPERATORS
    return f"{subject} {words.get(op, OPERATORS[op])} {_value(path, op, value)}"


def _value(path: str, op: str, value: Any) -> str:
    if isinstance(value, list):
        return (" and " if op == "between" else ", ").join(_scalar(path, one) for one in value)
    return _scalar(path, value)


def _scalar(path: str, value: Any) -> str:
    if named := NAMES.get(path, {}).get(str(value)):
        return named
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def show_award(award: Mapping[str, Any]) -> str:
    """An award as a sentence, with its own expiry and release."""
    match award["type"]:
        case "flat":
            told = f"{_points(award['points'])}"
        case "per_unit":
            per = str(award.get("per", 1))
            told = f"{_points(award['points'])} for every {'' if per == '1' else show_number_text(per) + ' of '}"
            told += ("1 of " if per == "1" else "") + show_attribute(award["of"])
        case "percent":
            told = f"{show_number_text(award['percent'])} % of {show_attribute(award['of'])} as points"
        case "every_nth":
            told = f"{_points(award['points'])} every {award['n']} times by {award['count']}"
        case _:
            told = f"× {show_number_text(award['factor'])}"
    expires, release = award.get("expires"), award.get("release_after_days")
    if expires:
        told += (
            f", good for {_count(expires['months'], 'month')}"
            if "months" in expires
            else f", good until {expires['date']}"
        )
    return told + (f", pending for {_count(release, 'day')}" if release else "")


def _points(value: Any) -> str:
    return _count(value, "point")


def _count(value: Any, one: str) -> str:
    """As `plural` does for numbers, also of a number that stands in a document."""
    return f"{show_number_text(value)} {one if str(value) == '1' else one + 's'}"


def show_number_text(value: Any) -> str:
    """A number that stands in a document, where it may be a text."""
    try:
        return show_number(value)
    except ArithmeticError:
        return str(value)


def show_span(first: str | None, last: str | None) -> str:
    """The days on which something holds; nothing where it always does."""
    if first and last:
        return f"{first} to {last}"
    return f"from {first}" if first else f"until {last}" if last else ""


def show_caps(caps: Mapping[str, Any]) -> str:
    """The limits of a group."""
    told = [
        f"{show_number(limit)} {'ever' if key == 'lifetime' else f'a {key}'}"
        for key, limit in caps.items()
        if limit is not None
    ]
    return "at most " + ", ".join(told) if told else "no limits"


def show_value(key: str, value: Any) -> str:
    """Any value of a document, for people."""
    if value is None or value in ("", [], {}):
        return "–"
    if key == "when" and isinstance(value, Mapping):
        return show_condition(value)
    if key == "award" and isinstance(value, Mapping):
        return show_award(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return _list(value)
    if isinstance(value, Mapping):
        said = {one: each for one, each in value.items() if each not in (None, "", [], {})}
        return ", ".join(f"{show_words(one).lower()} {show_value(one, each)}" for one, each in said.items()) or "–"
    return str(value)


def _list(value: Sequence[Any]) -> str:
    return "; ".join(show_value("", one) for one in value)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "attribute": show_attribute,
    "award": show_award,
    "caps": show_caps,
    "condition": show_condition,
    "pair": lambda text: (text, text),
    "span": lambda item: show_span(item.get("valid_from"), item.get("valid_to")),
    "told": lambda value, key="": show_value(key, value),
}
"""What templates show parts of a configuration with."""
