"""How a program's batch files are written, what becomes of rows that come early, and how long files stay. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from domain.program_zone import local_instant

Delimiter = Literal["auto", "comma", "pipe"]
Encoding = Literal["utf-8", "latin-1"]


MOST_LANES = 16
"""In so many parts the rows of one file may be posted at the same time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduledExport:
    """An export of a kind that is made by itself; of `at` an hourly one takes the minute."""

    kind: str
    every: Literal["daily", "hourly"] = "daily"
    at: time = time()
    since_last: bool = True
    gzip: bool = False

    def due_at(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The newest instant of the schedule, on the program's clocks, that is not after `now`."""
        local = now.astimezone(zone)
        if self.every == "daily":
            days = (local.date(), local.date() - timedelta(days=1))
            due = [local_instant(datetime.combine(day, self.at), zone) for day in days]
            return next(one for one in due if one <= now)
        # Every hour that passes has its minute, also where the clocks are put back.
        due_now = local.replace(minute=self.at.minute, second=0, microsecond=0).astimezone(UTC)
        return due_now if due_now <= now else due_now - timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileTerms:
    """What a program says about files. `delimiter` auto: the header of each file shows which.

    `reject_limit_percent`: a file of which a larger share of the rows is rejected is held for an administrator, None
    for never. `park_unknown_members`: rows whose member or card is not known yet wait for it, `park_days` at most.
    `retention_days`: how long files that were taken, and what was written about them, stay.
    """

    delimiter: Delimiter = "auto"
    encoding: Encoding = "utf-8"
    reject_limit_percent: Decimal | None = None
    park_unknown_members: bool = False
    park_days: int = 7
    retention_days: int = 30
    personal_data_in_exports: bool = False
    exports: tuple[ScheduledExport, ...] = ()
