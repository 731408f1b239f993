"""When points lapse, by the calendar of the program."""

from datetime import date as Date
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def lapses_at(earned_at: datetime, months: int, period_end: str, zone: ZoneInfo) -> datetime:
    """The first instant at which points earned then are gone: midnight after the last good day, locally."""
    earned = earned_at.astimezone(zone).date()
    year, month = divmod(earned.year * 12 + earned.month - 1 + months, 12)
    last_day = _first_of_next_month(year, month + 1) - timedelta(days=1)
    last_day = last_day.replace(day=min(earned.day, last_day.day))
    if period_end != "day":
        length = {"month": 1, "quarter": 3, "year": 12}[period_end]
        last_day = _first_of_next_month(year, -(-(month + 1) // length) * length) - timedelta(days=1)
    midnight = datetime.combine(last_day + timedelta(days=1), time(), zone)
    return midnight.astimezone(ZoneInfo("UTC"))


def _first_of_next_month(year: int, month: int) -> Date:
    return Date(year + month // 12, month % 12 + 1, 1)
