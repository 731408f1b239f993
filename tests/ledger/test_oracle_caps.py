"""The oracle by worked examples: what caps leave of purchases, and what gives them back."""

from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from tests.ledger.test_oracle import day
from tests.oracle import Award, Cap, Oracle

FIRST = day(0)
MONTH = Cap(500, "month")


def oracle_with(*caps: Cap, zone: str = "UTC", refunds: str = "negative") -> Oracle:
    oracle = Oracle(caps=caps, zone=ZoneInfo(zone), refunds=refunds)
    for member in ("ANNA", "BEN"):
        oracle.set_up(member)
    return oracle


def buy(oracle: Oracle, name: str, spend: int, bonus: int = 0, at: datetime = FIRST, member: str = "ANNA") -> list[int]:
    """What a purchase of as many units as points gave, by posting."""
    account = oracle.account_of(member)
    before = len(account.entries)
    oracle.earn(member, name, at, [Award("spend", spend, None), Award("bonus", bonus, None)], day(5), Fraction(spend))
    return [entry.points for entry in account.entries[before:]]


def test_what_is_left_below_a_cap_is_given_and_then_nothing() -> None:
    oracle = oracle_with(MONTH)
    assert [buy(oracle, "A", 450), buy(oracle, "B", 100), buy(oracle, "C", 1)] == [[450], [50], []]
    assert buy(oracle, "D", 100, member="BEN") == [100]


def test_what_one_group_gave_counts_before_the_next_and_each_cap_cuts_what_the_others_leave() -> None:
    oracle = oracle_with(Cap(40, "month", "spend"), Cap(60, "month"))
    assert buy(oracle, "A", 30, 10) == [30, 10]
    assert buy(oracle, "B", 30, 30) == [10, 10]
    assert buy(oracle, "C", 30, 30) == []


@pytest.mark.parametrize(
    ("window", "bought", "given"),
    [("day", "2026-03-01T04:59", 10), ("day", "2026-03-01T05:00", 4), ("month", "2026-03-01T04:59", 10)]
    + [("month", "2026-03-31T12:00", 4), ("lifetime", "2019-01-01T12:00", 4)],
)
def test_a_window_is_that_of_the_purchase_on_the_clocks_of_the_program(window: str, bought: str, given: int) -> None:
    oracle = oracle_with(Cap(10, window, "spend"), zone="America/New_York")
    assert buy(oracle, "A", 6, at=datetime(2026, 3, 1, 5, tzinfo=UTC)) == [6]
    assert buy(oracle, "B", 10, at=datetime.fromisoformat(bought).replace(tzinfo=UTC)) == [given]


def test_refunds_give_back_their_parts_in_the_window_of_the_purchase() -> None:
    oracle = oracle_with(Cap(10, "day", "spend"))
    # Of 20 units only ten points were given, so that a third of the price is a third of those.
    assert buy(oracle, "A", 20) == [10]
    for third in range(3):
        oracle.refund("ANNA", "A", Fraction(20, 3), day(2), day(5))
        # 3, 7 and 10 are taken back in all.
        assert oracle.counted("ANNA", oracle.caps[0], day(0).date()) == (7, 3, 0)[third]
    assert buy(oracle, "B", 20, at=day(2)) == [10]
    assert buy(oracle, "C", 20) == [10]


def test_what_a_refund_could_not_take_back_counts_no_more_either() -> None:
    oracle = oracle_with(Cap(10, "day"), refunds="floor")
    assert buy(oracle, "A", 10) == [10]
    oracle.redeem("ANNA", 10, "Shop", "R", day(5))
    oracle.refund("ANNA", "A", Fraction(5), day(5), day(5))
    assert buy(oracle, "B", 10) == [5]


def test_a_purchase_counts_before_what_was_refunded_ahead_of_it() -> None:
    oracle = oracle_with(Cap(10, "day"))
    assert buy(oracle, "A", 4) == [4]
    oracle.refund("ANNA", "B", Fraction(10), day(5), day(5))
    assert buy(oracle, "B", 20) == [6, -3]
    assert buy(oracle, "C", 20) == [3]


def test_two_members_together_use_up_what_one_may_get_until_they_are_two_again() -> None:
    oracle = oracle_with(Cap(10, "day"))
    assert buy(oracle, "A", 8, member="ANNA") + buy(oracle, "B", 7, member="BEN") == [8, 7]
    oracle.redeem("ANNA", 8, "Shop", "R", day(5))
    oracle.merge("ANNA", "BEN", "M", day(5))
    assert buy(oracle, "C", 1, member="BEN") == []
    oracle.refund("BEN", "A", Fraction(6), day(5), day(5))
    # Two of the eight and the seven count together.
    assert buy(oracle, "D", 5, member="ANNA") == [1]
    oracle.unmerge("M", day(5))
    assert (buy(oracle, "E", 20, member="BEN"), buy(oracle, "F", 20, member="ANNA")) == ([2], [8])
