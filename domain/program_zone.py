"""The program's time zone: its days begin where its clocks say, also where midnight does not exist."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def load_zone(name: str) -> ZoneInfo:
    """The IANA zone of this name. ValueError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("not an IANA time zone") from error


@lru_cache(maxsize=4096)
def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar date that the program's clocks show at an aware instant."""
    return instant.astimezone(zone).date()


def local_instant(moment: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant of a time on the program's clocks; one with an offset is taken at its word.

    A time that occurs twice is the first of the two, one that a gap skips is the end of the gap.
    """
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    offset = _steady_offset(moment.date(), zone) if 1 < moment.year < 9999 else None
    if offset is not None:
        return (moment - offset).replace(tzinfo=UTC)
    instant = moment.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == moment:
        return instant
    return _end_of_gap(moment, zone)


@lru_cache(maxsize=4096)
def _steady_offset(day: date, zone: ZoneInfo) -> timedelta | None:
    """The offset from UTC through this day on the program's clocks; None where they jump in or beside it."""
    moments = [datetime.combine(day, time.min) + timedelta(hours=hours) for hours in range(-3, 28)]
    offsets = {one.replace(tzinfo=zone, fold=fold).utcoffset() for one in moments for fold in (0, 1)}
    return offsets.pop() if len(offsets) == 1 else None


def to_instant(given: date | datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant that a date (its first instant) or a time, with or without an offset, stands for."""
    return local_instant(given, zone) if isinstance(given, datetime) else start_of_day(given, zone)


def end_of(last: date | datetime, zone: ZoneInfo) -> datetime:
    """The first UTC instant after a span whose last day or moment this is."""
    if isinstance(last, datetime):
        return to_instant(last, zone) + timedelta(microseconds=1)
    return start_of_day(last + timedelta(days=1), zone)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first UTC instant of a local calendar day; of a day that was skipped whole, the next one's."""
    return local_instant(datetime.combine(day, time.min), zone)


def _end_of_gap(moment: datetime, zone: ZoneInfo) -> datetime:
    # In a gap the later offset gives an instant before the change and the earlier one an instant
    # at or after it; between them the clocks jump, at a whole second.
    before = moment.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = moment.replace(tzinfo=zone, fold=0).astimezone(UTC)
    jumped = after.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while low < high:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == jumped:
            high = middle
        else:
            low = middle + 1
    return before + timedelta(seconds=low)
