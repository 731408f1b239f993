"""The oracle by worked examples: what waits, what is held, owed, moved, corrected and taken back."""

from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from tests.ledger.test_oracle import day, oracle_with, remaining
from tests.oracle import Award, Oracle, Refused


def postings(oracle: Oracle, member: str = "ANNA", skip: int = 0) -> list[tuple[str, int, datetime]]:
    return [(entry.kind, entry.points, entry.dated) for entry in oracle.accounts[member].entries[skip:]]


def test_points_that_wait_are_not_spent_and_need_no_posting_to_come() -> None:
    oracle = oracle_with((10, day(9)))
    oracle.earn("ANNA", "W", day(0), [Award("spend", 20, day(5), day(3))], day(0))
    anna = oracle.accounts["ANNA"]
    just_before = day(3) - timedelta(microseconds=1)
    assert (oracle.availability("ANNA", just_before), anna.pending(just_before)) == (10, 20)
    oracle.redeem("ANNA", 4, "Shop", "R", just_before)
    assert remaining(oracle) == [6, 20]
    assert (oracle.availability("ANNA", day(3)), anna.pending(day(3)), len(anna.entries)) == (26, 0, 3)
    oracle.redeem("ANNA", 4, "Shop", "S", day(3))
    assert remaining(oracle) == [6, 16]


def test_a_debt_is_repaid_from_what_comes_next_and_that_part_makes_no_lot() -> None:
    oracle = oracle_with((10, day(9)))
    oracle.redeem("ANNA", 10, "Shop", "R", day(0))
    oracle.refund("ANNA", "0", Fraction(1), day(1), day(1))
    anna = oracle.accounts["ANNA"]
    assert (anna.arrears, anna.balance(day(1)), oracle.availability("ANNA", day(1))) == (10, -10, 0)
    oracle.earn("ANNA", "A", day(1), [Award("spend", 4, day(9), day(8))], day(1))
    oracle.earn("ANNA", "B", day(2), [Award("spend", 9, day(9))], day(2))
    assert [(lot.points, lot.remaining) for lot in anna.lots] == [(10, 0), (3, 3)]
    assert [(entry.points, entry.arrears) for entry in anna.entries[2:]] == [(-10, -10), (4, 4), (9, 6)]
    assert (anna.arrears, anna.balance(day(2)), anna.buckets(day(2))["spend"]) == (0, 3, 13)


def test_a_hold_takes_points_away_and_gives_them_back() -> None:
    oracle = oracle_with((10, day(9)))
    oracle.hold("ANNA", 6, "Shop", day(3), "H", day(0))
    anna = oracle.accounts["ANNA"]
    assert (oracle.availability("ANNA", day(1)), anna.held(day(1)), anna.buckets(day(1))["redeem"]) == (4, 6, 6)
    with pytest.raises(Refused, match="121"):
        oracle.redeem("ANNA", 5, "Shop", "R", day(1))
    oracle.cancel("H", day(2))
    assert (remaining(oracle), anna.held(day(2))) == ([10], 0)
    with pytest.raises(Refused, match="127"):
        oracle.cancel("H", day(2))
    with pytest.raises(Refused, match="127"):
        oracle.settle("H", None, "S", day(2))


def test_a_hold_ends_by_itself_at_its_last_instant() -> None:
    oracle = oracle_with((10, day(9)))
    oracle.hold("ANNA", 6, "Shop", day(3), "H", day(0))
    assert oracle.availability("ANNA", day(3) - timedelta(microseconds=1)) == 4
    assert oracle.availability("ANNA", day(3)) == 10
    with pytest.raises(Refused, match="127"):
        oracle.settle("H", None, "S", day(3))
    oracle.expire(day(4))
    assert postings(oracle, skip=1) == [("hold", -6, day(0)), ("release", 6, day(3))]


@pytest.mark.parametrize("looked_at", [[day(12)], [day(5), day(12)], [day(5), day(8), day(12)]])
def test_when_points_lapsed_does_not_depend_on_when_somebody_looked(looked_at: list[datetime]) -> None:
    oracle = oracle_with((10, day(5)), (9, day(11)))
    oracle.hold("ANNA", 4, "Shop", day(8), "H", day(0))
    for now in looked_at:
        oracle.expire(now)
    assert sorted(postings(oracle, skip=3), key=lambda each: each[2]) == [
        ("expire", -6, day(5)),
        ("release", 4, day(8)),
        ("expire", -4, day(8)),
        ("expire", -9, day(11)),
    ]
    assert remaining(oracle) == [0, 0]


