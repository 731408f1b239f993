"""Awards: exact, partial at caps, rounded exactly once, split by expiry, and able to explain themselves."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.expiry_terms import ExpiryOverride
from domain.rules.compile import compile_rules
from domain.rules.evaluate import AwardLot, AwardTooLarge, Evaluation, Facts, evaluate
from domain.rules.examples import run_examples
from domain.rules.parse import parse, parse_file
from domain.rules.render import to_document
from tests.domain.rules.documents import PUBLISHED, flat, with_rules

AT = datetime(2026, 3, 25, 12, tzinfo=UTC)


def run(document: dict[str, Any], amount: Any = "10", at: datetime = AT, **facts: Any) -> Evaluation:
    transaction = {"amount": Decimal(amount)} | facts
    return evaluate(compile_rules(parse(document)), Facts(transaction=transaction, member={}, at=at), {})


def per_unit(points: Any, per: Any = 1, **rule: Any) -> dict[str, Any]:
    award = {"type": "per_unit", "of": "transaction.amount", "points": points, "per": per}
    return {"award": award} | rule


def percent(value: Any, **rule: Any) -> dict[str, Any]:
    return {"award": {"type": "percent", "of": "transaction.amount", "percent": value}} | rule


def test_the_examples_of_the_published_document_pass() -> None:
    results = run_examples(parse_file(PUBLISHED))
    assert [(result.name, result.got, result.passed) for result in results] == [
        ("base and bonus", Decimal(39), True),
        ("base only", Decimal(29), True),
    ]


def test_a_failed_example_says_what_came_out() -> None:
    document = with_rules(per_unit(1)) | {
        "examples": [
            {"name": "wrong", "transaction": {"amount": 5}, "points": 6},
            {"name": "refund", "transaction": {"amount": 5, "transaction_type": "CR"}, "points": 0},
        ]
    }
    wrong, refund = run_examples(parse(document))
    assert (wrong.expected, wrong.got, wrong.passed) == (Decimal(6), Decimal(5), False)
    assert wrong.explanation[0]["rules"][0]["gave"] == "5"
    assert refund.passed


@pytest.mark.parametrize(
    ("rule", "amount", "points"),
    [
        (flat(7), "0", 7),
        (per_unit(1), "29.33", 29),
        (per_unit(2, 3), "10", 7),
        (per_unit("0.5", "0.1"), "10", 50),
        (percent(5), "250", 13),
        (percent("0.5"), "99", 0),
        (per_unit(1), "-5", 0),
        (per_unit(1), "0", 0),
    ],
)
def test_an_award_gives(rule: dict[str, Any], amount: str, points: int) -> None:
    assert run(with_rules(rule), amount).points == points


def test_an_award_of_a_missing_attribute_gives_nothing() -> None:
    compiled = compile_rules(parse(with_rules(per_unit(1))))
    assert evaluate(compiled, Facts(transaction={}, member={}, at=AT), {}).awards == ()


def test_a_group_is_rounded_once_not_each_rule() -> None:
    assert run(with_rules(per_unit("0.04"), per_unit("0.04"))).points == 1
    # Three sixths are a half: a third that was cut on the way would be lost.
    sixth = {"type": "per_unit", "of": "transaction.amount", "points": "0.5", "per": 3}
    assert run(with_rules({"award": sixth}, {"award": sixth}, {"award": sixth}), "1").points == 1


def test_the_explanation_names_rules_caps_rounding_and_spoilage() -> None:
    document = with_rules(per_unit("1.333"), flat(10, cap=4), caps={"transaction": 15}, category="bonus")
    (award,) = run(document).awards
    assert (award.group, award.category, award.points, award.spoilage) == ("G", "bonus", 15, Decimal(0))
    assert award.explanation == {
        "rules": [
            {"rule": "rule 0", "sequence": 0, "inputs": {"transaction.amount": "10"}, "gave": "13.33"},
            {"rule": "rule 1", "sequence": 1, "inputs": {}, "gave": "10", "cap": 4, "kept": "4", "share": "1.67"},
        ],
        "factors": [],
        "caps": [{"cap": "transaction", "limit": 15, "cut": "2.33"}],
        "exact": "15",
        "rounding": "half_up",
        "points": "15",
        "spoilage": "0",
    }
    json.dumps(award.explanation)


def test_thirds_are_explained_as_fractions() -> None:
    (award,) = run(with_rules(per_unit(1, 3))).awards
    assert (award.explanation["exact"], award.points) == ("10/3", 3)
    assert award.spoilage.quantize(Decimal("0.0001")) == Decimal("0.3333")


def test_what_rounds_to_nothing_is_no_award_and_is_reported() -> None:
    evaluation = run(with_rules(per_unit("0.04")))
    assert evaluation.awards == ()
    assert evaluation.unposted == Decimal("0.4")


def test_groups_award_side_by_side_in_sequence() -> None:
    document = with_rules(per_unit("0.05"))
    document["rule_groups"].append({"name": "H", "rules": [{"name": "x", **per_unit("0.05")}]})
    assert [(award.group, award.points) for award in run(document).awards] == [("G", 1), ("H", 1)]


def test_stop_at_first_gives_the_first_match_only() -> None:
    never = {"attribute": "transaction.quantity", "op": "eq", "value": 1}
    rules = (flat(1, when=never), flat(2), flat(4))
    assert run(with_rules(*rules)).points == 6
    assert run(with_rules(*rules, stop_at_first=True)).points == 2


def test_what_is_not_enabled_does_not_run() -> None:
    assert run(with_rules(flat(1, enabled=False), flat(2))).points == 2
    assert run(with_rules(flat(1), enabled=False)).awards == ()


@pytest.mark.parametrize(
    ("bounds", "at", "matches"),
    [
        ({"valid_from": "2026-03-25"}, "2026-03-25T04:00:00Z", True),
        ({"valid_from": "2026-03-25"}, "2026-03-25T03:59:59Z", False),
        ({"valid_to": "2026-03-25"}, "2026-03-26T03:59:59Z", True),
        ({"valid_to": "2026-03-25"}, "2026-03-26T04:00:00Z", False),
        ({"valid_to": "2026-03-25T12:00Z"}, "2026-03-25T12:00:00Z", True),
        ({"valid_to": "2026-03-25T12:00Z"}, "2026-03-25T12:00:00.000001Z", False),
        ({"valid_from": "2026-03-25T08:00"}, "2026-03-25T12:00:00Z", True),
        ({"valid_from": "2026-03-25T08:00"}, "2026-03-25T11:59:59Z", False),
    ],
)
def test_a_rule_is_valid_in_its_days_on_the_programs_clocks(bounds: dict[str, Any], at: str, matches: bool) -> None:
    document = with_rules(flat(1, **bounds), program={"time_zone": "America/New_York"})
    assert bool(run(document, at=datetime.fromisoformat(at)).awards) is matches
    assert parse(to_document(parse(document))) == parse(document)


def test_rules_of_one_expiry_share_a_lot_and_others_have_their_own() -> None:
    document = with_rules(per_unit("0.25"), flat("2.25"), flat("1.25"))
    rules = document["rule_groups"][0]["rules"]
    rules[1]["award"]["expires"] = {"months": 3}
    (award,) = run(document).awards
    assert award.points == 6
    assert award.lots == (
        AwardLot(points=4, expires=None),
        AwardLot(points=2, expires=ExpiryOverride(months=3)),
    )
    rules[0]["award"]["expires"] = {"months": 3}
    rules[2]["award"]["expires"] = {"date": "2027-01-31"}
    (award,) = run(document).awards
    assert [lot.expires for lot in award.lots] == [
        ExpiryOverride(months=3),
        ExpiryOverride(last_day=date(2027, 1, 31)),
    ]


def test_the_cap_is_granted_to_the_first_rules_first() -> None:
    document = with_rules(flat(4), flat(4), caps={"transaction": 5})
    document["rule_groups"][0]["rules"][1]["award"]["expires"] = {"months": 1}
    (award,) = run(document).awards
    assert [lot.points for lot in award.lots] == [4, 1]


def test_an_award_beyond_all_limits_is_refused() -> None:
    with pytest.raises(AwardTooLarge):
        run(with_rules(per_unit(10**12)), "1000000")


NUMBERS = st.decimals("0.0001", 1000, places=4).map(str)
RULES = st.lists(
    st.one_of(
        st.builds(flat, NUMBERS),
        st.builds(flat, NUMBERS, cap=st.integers(1, 300)),
        st.builds(per_unit, NUMBERS, NUMBERS, cap=st.integers(1, 300)),
        st.builds(per_unit, NUMBERS, st.sampled_from([1, 3, 7, "0.6"])),
        st.builds(percent, NUMBERS),
    ),
    min_size=1,
    max_size=4,
)


def exact_gift(rule: dict[str, Any], amount: Fraction) -> Fraction:
    award = rule["award"]
    if award["type"] == "flat":
        gift = Fraction(award["points"])
    elif award["type"] == "percent":
        gift = amount * Fraction(award["percent"]) / 100
    else:
        gift = amount * Fraction(award["points"]) / Fraction(award["per"])
    return min(gift, Fraction(rule["cap"])) if "cap" in rule else gift


@given(RULES, st.decimals(0, 10000, places=2), st.none() | st.integers(1, 500), st.integers(0, 2), st.data())
def test_points_are_the_exact_sum_capped_and_rounded_half_up(
    rules: list[dict[str, Any]], amount: Decimal, cap: int | None, places: int, data: st.DataObject
) -> None:
    document = with_rules(*rules, program={"points_decimals": places}, caps={"transaction": cap})
    for rule in document["rule_groups"][0]["rules"]:
        months = data.draw(st.none() | st.integers(1, 2))
        if months:
            rule["award"]["expires"] = {"months": months}
    evaluation = run(document, amount)
    exact = sum((exact_gift(rule, Fraction(amount)) for rule in rules), Fraction(0))
    if cap is not None:
        exact = min(exact, Fraction(cap))
    assert evaluation.points == floor(exact * 10**places + Fraction(1, 2))
    for award in evaluation.awards:
        assert sum(lot.points for lot in award.lots) == award.points
        assert all(lot.points > 0 for lot in award.lots)
        assert Fraction(award.explanation["exact"]) == exact
        assert abs(exact - Fraction(award.points, 10**places) - Fraction(award.spoilage)) < Fraction(1, 10**20)


@given(
    RULES,
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.booleans(),
    st.sampled_from(["UTC", "Asia/Kathmandu"]),
)
def test_a_configuration_survives_its_document(
    rules: list[dict[str, Any]], flags: list[bool], stop: bool, zone: str
) -> None:
    for rule, flag in zip(rules, flags, strict=False):
        rule["enabled"] = flag
        rule["when"] = {
            "any": [
                {"attribute": "transaction.weight", "op": "between", "value": ["0.10", "2.5"]},
                {"not": {"attribute": "transaction.stay", "op": "gt", "value": "2026-01-01T10:00Z"}},
                {"attribute": "member.dob", "op": "birthday", "value": "day"},
            ]
        }
    document = with_rules(*rules, program={"time_zone": zone}, stop_at_first=stop)
    configuration = parse(document)
    rendered = to_document(configuration)
    assert parse(json.loads(json.dumps(rendered))) == configuration
    assert to_document(parse(rendered)) == rendered


def test_the_moment_is_read_on_the_programs_clocks() -> None:
    when = {"attribute": "date.day", "op": "eq", "value": 26}
    document = with_rules(flat(1, when=when), program={"time_zone": "Pacific/Kiritimati"})
    assert run(document, at=datetime(2026, 3, 25, 10, tzinfo=UTC)).points == 1
    assert not run(document, at=datetime(2026, 3, 25, 10, tzinfo=UTC) - timedelta(seconds=1)).awards
