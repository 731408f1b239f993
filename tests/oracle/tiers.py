"""Which tier members have by what they earned for good.

Up at once; down only when its retention is over since a posting last found that it is earned.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from tests.oracle.account import Account, Lot
from tests.oracle.members import Members

_COUNTED = {"spend", "bonus"}
"""The buckets whose points lead to tiers."""


@dataclass(frozen=True)
class Level:
    """A tier: from how many points on, what multiplies purchases, and what is given to those who newly reach it."""

    name: str
    threshold: int
    factor: Fraction = Fraction(1)
    bonus: int = 0


def _never(_: datetime) -> datetime | None:
    return None


@dataclass
class Tiers(Members):
    """Members with tiers, where there are `levels`, lowest first. `lapse`: when a bonus of an instant lapses."""

    levels: Sequence[Level] = ()
    retention: timedelta = timedelta(0)
    lapse: Callable[[datetime], datetime | None] = _never

    def factor_at(self, account: Account, at: datetime) -> Fraction:
        """What multiplies a purchase of that instant: by the tier that the member had then."""
        had = [tier for since, tier in account.tiers if since <= at]
        return next((level.factor for level in self.levels if had and level.name == had[-1]), Fraction(1))

    def assess(self, account: Account, now: datetime) -> None:
        """Give the account its tier after a posting. A bonus may lead further up."""
        while self.levels and (bonus := self._follow(account, now)):
            self.give_bonus(account, bonus, now)

    def give_bonus(self, account: Account, points: int, now: datetime) -> None:
        """Give points that no rule gave; they lapse as those of a purchase of now."""
        account.bring_up_to(now)
        account.credit("bonus", "bonus", now, [Lot(points, 0, now, self.lapse(now))], now)

    def _follow(self, account: Account, now: datetime) -> int:
        """Change the tier if it is time. Answers the bonus of all levels that were never reached before."""
        names = [level.name for level in self.levels]
        earned = sum(entry.points for entry in account.entries if entry.bucket in _COUNTED)
        due = max((place for place, one in enumerate(self.levels) if max(0, earned) >= one.threshold), default=-1)
        has = names.index(account.tier) if account.tier is not None else -1
        # Even without retention a tier is kept in the instant in which it was earned.
        if due < has and (now == account.qualified_at or now < account.qualified_at + self.retention):
            return 0
        account.qualified_at = now
        if due != has:
            account.tiers.append((now, names[due] if due >= 0 else None))
        # Who passed over a level reached it as well.
        fresh = self.levels[len(account.reached) : due + 1]
        account.reached += [level.name for level in fresh]
        return sum(level.bonus for level in fresh)