def test_a_hold_is_settled_from_what_lapsed_meanwhile_and_only_the_rest_is_lost() -> None:
    oracle = oracle_with((10, day(5)), (10, day(9)))
    oracle.hold("ANNA", 15, "Shop", day(8), "H", day(0))
    oracle.settle("H", 8, "S", day(6))
    assert postings(oracle, skip=3) == [("release", 15, day(6)), ("redeem", -8, day(6)), ("expire", -2, day(6))]
    assert remaining(oracle) == [0, 10]
    oracle.reverse("ANNA", "Shop", "S", day(7))
    assert remaining(oracle) == [8, 10]


def test_no_more_of_a_hold_is_settled_than_it_holds() -> None:
    oracle = oracle_with((10, None))
    oracle.hold("ANNA", 6, "Shop", day(8), "H", day(0))
    with pytest.raises(Refused, match="998"):
        oracle.settle("H", 7, "S", day(1))
    assert oracle.accounts["ANNA"].held(day(1)) == 6


def test_points_move_with_their_dates_and_repay_the_debt_of_who_gets_them() -> None:
    oracle = oracle_with((10, day(5)), (10, None))
    oracle.accounts["BEN"].arrears = 3
    oracle.transfer("ANNA", "BEN", 12, "T", day(0))
    assert (remaining(oracle), remaining(oracle, "BEN")) == ([0, 8], [7, 2])
    assert [(lot.expires_at, lot.earned_at) for lot in oracle.accounts["BEN"].lots] == [
        (day(5), day(-9)),
        (None, day(-8)),
    ]
    assert oracle.accounts["BEN"].arrears == 0
    assert postings(oracle, "BEN") == [("transfer", 12, day(0))]


@pytest.mark.parametrize(
    ("sender", "receiver", "code"),
    [(1, 1, None), (2, 1, "114"), (4, 1, "113"), (1, 4, "113"), (1, 6, "115"), (6, 2, None), (3, 5, None)],
)
def test_who_may_transfer(sender: int, receiver: int, code: str | None) -> None:
    oracle = oracle_with((10, None))
    oracle.accounts["ANNA"].status, oracle.accounts["BEN"].status = sender, receiver
    if code is None:
        assert oracle.transfer("ANNA", "BEN", 1, "T", day(0)) == "T"
        return
    with pytest.raises(Refused, match=code):
        oracle.transfer("ANNA", "BEN", 1, "T", day(0))
    assert remaining(oracle) == [10]


def test_an_adjustment_gives_or_takes_or_is_refused() -> None:
    oracle = oracle_with((10, None))
    oracle.adjust("ANNA", 5, lambda _: day(3), "up", day(0))
    oracle.adjust("ANNA", -7, lambda _: None, "down", day(1))
    assert remaining(oracle) == [8, 0]
    figures = oracle.accounts["ANNA"].buckets(day(1))
    assert (figures["other"], figures["redeem"]) == (5, 7)
    with pytest.raises(Refused, match="121"):
        oracle.adjust("ANNA", -9, lambda _: None, "down", day(1))


def test_partial_refunds_add_up_to_the_whole() -> None:
    oracle = oracle_with()
    oracle.earn("ANNA", "P", day(0), [Award("spend", 10, None), Award("bonus", 1, None)], day(0), Fraction(9))
    for amount in (3, 3, 9, 9):
        oracle.refund("ANNA", "P", Fraction(amount), day(1), day(1))
    assert postings(oracle, skip=2) == [("refund", points, day(1)) for points in (-3, -4, -1, -3)]
    assert remaining(oracle) == [0, 0]


def test_a_refund_takes_the_purchase_own_points_first_and_those_that_wait_before_all() -> None:
    oracle = oracle_with((10, day(2)), (10, day(1)))
    awards = [Award("spend", 10, day(9)), Award("spend", 10, day(8)), Award("bonus", 10, day(9), day(5))]
    oracle.earn("ANNA", "P", day(0), awards, day(0), Fraction(10))
    oracle.accounts["ANNA"].lots[3].remaining = 4
    oracle.refund("ANNA", "P", Fraction(10), day(0), day(0))
    taken = [entry.moves for entry in oracle.accounts["ANNA"].entries[-3:]]
    assert taken == [{4: -10}, {3: -4, 2: -6}, {2: -4, 1: -6}]


@pytest.mark.parametrize(("refunds", "arrears"), [("negative", 3), ("floor", 0)])
def test_what_becomes_of_a_refund_of_points_that_are_spent(refunds: str, arrears: int) -> None:
    oracle = oracle_with((10, None), refunds=refunds)
    oracle.redeem("ANNA", 3, "Shop", "R", day(0))
    oracle.refund("ANNA", "0", Fraction(1), day(0), day(0))
    assert (oracle.accounts["ANNA"].arrears, remaining(oracle)) == (arrears, [0])


