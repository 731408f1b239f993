"""Which tier members have by what they earned for good.

Up at once; down only when its retention is over since it was last noted that it is earned.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from tests.oracle.account import Account, Lot
from tests.oracle.members import Members

_COUNTED = {"spend", "bonus"}
"""The buckets whose points lead to tiers."""
DAY = timedelta(days=1)


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

    def assess_all(self, now: datetime) -> None:
        """The job: assess all whose retention is over."""
        for member, account in self.accounts.items():
            is_over = account.tier is not None and account.qualified_at + self.retention < now
            if is_over and self.survivor_of(member) is None:
                self._assess_if_it_may_earn(account, now)

    def give_bonus(self, account: Account, points: int, now: datetime) -> None:
        """Give points that no rule gave; they lapse as those of a purchase of now."""
        account.bring_up_to(now)
        account.credit("bonus", "bonus", now, [Lot(points, 0, now, self.lapse(now))], now)

    def _follow(self, account: Account, now: datetime) -> int:
        """Change the tier if it is time. Answers the bonus of all levels that nobody who is this member had reached."""
        people = [self.accounts[one] for one in self.accounts if self.accounts[self.name_of(one)] is account]
        earned = sum(entry.points for one in people for entry in one.entries if entry.bucket in _COUNTED)
        due = max((place for place, one in enumerate(self.levels) if max(0, earned) >= one.threshold), default=-1)
        has = self._place(account.tier)
        # Even without retention a tier is kept in the instant in which it was earned.
        if due < has and (now == account.qualified_at or now < account.qualified_at + self.retention):
            return 0
        # Who passed over a level reached it as well.
        fresh = self.levels[max(map(self._reached, people)) : due + 1]
        # It is noted once a day that a tier is earned still, but where nothing is retained.
        if due != has or fresh or now - account.qualified_at >= min(DAY, self.retention):
            account.qualified_at = now
        if due != has or fresh:
            account.come_to(self.levels[due].name if due >= 0 else None, now, by_itself=True)
        return sum(level.bonus for level in fresh)

    def _place(self, tier: str | None) -> int:
        return next((place for place, level in enumerate(self.levels) if level.name == tier), -1)

    def _reached(self, account: Account) -> int:
        """How many levels a member came to by itself; what it had from another it did not reach."""
        own = (tier for since, tier in account.tiers if since in account.came_by_itself)
        return 1 + max(map(self._place, own), default=-1)

    # Two members that are one.

    def merge(self, member: str, survivor: str, name: str, now: datetime) -> str:
        """The survivor has the better tier of both, without a bonus, and goes on from what both earned."""
        super().merge(member, survivor, name, now)
        merger = self.mergers[name]
        giver, taker = self.accounts[merger.member], self.accounts[merger.survivor]
        had, qualified_at = taker.tier, taker.qualified_at
        if self._place(giver.tier) > self._place(taker.tier):
            taker.come_to(giver.tier, now, by_itself=False)
            taker.qualified_at = giver.qualified_at
        elif giver.tier == taker.tier:
            taker.qualified_at = max(giver.qualified_at, taker.qualified_at)
        self._assess_if_it_may_earn(taker, now)
        if taker.tier != had:
            merger.brought, merger.instead_of = (now, taker.tier), (had, qualified_at)
        return name

    def unmerge(self, name: str, now: datetime) -> str:
        """The survivor has what it had before, unless it has another tier since; both go on from what each earned."""
        super().unmerge(name, now)
        merger = self.mergers[name]
        giver, taker = self.accounts[merger.member], self.accounts[merger.survivor]
        if merger.brought is not None and merger.instead_of is not None and taker.tiers[-1] == merger.brought:
            had, taker.qualified_at = merger.instead_of
            taker.come_to(had, now, by_itself=False)
        for account in (giver, taker):
            self._assess_if_it_may_earn(account, now)
        return name

    def _assess_if_it_may_earn(self, account: Account, now: datetime) -> None:
        if self.may_earn(account):
            self.assess(account, now)
