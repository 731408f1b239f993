"""The oracle by worked examples: points that lapse by the last purchase."""

from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from tests.ledger.test_oracle import day
from tests.oracle import Award, Inactivity, Oracle

GOOD_FOR = timedelta(days=10)


def lapse(at: datetime) -> datetime:
    return at + GOOD_FOR


def oracle_with(*, from_release: bool = False, refunds: str = "negative") -> Oracle:
    """ANNA and BEN in a program whose points lapse ten days after the last purchase."""
    oracle = Oracle(lapse=lapse, inactivity=Inactivity(lapse, from_release), refunds=refunds)
    for member in ("ANNA", "BEN"):
        oracle.set_up(member)
    return oracle


def buy(oracle: Oracle, name: str, bought: int, now: int, member: str = "ANNA", points: int = 5) -> None:
    award = Award("spend", points, lapse(day(bought)), begins=day(bought))
    oracle.earn(member, name, day(bought), [award], day(now), Fraction(points))


def give_back(oracle: Oracle, name: str, amount: int, now: int, member: str = "ANNA") -> None:
    oracle.refund(member, name, Fraction(amount), day(now), day(now))


def open_until(oracle: Oracle, member: str = "ANNA") -> list[int]:
    """The days on which the open lots lapse, in the order in which they came."""
    lots = [lot for lot in oracle.accounts[member].lots if lot.remaining]
    return [(lot.expires_at - day(0)).days for lot in lots if lot.expires_at is not None]


def test_a_purchase_puts_off_what_is_open_and_an_earlier_one_has_the_date_of_the_last() -> None:
    oracle = oracle_with()
    buy(oracle, "A", 0, now=0)
    buy(oracle, "B", 4, now=4)
    assert open_until(oracle) == [14, 14]
    buy(oracle, "C", 2, now=5)
    assert open_until(oracle) == [14, 14, 14]
    # In the instant of their date they are gone, and nothing puts them off.
    buy(oracle, "D", 14, now=14)
    assert open_until(oracle) == [24]


@pytest.mark.parametrize("points", [0, 5])
def test_only_what_earned_is_an_activity(points: int) -> None:
    oracle = oracle_with()
    buy(oracle, "A", 0, now=0)
    buy(oracle, "B", 4, now=4, points=points)
    assert open_until(oracle) == ([14, 14] if points else [10])


def test_points_with_a_date_of_their_own_keep_it() -> None:
    oracle = oracle_with()
    buy(oracle, "A", 0, now=0)
    oracle.earn("ANNA", "own", day(1), [Award("bonus", 7, day(30))], day(1), Fraction(1))
    oracle.adjust("ANNA", 9, lambda _: day(12), "by hand", day(1))
    assert open_until(oracle) == [11, 30, 12]
    buy(oracle, "B", 4, now=4)
    assert open_until(oracle) == [14, 30, 12, 14]


def test_what_is_given_back_whole_put_off_nothing_and_what_is_past_by_that_lapses_with_the_refund() -> None:
    oracle = oracle_with()
    buy(oracle, "A", 0, now=0)
    buy(oracle, "B", 2, now=2)
    buy(oracle, "C", 8, now=8)
    give_back(oracle, "C", 4, now=9)
    assert open_until(oracle) == [18, 18, 18]
    give_back(oracle, "C", 1, now=9)
    assert open_until(oracle) == [12, 12]
    buy(oracle, "D", 9, now=9)
    assert open_until(oracle) == [19, 19, 19]
    give_back(oracle, "D", 5, now=15)
    assert open_until(oracle) == []
    last = oracle.accounts["ANNA"].entries[-1]
    assert (last.kind, last.points, last.dated, last.moves) == ("expire", -10, day(15), {0: -5, 1: -5})


def test_without_any_purchase_that_stands_what_is_left_counts_by_itself() -> None:
    oracle = oracle_with()
    buy(oracle, "A", 0, now=0)
    buy(oracle, "B", 4, now=4)
    oracle.hold("ANNA", 5, "Shop", day(9), "H", day(4))
    oracle.adjust("ANNA", 5, lambda _: day(13), "by hand", day(4))
    # The points of the first are held, so that its refund takes others, and they come back.
    give_back(oracle, "A", 5, now=5)
    oracle.cancel("H", day(5))
    assert open_until(oracle) == [14, 14]
    buy(oracle, "C", 5, now=5)
    assert open_until(oracle) == [15, 15, 15]
    give_back(oracle, "C", 5, now=6)
    assert open_until(oracle) == [14, 14]
    give_back(oracle, "B", 5, now=6)
    assert open_until(oracle) == [10]


