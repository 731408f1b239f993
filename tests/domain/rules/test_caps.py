"""Counted caps and factors: partial credit, never exceeded, and every figure explained."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from math import floor
from operator import mul
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.expiry_terms import ExpiryOverride
from domain.rules.cap import LIFETIME_START
from domain.rules.compile import compile_rules
from domain.rules.evaluate import AwardLot, AwardTooLarge, CapKey, Evaluation, Facts, cap_keys, evaluate
from domain.rules.examples import run_examples
from domain.rules.parse import parse
from tests.domain.rules.documents import flat, with_rules
from tests.domain.rules.full import full

AT = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
MONTH = CapKey("", "month", date(2026, 3, 1))


def run(document: dict[str, Any], used: dict[CapKey, int] | None = None, **facts: Any) -> Evaluation:
    given_facts: dict[str, Any] = {"transaction": {"amount": Decimal(10)}, "member": {}, "at": AT} | facts
    compiled = compile_rules(parse(document))
    counted = {key: (used or {}).get(key, 0) for key in cap_keys(compiled, given_facts["at"])}
    return evaluate(compiled, Facts(**given_facts), counted)


def multiplier(factor: Any, **award: Any) -> dict[str, Any]:
    return {"award": {"type": "multiplier", "factor": factor} | award}


def test_the_examples_of_the_full_document_pass() -> None:
    results = run_examples(parse(full()))
    assert [(result.name, result.got) for result in results if not result.passed] == []
    assert len(results) == 8


def test_a_cap_gives_partial_credit_up_to_what_is_left() -> None:
    evaluation = run(with_rules(flat(100), program={"accrual_cap_per_month": 500}), {MONTH: 450})
    (award,) = evaluation.awards
    assert award.points == 50
    assert evaluation.counted == {MONTH: 50}
    assert award.explanation["caps"] == [{"cap": "program_month", "limit": 500, "used": "450", "cut": "50"}]


def test_a_full_cap_gives_nothing_and_still_explains_itself() -> None:
    evaluation = run(with_rules(flat(100), caps={"lifetime": 5}), {CapKey("G", "lifetime", LIFETIME_START): 7})
    assert (evaluation.awards, evaluation.counted, evaluation.points) == ((), {}, 0)
    (nothing,) = evaluation.fruitless
    assert nothing.explanation["caps"] == [{"cap": "lifetime", "limit": 5, "used": "7", "cut": "100"}]
    assert nothing.lots == ()


def test_each_cap_cuts_what_the_one_before_left_and_the_next_group_finds_it_counted() -> None:
    caps = {"transaction": 90, "day": 80, "month": 70, "lifetime": 60}
    document = with_rules(flat(100), caps=caps, program={"accrual_cap_per_month": 65})
    document["rule_groups"].append({"name": "H", "rules": [{"name": "x", **flat(10)}]})
    evaluation = run(document)
    first, second = evaluation.awards
    assert [(cut["cap"], cut["cut"]) for cut in first.explanation["caps"]] == [
        ("transaction", "10"), ("day", "10"), ("month", "10"), ("lifetime", "10"),
    ]  # fmt: skip
    assert (first.points, second.points) == (60, 5)
    assert evaluation.counted[MONTH] == 65
    assert evaluation.counted[CapKey("G", "day", date(2026, 3, 31))] == 60


def test_windows_are_those_of_the_programs_clocks() -> None:
    document = with_rules(flat(1), caps={"day": 1, "month": 1, "lifetime": 1}, program={"time_zone": "Asia/Tokyo"})
    document["program"]["accrual_cap_per_month"] = 9
    keys = cap_keys(compile_rules(parse(document)), AT)
    assert keys == [
        CapKey("G", "day", date(2026, 4, 1)),
        CapKey("G", "month", date(2026, 4, 1)),
        CapKey("G", "lifetime", LIFETIME_START),
        CapKey("", "month", date(2026, 4, 1)),
    ]
    assert cap_keys(compile_rules(parse(with_rules(flat(1)))), AT) == []


def test_a_counter_below_nothing_grants_no_more_than_the_limit() -> None:
    assert run(with_rules(flat(100), caps={"lifetime": 5}), {CapKey("G", "lifetime", LIFETIME_START): -50}).points == 5


def test_tier_campaigns_and_multipliers_multiply_each_other() -> None:
    document = with_rules(flat("2.5"), multiplier(2), multiplier("1.5"), caps={"transaction": 60})
    document |= {
        "tiers": {"assessment": "manual", "levels": [{"name": "Gold", "multiplier": 3}]},
        "campaigns": [
            {"name": "May", "starts": "2026-03-31", "ends": "2026-04-01", "award": {"type": "multiplier", "factor": 4}},
            {"name": "Old", "starts": "2026-03-01", "ends": "2026-03-30", "award": {"type": "multiplier", "factor": 9}},
        ],
    }
    (award,) = run(document, tier="Gold").awards
    assert award.points == 60
    explanation = award.explanation
    assert explanation["factors"] == [
        {"of": "tier", "name": "Gold", "factor": "3"},
        {"of": "campaign", "name": "May", "factor": "4"},
        {"of": "rule", "name": "rule 1", "factor": "2"},
        {"of": "rule", "name": "rule 2", "factor": "1.5"},
    ]
    assert [cut["cut"] for cut in explanation["caps"]] == ["30"]
    assert [rule["rule"] for rule in explanation["rules"]] == ["rule 0", "rule 1", "rule 2"]
    assert run(document, tier=None).points == 30


def test_tiers_that_are_off_multiply_nothing() -> None:
    document = with_rules(flat(1)) | {"tiers": {"assessment": "off", "levels": [{"name": "Gold", "multiplier": 3}]}}
    assert run(document, tier="Gold").points == 1


def test_a_multiplier_is_not_the_match_at_which_a_group_stops() -> None:
    document = with_rules(multiplier(2), flat(5), flat(7), multiplier(3), stop_at_first=True)
    assert run(document).points == 10


def test_multipliers_alone_give_nothing() -> None:
    assert run(with_rules(multiplier(2))) == Evaluation(awards=(), unposted=Decimal(0), counted={})


def test_what_a_multiplier_adds_may_have_terms_of_its_own() -> None:
    document = with_rules(flat(10), multiplier(3, expires={"months": 1}), multiplier("0.5", release_after_days=9))
    (award,) = run(document).awards
    assert award.lots == (
        AwardLot(points=5, expires=None),
        AwardLot(points=10, expires=ExpiryOverride(months=1)),
    )
    assert [rule.get("share") for rule in award.explanation["rules"]] == ["5", "10", None]


def test_lots_differ_by_expiry_and_release() -> None:
    rules = (flat(1), flat(2), flat(4), flat(8))
    document = with_rules(*rules)
    awards = [rule["award"] for rule in document["rule_groups"][0]["rules"]]
    awards[1] |= {"release_after_days": 7}
    awards[2] |= {"release_after_days": 7, "expires": {"months": 1}}
    awards[3] |= {"release_after_days": 7}
    (award,) = run(document).awards
    assert [(lot.points, lot.expires, lot.release_after_days) for lot in award.lots] == [
        (1, None, None), (10, None, 7), (4, ExpiryOverride(months=1), 7),
    ]  # fmt: skip


def test_a_flat_campaign_is_an_award_of_its_own_that_nothing_multiplies() -> None:
    campaign = {"starts": "2026-03-01", "ends": "2026-03-31T22:30Z", "award": {"type": "flat", "points": 5}}
    document = with_rules(flat(10), multiplier(2), program={"accrual_cap_per_month": 28})
    document["campaigns"] = [campaign | {"name": "One", "message": "Hello"}, campaign | {"name": "Two"}]
    evaluation = run(document)
    assert [(award.group, award.category, award.points) for award in evaluation.awards] == [
        ("G", "spend", 20), ("Campaign One", "bonus", 5), ("Campaign Two", "bonus", 3),
    ]  # fmt: skip
    assert evaluation.awards[1].explanation["message"] == "Hello"
    assert evaluation.counted == {MONTH: 28}


def test_every_nth_gives_at_the_multiple_and_only_for_what_is_counted() -> None:
    rule = {"award": {"type": "every_nth", "count": "n", "n": 3, "points": 7}}
    document = with_rules(rule)
    document["aggregates"] = [{"key": "n", "of": "quantity", "function": "count", "period": "ytd"}]

    def points(count: int | None, **transaction: Any) -> int:
        aggregates = {} if count is None else {"n": Decimal(count)}
        return run(document, transaction=transaction, aggregates=aggregates).points

    assert [points(count, quantity=1) for count in (0, 1, 2, 3, 4, 6)] == [0, 0, 0, 7, 0, 7]
    assert points(3) == points(None, quantity=1) == 0


def test_the_inputs_of_a_rule_are_told_and_personal_ones_masked() -> None:
    document = full()
    when = {
        "all": [
            {"attribute": "member.full_name", "op": "is_set"},
            {"not": {"attribute": "member.nickname", "op": "eq", "value": "x"}},
            {"attribute": "aggregate.spend_mtd", "op": "gt", "value": 1},
            {"attribute": "segments", "op": "in", "value": ["New", "Staff"]},
            {"attribute": "date.month", "op": "eq", "attribute_value": "transaction.quantity"},
            {"attribute": "transaction.transaction_date", "op": "gt", "value": "2026-01-01"},
        ]
    }
    document["rule_groups"][1]["rules"] = [{"name": "x", "when": when, "award": {"type": "flat", "points": 1}}]
    evaluation = run(
        document,
        transaction={"amount": Decimal(10), "quantity": 4},
        member={"full_name": "Ana", "days_since_enrolment": 1},
        aggregates={"spend_mtd": Decimal("10.50")},
        at=datetime(2026, 4, 1, tzinfo=UTC),
    )
    (rule,) = evaluation.awards[1].explanation["rules"]
    assert rule["inputs"] == {
        "member.full_name": "***",
        "member.nickname": None,
        "aggregate.spend_mtd": "10.5",
        "segments": "New",
        "date.month": "4",
        "transaction.quantity": "4",
        "transaction.transaction_date": "2026-04-01T02:00:00",
    }
    assert "Ana" not in json.dumps(evaluation.awards[1].explanation)


def test_an_award_with_more_digits_than_can_be_counted_is_refused() -> None:
    document = with_rules(flat("0.0000000001"))
    campaign = {"starts": "2026-03-01", "ends": "2026-04-01", "award": {"type": "multiplier", "factor": "0.0001"}}
    document["campaigns"] = [campaign | {"name": str(number)} for number in range(500)]
    with pytest.raises(AwardTooLarge):
        run(document)
    for one in document["campaigns"]:
        one["award"] = {"type": "multiplier", "factor": 1000}
    with pytest.raises(AwardTooLarge):
        run(document)


FACTORS = st.sampled_from(["0.5", "1.25", "2", "3.3333"])
RULES = st.lists(
    st.one_of(
        st.builds(flat, st.decimals("0.01", 300, places=2).map(str), cap=st.none() | st.integers(1, 100)),
        st.builds(
            lambda points, per: {
                "award": {"type": "per_unit", "of": "transaction.amount", "points": points, "per": per}
            },
            st.integers(1, 50),
            st.sampled_from([1, 3, 7]),
        ),
        st.builds(multiplier, FACTORS),
        st.builds(lambda factor: multiplier(factor, expires={"months": 2}), FACTORS),
    ),
    min_size=1,
    max_size=5,
)
CAPS = st.fixed_dictionaries(
    {}, optional={window: st.integers(1, 400) for window in ("transaction", "day", "month", "lifetime")}
)


@given(
    st.lists(st.tuples(RULES, CAPS), min_size=1, max_size=3),
    st.none() | st.integers(1, 600),
    st.integers(0, 2),
    st.decimals(0, 200, places=2),
    st.data(),
)
def test_caps_are_never_exceeded_lots_sum_and_explanations_add_up(
    groups: list[tuple[list[dict[str, Any]], dict[str, int]]],
    program_cap: int | None,
    places: int,
    amount: Decimal,
    data: st.DataObject,
) -> None:
    document = with_rules(program={"points_decimals": places, "accrual_cap_per_month": program_cap})
    document["rule_groups"] = [
        {
            "name": str(number),
            "caps": caps,
            "rules": [{"name": str(place)} | rule for place, rule in enumerate(rules)],
        }
        for number, (rules, caps) in enumerate(groups)
    ]
    document["tiers"] = {"assessment": "manual", "levels": [{"name": "Gold", "multiplier": "1.5"}]}
    configuration = parse(document)
    compiled = compile_rules(configuration)
    limits = {
        key: limit * 10**places
        for key, limit in zip(cap_keys(compiled, AT), [cap.points for cap in compiled.caps], strict=True)
    }
    used = {key: data.draw(st.integers(0, limit)) for key, limit in limits.items()}
    facts = Facts(transaction={"amount": amount}, member={}, at=AT, tier=data.draw(st.sampled_from([None, "Gold"])))
    evaluation = evaluate(compiled, facts, used)

    assert all(used[key] + evaluation.counted.get(key, 0) <= limit for key, limit in limits.items())
    for award in (*evaluation.awards, *evaluation.fruitless):
        assert sum(lot.points for lot in award.lots) == award.points
        caps = configuration.rule_groups[int(award.group)].caps
        assert caps.transaction is None or award.points <= caps.transaction * 10**places
        _check_explanation(award.explanation, places, award.points)
    by_group = {award.group: award.points for award in evaluation.awards}
    for key, minor in evaluation.counted.items():
        assert minor == (by_group[key.scope] if key.scope else evaluation.points)


def _check_explanation(told: dict[str, Any], places: int, points: int) -> None:
    kept = sum(Fraction(rule.get("kept", rule["gave"])) for rule in told["rules"] if "gave" in rule)
    factors = reduce(mul, (Fraction(factor["factor"]) for factor in told["factors"]), Fraction(1))
    cuts = sum(Fraction(cut["cut"]) for cut in told["caps"])
    exact = Fraction(told["exact"])
    assert kept * factors - cuts == exact
    shares = [rule.get("share", rule.get("kept", rule.get("gave", "0"))) for rule in told["rules"]]
    assert sum(map(Fraction, shares)) == exact
    assert points == floor(exact * 10**places + Fraction(1, 2))
    assert abs(exact - Fraction(told["points"]) - Fraction(told["spoilage"])) < Fraction(1, 10**20)
