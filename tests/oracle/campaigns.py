"""What is given for a time, and to whom who bought enough: on top of what a purchase earns by itself."""

from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from tests.oracle.caps import ALWAYS


@dataclass(frozen=True)
class Regulars:
    """Members who bought often enough, or for enough money, counting the purchase itself.

    `of` is `count` or `sum`, `window` the `month` of the purchase on the program's clocks or `lifetime`. `thanks` are
    points that each purchase of theirs earns more.
    """

    of: str
    window: str
    at_least: Fraction
    thanks: int = 0

    def first_day(self, at: datetime, zone: ZoneInfo) -> Date:
        """The day on which the window of an instant begins."""
        return ALWAYS if self.window == "lifetime" else at.astimezone(zone).date().replace(day=1)

    def figure(self, amount: Fraction, refunded: Fraction = Fraction(0)) -> Fraction:
        """What a purchase counts: what refunds left of its amount, or one until they took all of it."""
        if self.of == "sum":
            return amount - min(refunded, amount)
        return Fraction(refunded < (amount or 1))


@dataclass(frozen=True)
class Campaign:
    """From its first instant to before its last: a factor on all that is earned, or points beside it."""

    starts: datetime
    ends: datetime
    factor: Fraction = Fraction(1)
    points: int = 0
    only_regulars: bool = False

    def is_on(self, at: datetime, *, regular: bool) -> bool:
        """Whether a purchase of this instant has it."""
        return self.starts <= at < self.ends and (regular or not self.only_regulars)