def test_where_floor_leaves_a_refund_nothing_no_date_moves() -> None:
    oracle = oracle_with(refunds="floor")
    oracle.earn("ANNA", "A", day(0), [Award("bonus", 7, day(10), day(9), day(0))], day(0), Fraction(1))
    buy(oracle, "B", 4, now=4)
    oracle.redeem("ANNA", 5, "Shop", "R", day(4))
    give_back(oracle, "B", 5, now=5)
    # Only what waits is open.
    assert open_until(oracle) == [14]


def test_what_is_held_keeps_its_date() -> None:
    oracle = oracle_with()
    buy(oracle, "A", 0, now=0)
    oracle.hold("ANNA", 5, "Shop", day(9), "H", day(0))
    buy(oracle, "B", 4, now=4)
    oracle.cancel("H", day(6))
    assert open_until(oracle) == [10, 14]


@pytest.mark.parametrize(("from_release", "lapses"), [(True, [16, 16]), (False, [12, 12])])
def test_what_counts_from_its_release_is_put_off_by_what_is_bought_after_it(
    from_release: bool, lapses: list[int]
) -> None:
    oracle = oracle_with(from_release=from_release)
    begins = day(6) if from_release else day(0)
    gift = Award("bonus", 7, lapse(begins), day(6), begins)
    oracle.earn("ANNA", "A", day(0), [gift], day(0), Fraction(1))
    buy(oracle, "B", 2, now=2)
    assert open_until(oracle) == [lapses[0], 12]
    buy(oracle, "C", 8, now=8)
    assert open_until(oracle) == [18, 18, 18]
    give_back(oracle, "C", 5, now=9)
    assert open_until(oracle) == [lapses[1], 12]


def test_a_date_of_its_own_that_is_that_of_the_last_purchase_is_put_off_and_never_put_back_before_itself() -> None:
    oracle = oracle_with()
    buy(oracle, "A", 0, now=0)
    buy(oracle, "B", 4, now=4)
    oracle.earn("ANNA", "own", day(1), [Award("bonus", 7, day(14))], day(4), Fraction(1))
    give_back(oracle, "B", 5, now=5)
    assert open_until(oracle) == [11, 14]
    buy(oracle, "C", 4, now=5)
    assert open_until(oracle) == [14, 14, 14]
    buy(oracle, "D", 5, now=5)
    assert open_until(oracle) == [15, 15, 15, 15]
    give_back(oracle, "C", 5, now=5)
    give_back(oracle, "D", 5, now=5)
    assert open_until(oracle) == [11, 14]


def test_it_goes_by_account_so_that_a_survivor_does_not_put_off_what_a_merge_brought() -> None:
    oracle = oracle_with()
    buy(oracle, "A", 3, now=3, member="BEN")
    buy(oracle, "B", 1, now=3)
    oracle.merge("BEN", "ANNA", "M", day(3))
    buy(oracle, "C", 5, now=5, member="BEN")
    assert open_until(oracle) == [15, 13, 15]
    # Nor is what BEN bought before an activity of ANNA's.
    give_back(oracle, "A", 5, now=6)
    assert open_until(oracle) == [15, 15]


def test_what_a_merge_brought_with_the_same_date_is_not_put_back_before_it() -> None:
    oracle = oracle_with()
    buy(oracle, "A", 4, now=4, member="BEN")
    buy(oracle, "B", 0, now=4)
    buy(oracle, "C", 4, now=4)
    oracle.merge("BEN", "ANNA", "M", day(4))
    give_back(oracle, "C", 5, now=5)
    assert open_until(oracle) == [10, 14]


def test_lots_come_back_from_a_merge_with_the_date_that_they_got_meanwhile() -> None:
    oracle = oracle_with()
    buy(oracle, "A", 0, now=0, member="BEN")
    buy(oracle, "B", 0, now=0)
    oracle.merge("BEN", "ANNA", "M", day(2))
    # Of the same date, so that one cannot tell what came from whom.
    buy(oracle, "C", 4, now=4)
    assert open_until(oracle) == [14, 14, 14]
    oracle.unmerge("M", day(5))
    assert (open_until(oracle, "BEN"), open_until(oracle)) == ([14], [14, 14])
