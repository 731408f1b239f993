"""The most points that a member is given within a window of time. What is left below it is given still."""

from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime
from zoneinfo import ZoneInfo

ALWAYS = Date(1800, 1, 1)
"""The first day of a lifetime, by convention: no purchase is older."""


@dataclass(frozen=True)
class Cap:
    """A limit on what purchases give into one bucket, or into all where it is empty.

    `window` is the `day`, `month` or `lifetime` that a purchase is dated in, on the program's clocks.
    """

    points: int
    window: str
    bucket: str = ""

    def is_on(self, bucket: str) -> bool:
        """Whether what is given into this bucket counts."""
        return self.bucket in {"", bucket}

    def first_day(self, at: datetime, zone: ZoneInfo) -> Date:
        """The day on which the window of an instant begins."""
        day = at.astimezone(zone).date()
        return {"day": day, "month": day.replace(day=1), "lifetime": ALWAYS}[self.window]
