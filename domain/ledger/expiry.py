"""When a lot expires: a pure function of the program's terms, the instant of earning and the zone.

Every result is an exclusive instant in UTC: a lot is valid while `now < expires_at`, so a balance
read at 00:00:00 of the day after the last one is already without it.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.clock import NEVER
from domain.expiry_terms import ExpiryOverride, ExpiryTerms, PeriodEnd
from domain.program_zone import local_date, start_of_day

__all__ = [
    "NEVER",
    "ExpiryOverride",
    "ExpiryTerms",
    "add_months",
    "expires_at",
    "is_live",
    "is_over",
    "period_last_day",
]

_MONTHS_IN: dict[PeriodEnd, int] = {"month": 1, "quarter": 3, "year": 12}


def expires_at(
    terms: ExpiryTerms, earned_at: datetime, zone: ZoneInfo, override: ExpiryOverride | None = None
) -> datetime:
    """The first UTC instant at which points earned at `earned_at` are no longer valid, or `NEVER`.

    With the policy `inactivity`, `earned_at` is the instant of the activity that is counted from.

    A rule's own months replace the program's, and run on to the end of the program's period as well;
    a rule's own date stands as it is. An instant before `earned_at` is possible (a fixed date that is
    past) and means: expired at once.
    """
    return _end(terms, local_date(earned_at, zone), zone, override)


@lru_cache(maxsize=4096)
def _end(terms: ExpiryTerms, earned_on: date, zone: ZoneInfo, override: ExpiryOverride | None) -> datetime:
    last_day = _last_day(terms, earned_on, override)
    if last_day is None or last_day.year >= NEVER.year:
        return NEVER
    return start_of_day(last_day + timedelta(days=1), zone)


def is_over(terms: ExpiryTerms, now: datetime, zone: ZoneInfo) -> bool:
    """Whether the one last day of a policy is past, so that whatever is earned is expired already."""
    return terms.last_day is not None and terms.last_day < local_date(now, zone)


def is_live(expiry: datetime, now: datetime) -> bool:
    """Whether a lot that expires at `expiry` is still valid at `now`: the one predicate of every reader."""
    return now.astimezone(UTC) < expiry


def add_months(day: date, months: int) -> date:
    """The same day that many months later, clamped to the end of a shorter month (31 Jan + 1 = 28 Feb).

    Beyond the calendar's last year the answer is the calendar's last day.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > 9999:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def period_last_day(day: date, period_end: PeriodEnd) -> date:
    """The last day of the day's own month, quarter or year; the day itself for `day`."""
    if period_end == "day":
        return day
    length = _MONTHS_IN[period_end]
    month = ((day.month - 1) // length + 1) * length
    return date(day.year, month, monthrange(day.year, month)[1])


def _last_day(terms: ExpiryTerms, earned_on: date, override: ExpiryOverride | None) -> date | None:
    if override is not None and override.last_day is not None:
        return override.last_day
    if override is not None and override.months is not None:
        return period_last_day(add_months(earned_on, override.months), terms.period_end)
    if terms.policy in ("months", "inactivity") and terms.months is not None:
        # The month is clamped before the period is closed: 31 Jan + 1 month ends with February.
        return period_last_day(add_months(earned_on, terms.months), terms.period_end)
    return terms.last_day if terms.policy == "fixed_date" else None
