"""Tiers: up at once, down after the retention, each level's bonus once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tier_terms import TierLevel, TierTerms
from domain.tiers import TierDecision, TierProgress, assess, newly_reached, progress

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LEVELS = tuple(
    TierLevel(name=name, from_points=points, upgrade_bonus=bonus)
    for name, points, bonus in (("Silver", 0, 0), ("Gold", 5000, 200), ("Platinum", 15000, 500))
)
TERMS = TierTerms(assessment="automatic", retention_days=365, levels=LEVELS)


def decide(
    points: int, current: str | None, days: int = 0, reached: Any = (), terms: TierTerms = TERMS
) -> TierDecision:
    since = None if current is None else NOW - timedelta(days=days)
    return assess(terms, Decimal(points), None, current, since, NOW, frozenset(reached))


def test_a_new_member_gets_the_entry_level_and_no_other_bonus() -> None:
    decision = decide(0, None)
    assert (decision.tier, decision.since, decision.bonus) == ("Silver", NOW, 0)
    assert decision.expires == NOW + timedelta(days=365)
    assert decision.upgrade_bonus_levels == ("Silver",)


def test_an_upgrade_is_at_once_and_counts_the_levels_that_it_passes_over() -> None:
    decision = decide(15000, "Silver", reached=["Silver"])
    assert (decision.tier, decision.upgrade_bonus_levels, decision.bonus) == ("Platinum", ("Gold", "Platinum"), 700)
    assert decision.reached == {"Silver", "Gold", "Platinum"}


def test_a_level_reached_before_gives_no_bonus_again() -> None:
    decision = decide(5000, "Silver", reached=["Silver", "Gold"])
    assert (decision.tier, decision.bonus, decision.upgrade_bonus_levels) == ("Gold", 0, ())


@pytest.mark.parametrize(("days", "tier"), [(0, "Gold"), (364, "Gold"), (365, "Silver"), (4000, "Silver")])
def test_a_downgrade_waits_for_the_end_of_the_retention(days: int, tier: str) -> None:
    decision = decide(4999, "Gold", days, ["Silver", "Gold"])
    assert decision.tier == tier
    assert decision.since == (NOW - timedelta(days=days) if tier == "Gold" else NOW)
    assert decision.bonus == 0


@pytest.mark.parametrize(("seconds", "tier"), [(0, "Gold"), (1, "Silver")])
def test_without_retention_a_tier_is_kept_in_the_instant_of_its_qualification(seconds: int, tier: str) -> None:
    terms, since = replace(TERMS, retention_days=0), NOW - timedelta(seconds=seconds)
    assert assess(terms, Decimal(0), None, "Gold", since, NOW, frozenset(["Silver", "Gold"])).tier == tier


def test_who_still_qualifies_is_qualified_anew() -> None:
    assert decide(5000, "Gold", 364, ["Silver", "Gold"]).since == NOW


def test_a_qualification_of_unknown_date_is_retained_from_now_on() -> None:
    decision = assess(TERMS, Decimal(0), None, "Gold", None, NOW, frozenset({"Silver", "Gold"}))
    assert (decision.tier, decision.since) == ("Gold", NOW)


def test_a_level_that_is_gone_counts_as_none() -> None:
    assert decide(0, "Diamond", 1).tier == "Silver"


def test_below_the_first_level_there_is_no_tier() -> None:
    terms = TierTerms(assessment="automatic", levels=LEVELS[1:])
    decision = decide(10, None, terms=terms)
    assert (decision.tier, decision.since, decision.expires, decision.bonus) == (None, None, None, 0)


def test_a_tier_that_came_with_a_merge_gives_its_bonus_when_it_is_earned_and_not_by_being_kept() -> None:
    kept = decide(4999, "Gold", 3, ["Silver"])
    assert (kept.tier, kept.bonus, kept.reached) == ("Gold", 0, frozenset({"Silver"}))
    earned = decide(5000, "Gold", 3, ["Silver"])
    assert (earned.tier, earned.bonus, earned.reached) == ("Gold", 200, frozenset({"Silver", "Gold"}))


@pytest.mark.parametrize("assessment", ["off", "manual"])
def test_without_automatic_assessment_nothing_changes(assessment: Any) -> None:
    terms = TierTerms(assessment=assessment, levels=LEVELS)
    decision = decide(99999, "Silver", 3, ["Silver"], terms)
    assert (decision.tier, decision.bonus, decision.reached) == ("Silver", 0, frozenset({"Silver"}))


def test_both_thresholds_must_be_met_where_the_basis_is_both() -> None:
    gold = TierLevel(name="Gold", from_points=10, from_aggregate=Decimal("99.5"))
    terms = TierTerms(assessment="automatic", basis="both", aggregate="spend", levels=(gold,))

    def tier(points: int, aggregate: Decimal | None) -> str | None:
        return assess(terms, Decimal(points), aggregate, None, None, NOW, frozenset()).tier

    assert [tier(10, Decimal("99.5")), tier(9, Decimal(100)), tier(10, Decimal(99)), tier(10, None)] == [
        "Gold", None, None, None,
    ]  # fmt: skip
    assert progress(terms, Decimal(4), Decimal(2), None) == TierProgress(
        next="Gold",
        needed_points=Decimal(10),
        needed_aggregate=Decimal("99.5"),
        missing_points=Decimal(6),
        missing_aggregate=Decimal("97.5"),
        fraction=Decimal("0.0201"),
    )


def test_progress_tells_the_next_level_and_what_is_missing() -> None:
    assert progress(TERMS, Decimal("4000.5"), None, "Silver").missing_points == Decimal("999.5")
    assert progress(TERMS, Decimal(20000), None, "Gold").missing_points == 0
    top = progress(TERMS, Decimal(20000), None, "Platinum")
    assert (top.next, top.needed_points, top.missing_points, top.fraction) == (None, None, None, None)
    assert progress(TERMS, Decimal(0), None, None).next == "Silver"


def test_the_way_to_the_next_level_is_whole_only_when_it_is_done() -> None:
    assert progress(TERMS, Decimal("4999.99"), None, "Silver").fraction == Decimal("0.9999")
    assert progress(TERMS, Decimal(5000), None, "Silver").fraction == 1
    assert progress(TERMS, Decimal(0), None, None).fraction == 1
    by_hand = replace(TERMS, levels=(TierLevel(name="Gold"),))
    assert progress(by_hand, Decimal(7), None, None).fraction is None


def test_a_level_set_by_hand_is_reached_with_those_below_it() -> None:
    assert [level.name for level in newly_reached(TERMS, "Gold", frozenset())] == ["Silver", "Gold"]
    assert newly_reached(TERMS, None, frozenset()) == ()


@given(st.lists(st.tuples(st.integers(0, 20000), st.integers(0, 500)), max_size=12))
def test_no_history_gives_a_bonus_twice_or_takes_a_tier_early(history: list[tuple[int, int]]) -> None:
    tier, since, reached, now = None, None, frozenset[str](), NOW
    given_for: list[str] = []
    for points, days in history:
        now += timedelta(days=days)
        decision = assess(TERMS, Decimal(points), None, tier, since, now, reached)
        names = [level.name for level in LEVELS]
        if tier is not None and since is not None and names.index(decision.tier or "") < names.index(tier):
            assert now >= since + timedelta(days=TERMS.retention_days)
        given_for += decision.upgrade_bonus_levels
        tier, since, reached = decision.tier, decision.since, decision.reached
    assert len(given_for) == len(set(given_for))
