"""Expiry dates: months, period ends, leap days, and the odd corners of the world's clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.expiry_terms import ExpiryOverride, ExpiryTerms
from domain.ledger.expiry import NEVER, add_months, expires_at, is_live, period_last_day
from domain.program_zone import load_zone, local_date, local_instant, start_of_day

NEW_YORK = ZoneInfo("America/New_York")
ZONES = st.sampled_from(
    ["UTC", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "Africa/Cairo",
     "America/Sao_Paulo", "America/Havana", "Pacific/Apia", "America/Toronto", "Asia/Beirut"]
).map(ZoneInfo)  # fmt: skip
INSTANTS = st.datetimes(datetime(1910, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TERMS = st.builds(
    ExpiryTerms,
    policy=st.just("months"),
    months=st.integers(1, 60),
    period_end=st.sampled_from(["day", "month", "quarter", "year"]),
)


def months(count: int, period_end: str = "day") -> ExpiryTerms:
    return ExpiryTerms(policy="months", months=count, period_end=period_end)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("terms", "earned", "last_day"),
    [
        (months(1), "2026-01-31", "2026-02-28"),
        (months(1), "2028-01-31", "2028-02-29"),
        (months(12), "2028-02-29", "2029-02-28"),
        (months(48), "2028-02-29", "2032-02-29"),
        (months(1, "month"), "2026-01-31", "2026-02-28"),
        (months(24, "quarter"), "2026-01-01", "2028-03-31"),
        (months(24, "quarter"), "2026-11-24", "2028-12-31"),
        (months(1, "year"), "2026-12-01", "2027-12-31"),
        (ExpiryTerms(policy="fixed_date", last_day=date(2027, 12, 31)), "2026-05-05", "2027-12-31"),
    ],
)
def test_the_last_day_is_whole_and_the_next_is_without_the_lot(terms: ExpiryTerms, earned: str, last_day: str) -> None:
    noon = datetime.fromisoformat(f"{earned}T12:00:00").replace(tzinfo=NEW_YORK)
    expiry = expires_at(terms, noon.astimezone(UTC), NEW_YORK)
    day_after = date.fromisoformat(last_day) + timedelta(days=1)
    assert expiry == datetime(day_after.year, day_after.month, day_after.day, tzinfo=NEW_YORK)
    assert expiry.tzinfo is UTC
    assert is_live(expiry - timedelta(microseconds=1), expiry - timedelta(seconds=1))
    assert not is_live(expiry, expiry)


def test_points_without_a_term_never_expire() -> None:
    assert expires_at(ExpiryTerms(), datetime(2026, 1, 1, tzinfo=UTC), NEW_YORK) == NEVER


def test_a_term_beyond_the_calendar_is_never() -> None:
    assert expires_at(months(1200), datetime(9950, 1, 1, tzinfo=UTC), NEW_YORK) == NEVER
    assert expires_at(months(600, "year"), datetime(9949, 6, 1, tzinfo=UTC), NEW_YORK) == NEVER


def test_inactivity_counts_from_the_activity_as_months_count_from_the_earning() -> None:
    activity = datetime(2026, 1, 31, 12, tzinfo=UTC)
    terms = ExpiryTerms(policy="inactivity", months=13, period_end="month")
    assert expires_at(terms, activity, NEW_YORK) == expires_at(months(13, "month"), activity, NEW_YORK)
    later = expires_at(terms, activity + timedelta(days=60), NEW_YORK)
    assert later == start_of_day(date(2027, 6, 1), NEW_YORK)


def test_a_rule_has_its_own_months_and_its_own_last_day() -> None:
    earned = datetime(2026, 1, 15, 12, tzinfo=UTC)
    own_months = ExpiryOverride(months=1)
    own_day = ExpiryOverride(last_day=date(2026, 1, 20))
    assert expires_at(months(24, "quarter"), earned, NEW_YORK, own_months) == start_of_day(date(2026, 4, 1), NEW_YORK)
    assert expires_at(ExpiryTerms(), earned, NEW_YORK, own_months) == start_of_day(date(2026, 2, 16), NEW_YORK)
    assert expires_at(ExpiryTerms(), earned, NEW_YORK, own_day) == start_of_day(date(2026, 1, 21), NEW_YORK)


def test_the_day_of_earning_is_that_of_the_program() -> None:
    instant = datetime(2026, 1, 31, 11, tzinfo=UTC)
    kiritimati, pago_pago = ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Pago_Pago")
    # 1 February 01:00 there, 31 January 00:00 here.
    assert expires_at(months(1), instant, kiritimati) == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert expires_at(months(1), instant, pago_pago) == datetime(2026, 3, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00"),  # 00:00 is skipped to 01:00
        ("Asia/Beirut", date(2026, 3, 29), "2026-03-28T22:00"),
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-23T22:00"),
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T04:30"),  # 23:30 is skipped to 00:30
        ("America/Havana", date(2025, 11, 2), "2025-11-02T04:00"),  # 01:00 goes back to 00:00
        ("America/Sao_Paulo", date(2018, 2, 18), "2018-02-18T03:00"),  # 00:00 goes back to 23:00
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00"),  # the day was skipped whole
        ("Pacific/Kiritimati", date(2026, 1, 1), "2025-12-31T10:00"),
        ("Pacific/Pago_Pago", date(2026, 1, 1), "2026-01-01T11:00"),
    ],
)
def test_a_day_begins_at_its_first_instant(zone: str, day: date, begins: str) -> None:
    assert start_of_day(day, ZoneInfo(zone)) == datetime.fromisoformat(f"{begins}:00+00:00")


@given(st.dates(date(1910, 1, 2), date(2150, 1, 1)), ZONES)
def test_the_instant_before_a_day_begins_is_another_day(day: date, zone: ZoneInfo) -> None:
    begins = start_of_day(day, zone)
    assert local_date(begins, zone) >= day
    assert local_date(begins - timedelta(seconds=1), zone) < day


@given(TERMS, INSTANTS, ZONES)
def test_a_lot_lives_at_least_its_months_and_ends_on_a_day_boundary(
    terms: ExpiryTerms, earned_at: datetime, zone: ZoneInfo
) -> None:
    assert terms.months is not None
    expiry = expires_at(terms, earned_at, zone)
    due = add_months(local_date(earned_at, zone), terms.months)
    assert local_date(expiry, zone) > due
    assert local_date(expiry - timedelta(seconds=1), zone) <= period_last_day(due, terms.period_end)


@given(TERMS, INSTANTS, st.integers(0, 10**7), ZONES)
def test_who_earns_later_never_loses_earlier(
    terms: ExpiryTerms, earned_at: datetime, seconds: int, zone: ZoneInfo
) -> None:
    later = earned_at + timedelta(seconds=seconds)
    if local_date(later, zone) >= local_date(earned_at, zone):
        assert expires_at(terms, earned_at, zone) <= expires_at(terms, later, zone)


def test_a_skipped_time_is_the_end_of_the_gap_and_a_repeated_one_the_first() -> None:
    assert local_instant(datetime(2026, 3, 8, 2, 30), NEW_YORK) == datetime(2026, 3, 8, 7, tzinfo=UTC)  # noqa: DTZ001
    assert local_instant(datetime(2026, 11, 1, 1, 30), NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # noqa: DTZ001


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "America", "\0", "x" * 999])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        load_zone(name)
