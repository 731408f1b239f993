"""The oracle by worked examples: what campaigns give, and what regular customers get."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from tests.ledger.promotion import Loyalty, Promotion, campaigns, promoted, thanks
from tests.ledger.test_oracle import day
from tests.oracle import Award, Campaign, Cap, Level, Oracle, Regulars

DOUBLE = Campaign(day(0), day(3), Fraction(2))
GIFT = Campaign(day(2), day(5), points=4)
INSTANT = timedelta(microseconds=1)


def oracle_with(*running: Campaign, regulars: Regulars | None = None, caps: tuple[Cap, ...] = ()) -> Oracle:
    oracle = Oracle(campaigns=running, regulars=regulars, caps=caps)
    for member in ("ANNA", "BEN"):
        oracle.set_up(member)
    return oracle


def buy(
    oracle: Oracle, name: str, spend: int, at: datetime, bonus: int = 0, member: str = "ANNA"
) -> list[tuple[str, int]]:
    """What a purchase of as many units as points gave, by posting."""
    account = oracle.account_of(member)
    before = len(account.entries)
    awards = [Award("spend", spend, None), Award("bonus", bonus, None)]
    oracle.earn(member, name, at, awards, day(40), Fraction(spend))
    return [(entry.bucket, entry.points) for entry in account.entries[before:]]


@pytest.mark.parametrize(
    ("at", "given"),
    [
        (day(0) - INSTANT, [("spend", 5), ("bonus", 3)]),
        (day(0), [("spend", 10), ("bonus", 6)]),
        # What a campaign gives itself is multiplied by nothing.
        (day(2), [("spend", 10), ("bonus", 6), ("bonus", 4)]),
        (day(3), [("spend", 5), ("bonus", 3), ("bonus", 4)]),
        (day(5), [("spend", 5), ("bonus", 3)]),
    ],
)
def test_campaigns_are_on_from_their_first_instant_to_before_their_last(
    at: datetime, given: list[tuple[str, int]]
) -> None:
    assert buy(oracle_with(DOUBLE, GIFT), "A", 5, at, bonus=3) == given


def test_factors_multiply_each_other_and_that_of_the_tier_and_are_rounded_once() -> None:
    oracle = oracle_with(DOUBLE, Campaign(day(0), day(9), Fraction(1, 4)))
    oracle.levels = [Level("Gold", 0, Fraction(3, 2))]
    oracle.accounts["ANNA"].come_to("Gold", day(-1), by_itself=True)
    # 3 * 2 * 1/4 * 3/2 = 2.25, and 5 * 3/4 = 3.75.
    assert (buy(oracle, "A", 3, day(1)), buy(oracle, "B", 5, day(1))) == ([("spend", 2)], [("spend", 4)])


def test_a_campaign_gives_where_nothing_else_is_earned_and_caps_cut_it_last() -> None:
    oracle = oracle_with(GIFT, caps=(Cap(12, "month"),))
    assert buy(oracle, "A", 0, day(2)) == [("bonus", 4)]
    assert buy(oracle, "B", 6, day(2)) == [("spend", 6), ("bonus", 2)]


@pytest.mark.parametrize(("of", "regular_from"), [("sum", 3), ("count", 4)])
def test_regular_customers_are_those_who_bought_enough_with_this_purchase(of: str, regular_from: int) -> None:
    for_some = Campaign(day(0), day(99), points=1, only_regulars=True)
    oracle = oracle_with(for_some, regulars=Regulars(of, "lifetime", Fraction({"sum": 30, "count": 4}[of]), thanks=2))
    # In different months, which a lifetime has all of.
    given = [buy(oracle, str(number), 10, day(20 * number)) for number in range(1, 5)]
    assert [number for number, one in enumerate(given, start=1) if one == [("spend", 12), ("bonus", 1)]] == list(
        range(regular_from, 5)
    )
    assert buy(oracle, "other", 10, day(1), member="BEN") == [("spend", 10)]


def test_thanks_are_multiplied_like_what_they_come_with() -> None:
    oracle = oracle_with(DOUBLE, regulars=Regulars("count", "lifetime", Fraction(1), thanks=3))
    assert buy(oracle, "A", 5, day(1)) == [("spend", 16)]


@pytest.mark.parametrize(("refunded", "by_sum", "by_count"), [(1, 9, 1), (9, 1, 1), (10, 0, 0), (11, 0, 0)])
def test_refunds_take_their_part_off_a_sum_and_a_purchase_off_a_count_only_once_it_is_whole(
    refunded: int, by_sum: int, by_count: int
) -> None:
    for of, left in (("sum", by_sum), ("count", by_count)):
        oracle = oracle_with(regulars=Regulars(of, "month", Fraction(99)))
        for name, spend in (("A", 10), ("free", 0)):
            buy(oracle, name, spend, day(1))
            oracle.refund("ANNA", name, Fraction(refunded), day(40), day(40))
        assert oracle.figure("ANNA", day(0).date().replace(day=1)) == left


def test_a_month_is_that_of_the_purchase_on_the_clocks_of_the_program() -> None:
    oracle = oracle_with(regulars=Regulars("sum", "month", Fraction(20), thanks=2))
    oracle.zone = ZoneInfo("America/New_York")
    april = datetime(2026, 4, 1, 4, tzinfo=UTC)
    assert buy(oracle, "A", 10, april - INSTANT) == [("spend", 10)]
    assert buy(oracle, "B", 10, april) == [("spend", 10)]
    assert buy(oracle, "C", 10, april - INSTANT) == [("spend", 12)]


def test_two_members_are_regular_together_until_they_are_two_again() -> None:
    oracle = oracle_with(regulars=Regulars("count", "lifetime", Fraction(3), thanks=2))
    assert buy(oracle, "A", 1, day(0)) + buy(oracle, "B", 1, day(0), member="BEN") == [("spend", 1)] * 2
    oracle.merge("ANNA", "BEN", "M", day(40))
    assert buy(oracle, "C", 1, day(0)) == [("spend", 3)]
    oracle.unmerge("M", day(40))
    # What was bought meanwhile is the survivor's.
    assert buy(oracle, "D", 1, day(0), member="BEN") == [("spend", 3)]
    assert buy(oracle, "E", 1, day(0)) == [("spend", 1)]


def test_a_history_says_the_same_to_both_sides() -> None:
    two = (Promotion(-1, 0, "1.5"), Promotion(2, 2, points=4, only_regulars=True))
    loyalty = Loyalty("sum", "month", 50, thanks=3)
    # It is the second of March already where the program is.
    start = datetime(2026, 3, 2, 2, tzinfo=ZoneInfo("Pacific/Kiritimati"))
    enough = {"attribute": "aggregate.bought", "op": "gte", "value": 50}
    assert promoted(two, loyalty, start) == {
        "campaigns": [
            {
                "name": "Week 0",
                "starts": "2026-03-01",
                "ends": "2026-03-02",
                "award": {"type": "multiplier", "factor": "1.5"},
            },
            {
                "name": "Week 1",
                "starts": "2026-03-04",
                "ends": "2026-03-04",
                "award": {"type": "flat", "points": 4},
                "segment": "Regulars",
            },
        ],
        "aggregates": [{"key": "bought", "function": "sum", "period": "mtd", "of": "amount"}],
        "segments": [{"name": "Regulars", "when": enough}],
    }
    assert thanks(loyalty) == [{"name": "Thank you", "when": enough, "award": {"type": "flat", "points": 3}}]
    starts = [day(number) for number in (-1, 1, 2, 3)]
    assert campaigns(two, loyalty, starts, 100) == [
        Campaign(day(-1), day(1), Fraction(3, 2)),
        Campaign(day(2), day(3), points=400, only_regulars=True),
    ]
    assert loyalty.regulars(100) == Regulars("sum", "month", Fraction(50), 300)
    # Without anybody to be for, a campaign is for all.
    assert not campaigns(two, None, starts, 1)[1].only_regulars
