"""The oracle by worked examples, so that it is not only right where the product agrees with it."""

from datetime import UTC, datetime, timedelta
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
    assert oracle.accounts["ANNA"].lots == [Lot(10, 10, day(-9), day(5), own=day(5))]
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
