"""Ranges of days of a program, as callers name them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.errors import InvalidRequest
from domain.program_zone import start_of_day


@dataclass(frozen=True, slots=True)
class Days:
    """From one day to another, both inclusive, in the program's zone; None: open."""

    first: date | None = None
    last: date | None = None

    def instants(self, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """[start, end) in UTC. Raises InvalidRequest where it ends before it begins."""
        if self.first is not None and self.last is not None and self.last < self.first:
            raise InvalidRequest("to: lies before from", field="to")
        start = None if self.first is None else start_of_day(self.first, zone)
        return start, None if self.last is None else start_of_day(self.last + timedelta(days=1), zone)


ANY_DAY = Days()
