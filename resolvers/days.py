"""Ranges of days of a program, as callers name them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.errors import InvalidRequest
from domain.program_zone import start_of_day


@dataclass(frozen=True, slots=True)
class Days:
    """From one day to another, both inclusive, in the program's zone; None: open. `named` are the two inputs."""

    first: date | None = None
    last: date | None = None
    named: tuple[str, str] = ("from", "to")

    def instants(self, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """[start, end) in UTC. Raises InvalidRequest where it ends before it begins."""
        if self.first is not None and self.last is not None and self.last < self.first:
            first, last = self.named
            raise InvalidRequest(f"{last}: lies before {first}", field=last)
        start = None if self.first is None else start_of_day(self.first, zone)
        return start, None if self.last is None else start_of_day(self.last + timedelta(days=1), zone)


ANY_DAY = Days()
