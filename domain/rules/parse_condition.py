"""Reads conditions and checks their types: attribute, operator and value must fit each other."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from domain.rules.attributes import AttributeInvalid, read_attribute
from domain.rules.model import AllOf, AnyOf, AttributeDefinition, Comparison, Condition, Not, Scalar
from domain.rules.problem import Problems, child, shown
from domain.rules.vocabulary import CONSTANT_ONLY, LISTS, OPERATORS, Vocabulary, Word

_DATE_PART = AttributeDefinition(key="value", name="Part of a date", type="int")
_TEXT_TYPES = frozenset({"string", "selection"})


def read_condition(given: dict[str, Any], path: str, words: Vocabulary, problems: Problems) -> Condition:
    """The condition; notes unknown attributes, unfit operators and values of a wrong type."""
    if "all" in given:
        return AllOf(parts=_read_parts(given["all"], f"{path}.all", words, problems))
    if "any" in given:
        return AnyOf(parts=_read_parts(given["any"], f"{path}.any", words, problems))
    if "not" in given:
        return Not(part=read_condition(given["not"], f"{path}.not", words, problems))
    return _read_comparison(given, path, words, problems)


def word_at(given: str, path: str, words: Vocabulary, problems: Problems) -> Word | None:
    """The word of an attribute path; notes one that is unknown, or not known here."""
    word = words.get(given)
    if word is None:
        problems.add(path, f"{words.missing(given)}: {shown(given)}")
    return word


def _read_parts(given: list[dict[str, Any]], path: str, words: Vocabulary, problems: Problems) -> tuple[Condition, ...]:
    return tuple(read_condition(part, child(path, index), words, problems) for index, part in enumerate(given))


def _read_comparison(given: dict[str, Any], path: str, words: Vocabulary, problems: Problems) -> Comparison:
    op, other = given["op"], given.get("attribute_value")
    word = word_at(given["attribute"], f"{path}.attribute", words, problems)
    value: Scalar | tuple[Scalar, ...] | None = None
    if word is not None and op not in OPERATORS[word.kind]:
        problems.add(f"{path}.op", f"{op} does not fit a {word.kind}")
    elif other is not None:
        _check_other(given, word, path, words, problems)
    elif "value" in given or op == "is_set":
        value = _read_value(op, given.get("value", True), word, f"{path}.value", problems)
    else:
        problems.add(f"{path}.value", "is missing")
    return Comparison(attribute=given["attribute"], op=op, value=value, attribute_value=other)


def _check_other(given: dict[str, Any], word: Word | None, path: str, words: Vocabulary, problems: Problems) -> None:
    here = f"{path}.attribute_value"
    other = word_at(given["attribute_value"], here, words, problems)
    if "value" in given:
        problems.add(here, "stands beside value; one of the two is enough")
    if given["op"] in CONSTANT_ONLY or (word is not None and word.kind == "set"):
        problems.add(here, f"{given['op']} needs a value")
    if word is not None and other is not None and word.kind != other.kind:
        problems.add(here, f"a {other.kind} cannot be compared with a {word.kind}")


def _read_value(
    op: str, given: Any, word: Word | None, path: str, problems: Problems
) -> Scalar | tuple[Scalar, ...] | None:
    if op == "is_set":
        return _one_of((True, False), given, path, problems)
    if op == "birthday":
        return _one_of(("day", "month"), given, path, problems)
    if word is None:
        return None
    if op in LISTS or op == "between":
        return _read_list(op, given, word, path, problems)
    if isinstance(given, list):
        problems.add(path, f"{op} takes one value, not a list")
        return None
    value = _read_scalar(op, given, word, path, problems)
    if op == "multiple_of" and isinstance(value, int | Decimal) and value <= 0:
        problems.add(path, "must be more than 0")
    return value


def _one_of(choices: tuple[Scalar, ...], given: Any, path: str, problems: Problems) -> Scalar:
    # 1 equals True, and is not meant here.
    if not any(type(given) is type(choice) and given == choice for choice in choices):
        problems.add(path, f"must be {' or '.join(str(choice).lower() for choice in choices)}")
        return choices[0]
    return next(choice for choice in choices if choice == given)


def _read_list(op: str, given: Any, word: Word, path: str, problems: Problems) -> tuple[Scalar, ...] | None:
    if not isinstance(given, list):
        problems.add(path, f"{op} takes a list")
        return None
    read = [_read_scalar(op, item, word, child(path, index), problems) for index, item in enumerate(given)]
    values = tuple(value for value in read if value is not None)
    if op == "between":
        if len(given) != 2:
            problems.add(path, "between takes two values")
        elif len(values) == 2 and _is_descending(*values):
            problems.add(path, "the first value is greater than the second")
    return values


def _is_descending(low: Any, high: Any) -> bool:
    if isinstance(low, date):
        # Enough for a hint: days without their times and offsets.
        low, high = (value.date() if isinstance(value, datetime) else value for value in (low, high))
    return bool(low > high)


def _read_scalar(op: str, given: Any, word: Word, path: str, problems: Problems) -> Scalar | None:
    definition = word.definition or _DATE_PART
    if definition.type in _TEXT_TYPES and not isinstance(given, str):
        problems.add(path, "must be a text: quote it")
        return None
    if definition.type == "boolean" and not isinstance(given, bool):
        problems.add(path, "must be true or false")
        return None
    if op in ("contains", "starts_with") and word.kind == "text":
        # A part of a selection's value is none of its values.
        definition = AttributeDefinition(key="value", name="Part of a text", type="string")
    try:
        value = read_attribute(definition, given)
    except AttributeInvalid as error:
        problems.add(path, error.message)
        return None
    _check_choice(op, value, word, path, problems)
    return value


def _check_choice(op: str, value: Scalar, word: Word, path: str, problems: Problems) -> None:
    if op in ("contains", "starts_with") and word.kind == "text":
        return
    if word.choices and value not in word.choices:
        problems.add(path, f"{shown(value)} is not one of the values of {word.path}")
    if word.bounds and isinstance(value, int) and not word.bounds[0] <= value <= word.bounds[1]:
        problems.add(path, f"must be from {word.bounds[0]} to {word.bounds[1]}")
