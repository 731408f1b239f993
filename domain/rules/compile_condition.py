"""Conditions to closures. Types were checked before, so that nothing is checked here or at run time.

`env[slot].get(key)` is a fact; a missing one is None. `ne`, `not_in` and `not` hold for a missing
fact, every other operator does not.
"""

import operator
from calendar import isleap
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from domain.rules.model import AllOf, AnyOf, Comparison, Condition, Not
from domain.rules.vocabulary import MOMENT, ORDER, SEGMENTS, Vocabulary, Word

Env = tuple[Any, ...]
"""The facts by slot: a mapping each, of the transaction, the member, the moment on the program's clocks, the
sub-relation, the aggregates, the member's standing; then the segments with whether the member is in them, and
the instant."""

Test = Callable[[Env], bool]

_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


class ConditionCompiler:
    """Compiles conditions over a vocabulary; remembers what they ask of the moment."""

    def __init__(self, words: Vocabulary, zone: ZoneInfo) -> None:
        self._words = words
        self._zone = zone
        self.moments: set[str] = set()

    def compile(self, condition: Condition) -> Test:
        """The closure of a condition."""
        match condition:
            case AllOf():
                return all_of([self.compile(part) for part in condition.parts])
            case AnyOf():
                return _any([self.compile(part) for part in condition.parts])
            case Not():
                return _negated(self.compile(condition.part))
            case Comparison():
                return self._comparison(condition)

    def _comparison(self, comparison: Comparison) -> Test:
        word = self._words[comparison.attribute]
        self._ask_moment(word)
        if comparison.op == "birthday":
            self.moments.add("today")
        if comparison.op == "is_set":
            return _is_set(word, bool(comparison.value))
        if comparison.attribute_value is not None:
            other = self._words[comparison.attribute_value]
            self._ask_moment(other)
            return _against_attribute(comparison.op, word, other, self._zone)
        if word.kind == "set":
            return _in_segments(comparison.op, comparison.value)
        if word.kind == "date":
            return _against_date(comparison.op, word, comparison.value, self._zone)
        return _CONSTANTS[comparison.op](word.slot, word.key, comparison.value)

    def _ask_moment(self, word: Word) -> None:
        if word.slot == MOMENT:
            self.moments.add(word.key)


def all_of(parts: list[Test]) -> Test:
    """Whether all of the tests hold; of no tests that is always so."""
    if len(parts) == 1:
        return parts[0]
    if len(parts) == 2:
        first, second = parts
        return lambda env: first(env) and second(env)
    if len(parts) == 3:
        first, second, third = parts
        return lambda env: first(env) and second(env) and third(env)

    def test(env: Env) -> bool:
        for part in parts:  # noqa: SIM110 - a loop is twice as fast as a generator
            if not part(env):
                return False
        return True

    return test


def _any(parts: list[Test]) -> Test:
    if len(parts) == 1:
        return parts[0]

    def test(env: Env) -> bool:
        for part in parts:  # noqa: SIM110 - a loop is twice as fast as a generator
            if part(env):
                return True
        return False

    return test


def _negated(part: Test) -> Test:
    return lambda env: not part(env)


def _is_set(word: Word, wanted: bool) -> Test:
    slot, key = word.slot, word.key
    return lambda env: (env[slot].get(key) is not None) is wanted


# Numbers, texts and booleans against a constant.


def _eq(slot: int, key: str, constant: Any) -> Test:
    return lambda env: env[slot].get(key) == constant


def _ne(slot: int, key: str, constant: Any) -> Test:
    return lambda env: env[slot].get(key) != constant


def _in(slot: int, key: str, constant: Any) -> Test:
    members = frozenset(constant)
    return lambda env: env[slot].get(key) in members


def _not_in(slot: int, key: str, constant: Any) -> Test:
    members = frozenset(constant)
    return lambda env: env[slot].get(key) not in members


# One closure for each order: to call `operator.gt` from a common one takes half as long again.


def _gt(slot: int, key: str, constant: Any) -> Test:
    return lambda env: (value := env[slot].get(key)) is not None and value > constant


def _gte(slot: int, key: str, constant: Any) -> Test:
    return lambda env: (value := env[slot].get(key)) is not None and value >= constant


def _lt(slot: int, key: str, constant: Any) -> Test:
    return lambda env: (value := env[slot].get(key)) is not None and value < constant


def _lte(slot: int, key: str, constant: Any) -> Test:
    return lambda env: (value := env[slot].get(key)) is not None and value <= constant


