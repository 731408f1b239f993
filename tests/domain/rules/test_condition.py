"""Every operator of the condition language, on every kind of attribute."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules.compile import compile_rules
from domain.rules.evaluate import Facts, evaluate
from domain.rules.parse import parse
from tests.domain.rules.documents import flat, with_rules

# A Tuesday, 24 March 2026, 22:30 in New York, already Wednesday in Greenwich.
AT = datetime(2026, 3, 25, 2, 30, tzinfo=UTC)

FACTS: dict[str, Any] = {
    "amount": Decimal("29.33"),
    "quantity": 6,
    "weight": Decimal("1.5"),
    "online": True,
    "stay": date(2026, 3, 10),
    "until": datetime(2026, 3, 12, 11, 0),  # noqa: DTZ001
    "city": "Lisbon",
    "home": "Lis",
    "channel": "web",
}
MEMBER: dict[str, Any] = {"dob": date(1980, 3, 24), "status": 1, "club": "Lisbon", "full_name": "Ana"}


def holds(when: dict[str, Any], at: datetime = AT, **facts: Any) -> bool:
    configuration = parse(with_rules(flat(1, when=when), program={"time_zone": "America/New_York"}))
    facts = {key: value for key, value in (FACTS | facts).items() if value is not None}
    return bool(evaluate(compile_rules(configuration), Facts(transaction=facts, member=MEMBER, at=at), {}).awards)


def compare(attribute: str, op: str, value: Any) -> dict[str, Any]:
    return {"attribute": attribute, "op": op, "value": value}


@pytest.mark.parametrize(
    ("attribute", "op", "true_for", "false_for"),
    [
        ("transaction.quantity", "eq", [6, "6"], [5]),
        ("transaction.quantity", "ne", [5], [6]),
        ("transaction.quantity", "in", [[5, 6]], [[1, 2]]),
        ("transaction.quantity", "not_in", [[1, 2]], [[5, 6]]),
        ("transaction.quantity", "gt", [5], [6, 7]),
        ("transaction.quantity", "gte", [5, 6], [7]),
        ("transaction.quantity", "lt", [7], [6, 5]),
        ("transaction.quantity", "lte", [7, 6], [5]),
        ("transaction.quantity", "between", [[6, 6], [1, 9]], [[7, 9], [1, 5]]),
        ("transaction.quantity", "multiple_of", [1, 2, 3, 6], [4, 5, 12]),
        ("transaction.quantity", "is_set", [True], [False]),
        ("transaction.weight", "eq", ["1.5", "1.50"], ["1.51"]),
        ("transaction.weight", "multiple_of", ["0.5", "0.1"], ["0.4"]),
        ("transaction.weight", "in", [["1.50"]], [[1]]),
        ("transaction.amount", "between", [["29.33", 30]], [["29.34", 30]]),
        ("transaction.city", "eq", ["Lisbon"], ["lisbon", "Lis"]),
        ("transaction.city", "contains", ["isb", "Lisbon"], ["Isb"]),
        ("transaction.city", "starts_with", ["Lis"], ["isb"]),
        ("transaction.city", "not_in", [["Porto"]], [["Lisbon"]]),
        ("transaction.channel", "eq", ["web"], ["shop"]),
        ("transaction.channel", "starts_with", ["w"], ["s"]),
        ("transaction.online", "eq", [True], [False]),
        ("transaction.online", "ne", [False], [True]),
        ("transaction.stay", "eq", ["2026-03-10", "2026-03-10T00:00"], ["2026-03-11", "2026-03-10T01:00"]),
        ("transaction.stay", "ne", ["2026-03-11"], ["2026-03-10"]),
        ("transaction.stay", "in", [["2026-03-10", "2026-01-01"]], [["2026-01-01"]]),
        ("transaction.stay", "not_in", [["2026-01-01"]], [["2026-03-10"]]),
        ("transaction.stay", "between", [["2026-03-10", "2026-03-10"]], [["2026-03-11", "2026-03-12"]]),
        ("transaction.until", "lte", ["2026-03-12", "2026-03-12T11:00"], ["2026-03-11", "2026-03-12T10:59"]),
        ("transaction.until", "gt", ["2026-03-11"], ["2026-03-12"]),
        ("transaction.until", "eq", ["2026-03-12", "2026-03-12T15:00Z"], ["2026-03-12T11:00Z"]),
        ("transaction.transaction_date", "lte", ["2026-03-24"], ["2026-03-23"]),
        ("transaction.transaction_date", "gte", ["2026-03-24T22:30", "2026-03-25T02:30Z"], ["2026-03-25"]),
        ("member.dob", "birthday", ["day", "month"], []),
        ("member.dob", "lt", ["1981-01-01"], ["1980-01-01"]),
        ("member.club", "eq", ["Lisbon"], ["Porto"]),
        ("member.status", "eq", [1], [2]),
        ("date.month", "eq", [3], [4]),
        ("date.day", "eq", [24], [25]),
        ("date.weekday", "in", [[2], [1, 2]], [[3]]),
        ("date.hour", "between", [[22, 23]], [[0, 21]]),
    ],
)
def test_an_operator_holds_for_what_it_says(attribute: str, op: str, true_for: list[Any], false_for: list[Any]) -> None:
    assert all(holds(compare(attribute, op, value)) for value in true_for)
    assert not any(holds(compare(attribute, op, value)) for value in false_for)


@pytest.mark.parametrize(
    ("attribute", "op", "value", "expected"),
    [
        ("quantity", "eq", 1, False),
        ("quantity", "ne", 1, True),
        ("quantity", "in", [1], False),
        ("quantity", "not_in", [1], True),
        ("quantity", "gt", -1, False),
        ("quantity", "lt", 9, False),
        ("quantity", "between", [-9, 9], False),
        ("quantity", "multiple_of", 1, False),
        ("quantity", "is_set", True, False),
        ("quantity", "is_set", False, True),
        ("city", "contains", "a", False),
        ("city", "starts_with", "a", False),
        ("stay", "eq", "2026-03-10", False),
        ("stay", "ne", "2026-03-10", True),
        ("stay", "lt", "2027-01-01", False),
        ("stay", "birthday", "month", False),
    ],
)
def test_a_missing_attribute_is_different_from_everything(attribute: str, op: str, value: Any, expected: bool) -> None:
    without: dict[str, Any] = {attribute: None}
    assert holds(compare(f"transaction.{attribute}", op, value), **without) is expected


@pytest.mark.parametrize(
    ("attribute", "op", "other", "expected"),
    [
        ("transaction.quantity", "gt", "transaction.weight", True),
        ("transaction.quantity", "multiple_of", "transaction.weight", True),
        ("transaction.city", "eq", "member.club", True),
        ("transaction.city", "ne", "member.club", False),
        ("transaction.city", "starts_with", "transaction.home", True),
        ("transaction.home", "contains", "transaction.city", False),
        ("transaction.stay", "lt", "transaction.until", True),
        ("transaction.until", "lte", "transaction.transaction_date", True),
        ("transaction.transaction_date", "eq", "transaction.stay", False),
        ("transaction.quantity", "gte", "date.month", True),
        ("transaction.amount", "eq", "member.status", False),
    ],
)
def test_attributes_are_compared_with_each_other(attribute: str, op: str, other: str, expected: bool) -> None:
    assert holds({"attribute": attribute, "op": op, "attribute_value": other}) is expected


def test_a_missing_second_attribute_equals_nothing() -> None:
    equal = {"attribute": "transaction.city", "op": "eq", "attribute_value": "transaction.home"}
    assert not holds(equal, home=None)
    assert holds(equal | {"op": "ne"}, home=None)
    assert not holds(equal, home=None, city=None)


def test_nothing_is_a_multiple_of_zero() -> None:
    when = {"attribute": "transaction.quantity", "op": "multiple_of", "attribute_value": "transaction.weight"}
    assert not holds(when, weight=Decimal(0))


@pytest.mark.parametrize(
    ("day", "grain", "expected"),
    [
        ("2027-02-28", "day", True),
        ("2028-02-28", "day", False),
        ("2028-02-29", "day", True),
        ("2027-03-01", "day", False),
        ("2027-02-01", "month", True),
    ],
)
def test_a_leap_day_birthday_is_kept_in_every_year(day: str, grain: str, expected: bool) -> None:
    noon = datetime.fromisoformat(f"{day}T17:00:00+00:00")
    assert holds(compare("transaction.stay", "birthday", grain), noon, stay=date(2000, 2, 29)) is expected


TRUE, FALSE = compare("transaction.quantity", "eq", 6), compare("transaction.quantity", "eq", 5)


@given(st.recursive(st.booleans(), lambda inner: st.tuples(st.sampled_from(["all", "any", "not"]),
                                                           st.lists(inner, min_size=1, max_size=3)),
                    max_leaves=12))  # fmt: skip
def test_trees_follow_boolean_algebra(tree: Any) -> None:
    def build(node: Any) -> dict[str, Any]:
        if isinstance(node, bool):
            return TRUE if node else FALSE
        word, parts = node
        return {"not": build(parts[0])} if word == "not" else {word: [build(part) for part in parts]}

    def value(node: Any) -> bool:
        if isinstance(node, bool):
            return node
        word, parts = node
        if word == "not":
            return not value(parts[0])
        return all(map(value, parts)) if word == "all" else any(map(value, parts))

    assert holds(build(tree)) is value(tree)
