"""Configurations: what is wrong is named with its path, all at once; what is right survives the round."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from domain.expiry_terms import ExpiryOverride, ExpiryTerms
from domain.rules.model import REDEMPTION_TYPES, AllOf, Comparison, Configuration, PerUnit
from domain.rules.parse import parse, parse_file
from domain.rules.parse_program import RESERVED_TYPES
from domain.rules.problem import MAX_PROBLEMS, ConfigurationInvalid, child
from domain.rules.render import to_document
from domain.rules.schema import schema_text
from resolvers.entry import RESERVED_TYPES as STATEMENT_TYPES
from tests.domain.rules.documents import PUBLISHED, flat, problems_of, published, with_rules

Change = Callable[[dict[str, Any]], Any]


def first_rule(document: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = document["rule_groups"][0]["rules"][0]
    return rule


def test_the_published_document_is_read() -> None:
    configuration = parse_file(PUBLISHED)
    assert configuration.expiry == ExpiryTerms(policy="months", months=24, period_end="quarter")
    rule = configuration.rule_groups[0].rules[0]
    assert rule.award == PerUnit(of="transaction.amount", points=Decimal(1))
    condition = Comparison(attribute="transaction.product_code", op="eq", value="MUSIC")
    assert rule.when == AllOf(parts=(condition,))
    assert parse(to_document(configuration)) == configuration
    json.dumps(to_document(configuration))


def test_an_empty_document_is_a_program_with_defaults() -> None:
    configuration = parse({})
    assert configuration == Configuration()
    assert configuration.program.redemption_types[30] == "gift card"
    assert parse(to_document(configuration)) == configuration


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json.loads(schema_text()))


def test_own_redemption_types_are_added_to_the_published_ones() -> None:
    types = parse({"program": {"redemption_types": {"40": "lounge"}}}).program.redemption_types
    assert list(types) == [4, 5, 6, 19, 30, 40]


def test_the_published_redemption_types_may_be_renamed_and_the_reserved_ones_not() -> None:
    renamed = {str(number): "ours" for number in REDEMPTION_TYPES}
    assert set(parse({"program": {"redemption_types": renamed}}).program.redemption_types.values()) == {"ours"}
    assert RESERVED_TYPES == STATEMENT_TYPES
    for number in RESERVED_TYPES:
        with pytest.raises(ConfigurationInvalid) as refused:
            parse({"program": {"redemption_types": {"40": "lounge", str(number): "ours"}}})
        (problem,) = refused.value.problems
        assert problem.path == child("program.redemption_types", str(number))


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        (lambda d: d.update(foo=1), "foo", "unknown key"),
        (lambda d: d.update({"a b": 1}), "['a b']", "unknown key"),
        (lambda d: d.update(version=2), "version", "must be 1"),
        (lambda d: d["program"].update(points_decimals=3), "program.points_decimals", "at most 2"),
        (lambda d: d["program"].update(points_decimals=True), "program.points_decimals", "integer"),
        (lambda d: d["program"].update(time_zone="Mars"), "program.time_zone", "IANA"),
        (lambda d: d["program"].update(redemption_rate="0"), "program.redemption_rate", "more than 0"),
        (lambda d: d["program"].update(redemption_minimum="0.5"), "program.redemption_minimum", "multiple"),
        (
            lambda d: d["program"].update(default_loyalty_txn_type=77),
            "program.default_loyalty_txn_type",
            "types",
        ),
        (lambda d: d["expiry"].update(date="2027-01-01"), "expiry.date", "no meaning"),
        (lambda d: d.update(expiry={"policy": "months"}), "expiry.months", "is missing"),
        (lambda d: d.update(expiry={"policy": "fixed_date", "date": "2027-02-30"}), "expiry.date", "no such"),
        (lambda d: d["product_codes"].append({"code": "MUSIC"}), "product_codes[1].code", "duplicate"),
        (lambda d: d["product_codes"].append({"code": 7}), "product_codes[1].code", "string"),
        (
            lambda d: d["transaction_attributes"].append({"key": "quantity", "name": "Q", "type": "int"}),
            "transaction_attributes[1].key",
            "duplicate",
        ),
        (
            lambda d: d["transaction_attributes"].append({"key": "amount", "name": "A", "type": "int"}),
            "transaction_attributes[1].type",
            "fixed attribute is of type decimal",
        ),
        (
            lambda d: d["member_attributes"].append({"key": "x", "name": "X", "type": "selection"}),
            "member_attributes[1].values",
            "is missing",
        ),
        (
            lambda d: first_rule(d)["award"].update(points=0),
            "rule_groups[0].rules[0].award.points",
            "more than 0",
        ),
        (
            lambda d: first_rule(d)["award"].update(points="0"),
            "rule_groups[0].rules[0].award.points",
            "more than",
        ),
        (
            lambda d: first_rule(d)["award"].update(per="0"),
            "rule_groups[0].rules[0].award.per",
            "more than 0",
        ),
        (
            lambda d: first_rule(d)["award"].update(points="x"),
            "rule_groups[0].rules[0].award.points",
            "allowed",
        ),
        (lambda d: first_rule(d)["award"].pop("of"), "rule_groups[0].rules[0].award.of", "is missing"),
        (
            lambda d: first_rule(d)["award"].update(of="transaction.product_code"),
            "rule_groups[0].rules[0].award.of",
            "must be a number",
        ),
        (
            lambda d: first_rule(d)["award"].update(of="date.day"),
            "rule_groups[0].rules[0].award.of",
            "must be a number",
        ),
        (
            lambda d: first_rule(d)["award"].update(type="magic"),
            "rule_groups[0].rules[0].award.type",
            "one of",
        ),
        (
            lambda d: first_rule(d)["award"].update(flat=1),
            "rule_groups[0].rules[0].award.flat",
            "unknown key",
        ),
        (lambda d: first_rule(d).update(cap=0), "rule_groups[0].rules[0].cap", "at least 1"),
        (lambda d: first_rule(d).update(name="Five or more"), "rule_groups[0].rules[1].name", "duplicate"),
        (
            lambda d: first_rule(d).update(valid_from="2026-02-01", valid_to="2026-01-01"),
            "rule_groups[0].rules[0].valid_to",
            "before valid_from",
        ),
        (
            lambda d: first_rule(d)["award"].update(expires={"months": 1, "date": "2027-01-01"}),
            "rule_groups[0].rules[0].award.expires",
            "no more than 1",
        ),
        (
            lambda d: d["examples"][0]["transaction"].update(quantity="many"),
            "examples[0].transaction.quantity",
            "whole number",
        ),
        (
            lambda d: d["examples"][0]["transaction"].update(x=1),
            "examples[0].transaction.x",
            "unknown attribute",
        ),
        (
            lambda d: d["examples"][0]["transaction"].update(product_code="BOOK"),
            "examples[0].transaction.product_code",
            "product codes",
        ),
        (lambda d: d["examples"][0].update(points="1.5"), "examples[0].points", "multiple"),
    ],
)
def test_a_fault_is_named_with_its_path(change: Change, path: str, message: str) -> None:
    document = published()
    change(document)
    assert message in problems_of(document)[path]


def test_empty_sections_do_no_harm() -> None:
    empty: dict[str, Any] = {
        "aggregates": [],
        "tiers": None,
        "segments": [],
        "program": {"accrual_cap_per_month": None},
    }
    assert parse(empty) == Configuration()


def test_all_faults_are_told_at_once_but_no_more_than_fifty() -> None:
    document = with_rules(*(flat(1, when={"attribute": "x", "op": "eq", "value": 1}) for _ in range(80)))
    assert len(problems_of(document)) == MAX_PROBLEMS
    document = published()
    document["program"]["time_zone"] = "Mars"
    first_rule(document)["award"]["of"] = "transaction.x"
    assert len(problems_of(document)) == 2


def test_units_without_a_usable_common_multiple_are_refused() -> None:
    primes = (999999999989, 999999999961, 999999999937, 999999999899)
    rules = ({"award": {"type": "per_unit", "of": "transaction.amount", "points": 1, "per": p}} for p in primes)
    assert "common multiple" in problems_of(with_rules(*rules))["rule_groups[0]"]


@pytest.mark.parametrize("document", [None, [], "x", 1, {"rule_groups": {}}, {"rule_groups": [[]]}, {"program": 1}])
def test_a_document_of_another_shape_is_refused(document: Any) -> None:
    assert problems_of(document)


def test_an_award_may_have_its_own_expiry() -> None:
    document = with_rules(flat(1), flat(2))
    rules = document["rule_groups"][0]["rules"]
    rules[0]["award"]["expires"] = {"months": 3}
    rules[1]["award"]["expires"] = {"date": "2027-01-31"}
    configuration = parse(document)
    assert [rule.expires for rule in configuration.rule_groups[0].rules] == [
        ExpiryOverride(months=3),
        ExpiryOverride(last_day=date(2027, 1, 31)),
    ]
    assert parse(to_document(configuration)) == configuration
