"""Conditions in a file: types must fit, sizes are bounded, and the path says where they do not."""

import time
from typing import Any

import pytest

from domain.rules.parse import parse
from tests.domain.rules.documents import flat, problems_of, with_rules


@pytest.mark.parametrize(
    ("attribute", "op", "value", "message"),
    [
        ("transaction.nope", "eq", 1, "unknown attribute"),
        ("nonsense", "eq", 1, "unknown attribute"),
        ("transaction.city", "gt", "a", "does not fit"),
        ("transaction.quantity", "contains", 1, "does not fit"),
        ("transaction.online", "in", [True], "does not fit"),
        ("transaction.quantity", "birthday", "day", "does not fit"),
        ("transaction.quantity", "eq", "x", "whole number"),
        ("transaction.quantity", "eq", "1.5", "whole number"),
        ("transaction.quantity", "in", 3, "takes a list"),
        ("transaction.quantity", "eq", [3], "not a list"),
        ("transaction.quantity", "between", [1], "two values"),
        ("transaction.quantity", "between", [2, 1], "greater"),
        ("transaction.quantity", "multiple_of", 0, "more than 0"),
        ("transaction.city", "eq", 7, "quote it"),
        ("transaction.online", "eq", "yes", "true or false"),
        ("transaction.online", "is_set", 1, "true or false"),
        ("transaction.channel", "eq", "phone", "must be one of"),
        ("transaction.stay", "gt", "tomorrow", "date"),
        ("member.dob", "birthday", "week", "day or month"),
        ("date.weekday", "eq", 0, "from 1 to 7"),
        ("date.hour", "in", [24], "from 0 to 23"),
        ("transaction.quantity", "eq", None, "must be a"),
        ("transaction.quantity", "like", 1, "must be one of"),
    ],
)
def test_a_comparison_must_fit_its_attribute(attribute: str, op: str, value: Any, message: str) -> None:
    document = with_rules(flat(1, when={"attribute": attribute, "op": op, "value": value}))
    found = problems_of(document)
    assert all(path.startswith("rule_groups[0].rules[0].when") for path in found)
    assert message in "; ".join(found.values())


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({}, "is missing"),
        ({"attribute_value": "transaction.nope"}, "unknown attribute"),
        ({"attribute_value": "transaction.city"}, "cannot be compared"),
        ({"attribute_value": "transaction.amount", "value": 1}, "one of the two"),
        ({"attribute_value": "transaction.amount", "op": "between"}, "needs a value"),
    ],
)
def test_a_second_attribute_must_fit_the_first(extra: dict[str, Any], message: str) -> None:
    when = {"attribute": "transaction.quantity", "op": "eq"} | extra
    assert message in "; ".join(problems_of(with_rules(flat(1, when=when))).values())


def nested(depth: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"attribute": "transaction.quantity", "op": "eq", "value": 1}
    for _ in range(depth - 1):
        condition = {"not": condition}
    return condition


def test_conditions_are_bounded_in_depth_and_number() -> None:
    assert parse(with_rules(flat(1, when=nested(16))))
    path = "rule_groups[0].rules[0].when"
    assert "deeper than 16" in problems_of(with_rules(flat(1, when=nested(17))))[path]
    leaf = nested(1)
    assert parse(with_rules(flat(1, when={"all": [leaf] * 199})))
    assert "more than 200" in problems_of(with_rules(flat(1, when={"all": [leaf] * 200})))[path]
    assert "more than 200" in problems_of(with_rules(flat(1, when={"all": [{"any": [leaf] * 100}] * 2000})))[path]


def test_rules_are_bounded_in_number() -> None:
    assert "more than 500" in problems_of(with_rules(*[flat(1)] * 501))["rule_groups"]
    started = time.perf_counter()
    assert len(parse(with_rules(*[flat(1, when=nested(8))] * 500)).rule_groups[0].rules) == 500
    assert time.perf_counter() - started < 10
