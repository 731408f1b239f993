"""The oracle by worked examples, so that it is not only right where the product agrees with it."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from tests.oracle import Award, Lot, Oracle, Refused, lapses_at

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def day(number: int) -> datetime:
    """Midnight so many days after the first."""
    return MONDAY + number * DAY


def oracle_with(*lots: tuple[int, datetime | None], policy: str = "extend", refunds: str = "negative") -> Oracle:
    """One member, ANNA, who earned these lots one after the other before the first day."""
    oracle = Oracle(policy=policy, refunds=refunds)
    oracle.set_up("ANNA")
    oracle.set_up("BEN")
    for number, (points, expires_at) in enumerate(lots):
        earned_at = day(number - 9)
        oracle.earn("ANNA", str(number), earned_at, [Award("spend", points, expires_at)], earned_at)
    return oracle


def remaining(oracle: Oracle, member: str = "ANNA") -> list[int]:
    return [lot.remaining for lot in oracle.accounts[member].lots]


def postings(oracle: Oracle, member: str = "ANNA", skip: int = 0) -> list[tuple[str, int, datetime]]:
    return [(entry.kind, entry.points, entry.dated) for entry in oracle.accounts[member].entries[skip:]]


def test_what_lapses_first_is_spent_first_then_what_was_earned_first() -> None:
    oracle = oracle_with((10, None), (10, day(9)), (10, day(5)), (10, day(5)))
    oracle.redeem("ANNA", 25, "Shop", "R", day(0))
    assert remaining(oracle) == [10, 5, 0, 0]
    assert oracle.accounts["ANNA"].entries[-1].moves == {2: -10, 3: -10, 1: -5}


def test_points_are_good_until_the_instant_of_their_expiry() -> None:
    oracle = oracle_with((10, day(5)))
    assert oracle.availability("ANNA", day(5) - timedelta(microseconds=1)) == 10
    assert oracle.availability("ANNA", day(5)) == 0
    with pytest.raises(Refused, match="121"):
        oracle.redeem("ANNA", 1, "Shop", "R", day(5))


def test_each_instant_of_expiry_is_one_posting_and_written_once() -> None:
    oracle = oracle_with((10, day(5)), (20, day(6)), (30, day(5)), (40, None))
    for now in (day(7), day(8)):
        oracle.expire(now)
    written = oracle.accounts["ANNA"].entries[4:]
    assert [(entry.points, entry.dated, entry.moves) for entry in written] == [
        (-40, day(5), {0: -10, 2: -30}),
        (-20, day(6), {1: -20}),
    ]


@pytest.mark.parametrize(
    ("policy", "kept", "lapses", "kinds"),
    [
        ("extend", [6, 30], day(37), ["expire", "reverse"]),
        ("forfeit", [0, 30], day(5), ["expire", "reverse", "expire"]),
        ("original", [0, 30], day(5), ["expire", "reverse", "expire"]),
    ],
)
def test_points_that_come_back_after_their_date(
    policy: str, kept: list[int], lapses: datetime, kinds: list[str]
) -> None:
    oracle = oracle_with((10, day(5)), (30, day(9)), policy=policy)
    oracle.redeem("ANNA", 6, "Shop", "R", day(0))
    oracle.reverse("ANNA", " SHOP", "R", day(7))
    anna = oracle.accounts["ANNA"]
    assert remaining(oracle) == kept
    assert anna.lots[0].expires_at == lapses
    assert [entry.kind for entry in anna.entries[3:]] == kinds
    figures = anna.buckets(day(7))
    assert figures["balance"] == figures["spend"] - figures["redeem"] - figures["expired"] == sum(kept)


def test_points_that_come_back_in_time_keep_their_date() -> None:
    oracle = oracle_with((10, day(5)))
    oracle.redeem("ANNA", 6, "Shop", "R", day(0))
    oracle.reverse("ANNA", "Shop", "R", day(1))
    assert oracle.accounts["ANNA"].lots == [Lot(10, 10, day(-9), day(5))]
    with pytest.raises(Refused, match="122"):
        oracle.reverse("ANNA", "Shop", "R", day(1))


def test_a_purchase_of_long_ago_is_posted_and_written_off_at_once() -> None:
    oracle = oracle_with((10, None))
    oracle.earn("ANNA", "late", day(-90), [Award("bonus", 5, day(-60))], day(0))
    assert [(entry.kind, entry.points, entry.dated) for entry in oracle.accounts["ANNA"].entries[1:]] == [
        ("earn", 5, day(-90)),
        ("expire", -5, day(-60)),
    ]


def test_a_refusal_binds_its_key_for_a_day_and_a_success_for_ever() -> None:
    oracle = oracle_with((10, None))

    def redeem(points: int, key: str, now: datetime) -> tuple[str, bool]:
        return oracle.once(
            "redeem", key, points, now, lambda: oracle.redeem("ANNA", points, "Shop", f"{key} {now}", now)
        )

    first = redeem(3, "success", day(0))
    assert redeem(3, "success", day(999)) == (first[0], True)
    for points, key, now, code in [
        (4, "success", day(999), "409"),
        (8, "refused", day(0), "121"),
        (2, "refused", day(0), "409"),
        (8, "refused", day(1) - timedelta(microseconds=1), "121"),
    ]:
        with pytest.raises(Refused, match=code):
            redeem(points, key, now)
    assert redeem(2, "refused", day(1)) == (f"refused {day(1)}", False)
    assert remaining(oracle) == [5]


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
    oracle.adjust("ANNA", 5, day(3), "up", day(0))
    oracle.adjust("ANNA", -7, None, "down", day(1))
    assert remaining(oracle) == [8, 0]
    figures = oracle.accounts["ANNA"].buckets(day(1))
    assert (figures["other"], figures["redeem"]) == (5, 7)
    with pytest.raises(Refused, match="121"):
        oracle.adjust("ANNA", -9, None, "down", day(1))


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


def test_two_members_become_one_and_two_again() -> None:
    oracle = oracle_with((10, day(5)), (10, None))
    oracle.earn("BEN", "B", day(0), [Award("spend", 5, day(4))], day(0))
    oracle.redeem("ANNA", 4, "Shop", "R", day(0))
    oracle.merge("ANNA", "BEN", day(0))
    assert (remaining(oracle), remaining(oracle, "BEN")) == ([0, 0], [5, 6, 10])
    oracle.redeem("ANNA", 8, "Shop", "S", day(1))
    oracle.reverse("BEN", "Shop", "R", day(1))
    oracle.refund("BEN", "1", Fraction(1, 2), day(1), day(1))
    assert (remaining(oracle), remaining(oracle, "BEN")) == ([0, 0], [0, 3, 5, 4])
    oracle.unmerge("ANNA", day(2))
    assert (remaining(oracle), remaining(oracle, "BEN")) == ([4, 5], [0, 3, 0, 0])
    assert oracle.availability("ANNA", day(2)) == 9


@pytest.mark.parametrize(
    ("earned", "months", "period_end", "zone", "lapses"),
    [
        ("2026-01-31T12:00+00:00", 1, "day", "UTC", "2026-03-01T00:00+00:00"),
        ("2024-01-31T12:00+00:00", 1, "day", "UTC", "2024-03-01T00:00+00:00"),
        ("2026-03-01T00:30+00:00", 1, "day", "America/New_York", "2026-03-29T04:00+00:00"),
        ("2026-02-10T12:00+00:00", 0, "month", "America/New_York", "2026-03-01T05:00+00:00"),
        ("2026-11-15T12:00+00:00", 2, "quarter", "UTC", "2027-04-01T00:00+00:00"),
        ("2026-12-31T12:00+00:00", 24, "year", "Pacific/Kiritimati", "2029-12-31T10:00+00:00"),
        ("2026-12-31T09:00+00:00", 24, "year", "Pacific/Kiritimati", "2028-12-31T10:00+00:00"),
    ],
)
def test_when_points_lapse(earned: str, months: int, period_end: str, zone: str, lapses: str) -> None:
    assert lapses_at(datetime.fromisoformat(earned), months, period_end, ZoneInfo(zone)) == datetime.fromisoformat(
        lapses
    )