def test_a_refund_of_more_than_there_is_may_be_refused() -> None:
    oracle = oracle_with((10, None), refunds="refuse")
    oracle.redeem("ANNA", 3, "Shop", "R", day(0))
    with pytest.raises(Refused, match="121"):
        oracle.refund("ANNA", "0", Fraction(1), day(0), day(0))
    assert remaining(oracle) == [7]
    oracle.refund("ANNA", "0", Fraction(7, 10), day(0), day(0))
    assert remaining(oracle) == [0]


def test_what_lapsed_before_its_release_is_not_there_for_a_refund() -> None:
    oracle = oracle_with((3, None), refunds="refuse")
    oracle.earn("ANNA", "P", day(0), [Award("spend", 4, day(1), day(2))], day(0), Fraction(1))
    with pytest.raises(Refused, match="121"):
        oracle.refund("ANNA", "P", Fraction(1), day(1), day(1))
    oracle.earn("ANNA", "Q", day(1), [Award("spend", 1, None)], day(1), Fraction(1))
    oracle.refund("ANNA", "P", Fraction(1), day(1), day(1))
    assert remaining(oracle) == [0, 0, 0]


def test_a_refund_waits_for_its_purchase() -> None:
    oracle = oracle_with()
    oracle.refund("ANNA", "P", Fraction(4), day(0), day(0))
    oracle.earn("BEN", "Q", day(1), [Award("spend", 10, None)], day(1), Fraction(10))
    assert postings(oracle) == []
    oracle.earn("ANNA", "P", day(1), [Award("spend", 10, None)], day(1), Fraction(10))
    assert postings(oracle) == [("earn", 10, day(1)), ("refund", -4, day(0))]


def test_any_refund_of_a_purchase_of_nothing_is_whole_and_happens_once() -> None:
    oracle = oracle_with()
    oracle.earn("ANNA", "P", day(0), [Award("bonus", 7, None)], day(0), Fraction(0))
    for _ in range(2):
        oracle.refund("ANNA", "P", Fraction(1), day(0), day(0))
    assert postings(oracle, skip=1) == [("refund", -7, day(0))]


def test_two_members_become_one_and_the_old_reference_goes_on_to_work() -> None:
    oracle = oracle_with((10, day(5)), (10, None))
    oracle.earn("BEN", "B", day(0), [Award("spend", 5, day(4))], day(0))
    oracle.redeem("ANNA", 4, "Shop", "R", day(0))
    oracle.merge("ANNA", "BEN", "M", day(0))
    assert (remaining(oracle), remaining(oracle, "BEN")) == ([0, 0], [5, 6, 10])
    oracle.redeem("ANNA", 8, "Shop", "S", day(1))
    oracle.reverse("BEN", "Shop", "R", day(1))
    oracle.refund("BEN", "1", Fraction(1, 2), day(1), day(1))
    assert (remaining(oracle), remaining(oracle, "BEN")) == ([0, 0], [0, 3, 5, 4])
    assert oracle.availability("ANNA", day(1)) == 12
    with pytest.raises(Refused, match="998"):
        oracle.merge("ANNA", "BEN", "N", day(2))


def test_a_merge_is_undone_while_nothing_that_moved_was_spent() -> None:
    oracle = oracle_with((10, day(5)), (10, None))
    oracle.accounts["ANNA"].arrears = 3
    oracle.merge("ANNA", "BEN", "M", day(0))
    oracle.redeem("BEN", 4, "Shop", "R", day(1))
    with pytest.raises(Refused, match="1310"):
        oracle.unmerge("M", day(2))
    oracle.reverse("BEN", "Shop", "R", day(2))
    oracle.unmerge("M", day(6))
    assert (remaining(oracle), remaining(oracle, "BEN")) == ([0, 10], [0, 0])
    assert (oracle.accounts["ANNA"].arrears, oracle.accounts["BEN"].arrears) == (3, 0)
    with pytest.raises(Refused, match="1310"):
        oracle.unmerge("M", day(6))


def test_nobody_is_merged_while_points_are_held() -> None:
    oracle = oracle_with((10, None))
    oracle.hold("ANNA", 1, "Shop", day(3), "H", day(0))
    with pytest.raises(Refused, match="1310"):
        oracle.merge("ANNA", "BEN", "M", day(1))
    oracle.merge("ANNA", "BEN", "M", day(3))
    assert remaining(oracle, "BEN") == [10]