def _called(compare: Callable[[Any, Any], bool]) -> Callable[[int, str, Any], Test]:
    def build(slot: int, key: str, constant: Any) -> Test:
        return lambda env: (value := env[slot].get(key)) is not None and compare(value, constant)

    return build


def _between(slot: int, key: str, constant: Any) -> Test:
    low, high = constant
    return lambda env: (value := env[slot].get(key)) is not None and low <= value <= high


def _is_multiple(value: Any, unit: Any) -> bool:
    # Nothing is a multiple of zero here, and nothing divides by it.
    return bool(unit) and value % unit == 0


def _starts_with(value: Any, prefix: Any) -> bool:
    return bool(value.startswith(prefix))


_CONSTANTS: Mapping[str, Callable[[int, str, Any], Test]] = {
    "eq": _eq,
    "ne": _ne,
    "in": _in,
    "not_in": _not_in,
    "gt": _gt,
    "gte": _gte,
    "lt": _lt,
    "lte": _lte,
    "between": _between,
    "contains": _called(operator.contains),
    "starts_with": _called(_starts_with),
    "multiple_of": _called(_is_multiple),
}

# Segments, which are looked at only when a condition asks for them.


def _in_segments(op: str, constant: Any) -> Test:
    if op == "contains":
        return lambda env: env[SEGMENTS].holds(constant, env)
    one_of = _any([_in_segments("contains", name) for name in constant])
    return one_of if op == "in" else _negated(one_of)


# Dates: against a date a time counts as its day, against a time a date counts as its midnight.


def _against_date(op: str, word: Word, constant: Any, zone: ZoneInfo) -> Test:
    if op == "birthday":
        return _birthday(word, constant, zone)
    if op == "between":
        return all_of([_date_order(word, *bound, zone) for bound in zip(("gte", "lte"), constant, strict=True)])
    if op in ORDER or op == "eq":
        return _date_order(word, op, constant, zone)
    if op == "ne":
        return _negated(_date_order(word, "eq", constant, zone))
    one_of = _any([_date_order(word, "eq", item, zone) for item in constant])
    return one_of if op == "in" else _negated(one_of)


def _date_order(word: Word, op: str, constant: Any, zone: ZoneInfo) -> Test:
    slot, key, compare = word.slot, word.key, _ORDERS[op]
    bound = _on_clocks(constant, zone)
    whole_days = not isinstance(bound, datetime)

    def test(env: Env) -> bool:
        value = env[slot].get(key)
        if value is None:
            return False
        local = _on_clocks(value, zone)
        return compare(_day(local) if whole_days else _midnight(local), bound)

    return test


def _birthday(word: Word, grain: str, zone: ZoneInfo) -> Test:
    slot, key, by_month = word.slot, word.key, grain == "month"

    def test(env: Env) -> bool:
        value = env[slot].get(key)
        if value is None:
            return False
        born, today = _day(_on_clocks(value, zone)), env[MOMENT]["today"]
        return bool(born.month == today.month and (by_month or _falls_on(born, today)))

    return test


def _falls_on(born: date, today: date) -> bool:
    # Who was born on 29 February celebrates on the 28th where there is no 29th.
    leap_day_moved = born.day == 29 and today.day == 28 and born.month == 2 and not isleap(today.year)
    return born.day == today.day or leap_day_moved


def _on_clocks(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(zone).replace(tzinfo=None)
    return value


def _day(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value


def _midnight(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time.min)


# One attribute against another.


def _against_attribute(op: str, word: Word, other: Word, zone: ZoneInfo) -> Test:
    if op == "ne":
        return _negated(_against_attribute("eq", word, other, zone))
    compare = _CONSTANT_FREE[op] if word.kind != "date" else _dates_compared(_ORDERS[op], zone)
    slot, key, other_slot, other_key = word.slot, word.key, other.slot, other.key

    def test(env: Env) -> bool:
        value, bound = env[slot].get(key), env[other_slot].get(other_key)
        return value is not None and bound is not None and compare(value, bound)

    return test


_CONSTANT_FREE: Mapping[str, Callable[[Any, Any], bool]] = {
    **_ORDERS,
    "contains": operator.contains,
    "starts_with": _starts_with,
    "multiple_of": _is_multiple,
}


def _dates_compared(compare: Callable[[Any, Any], bool], zone: ZoneInfo) -> Callable[[Any, Any], bool]:
    def compared(value: Any, bound: Any) -> bool:
        value, bound = _on_clocks(value, zone), _on_clocks(bound, zone)
        if isinstance(value, datetime) and isinstance(bound, datetime):
            return compare(value, bound)
        return compare(_day(value), _day(bound))

    return compared
