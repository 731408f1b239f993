"""Members who came by another member's code, and what both get once the new one has bought something."""

from dataclasses import dataclass, field
from datetime import datetime

from tests.oracle.tiers import Tiers


@dataclass(frozen=True)
class Reward:
    """What a referral gives to both, and how many of them one referrer gets points for; None: all."""

    referrer: int
    referee: int
    most: int | None = None


@dataclass
class Referrals(Tiers):
    """Members and who referred them. `rewarded` are those whose first purchase has been seen to."""

    reward: Reward | None = None
    referred_by: dict[str, str] = field(default_factory=dict)
    rewarded: list[str] = field(default_factory=list)

    def reward_for(self, buyer: str, now: datetime) -> None:
        """Reward the first purchase of a member, once; nobody where both are one member by now."""
        if self.reward is None or buyer not in self.referred_by or buyer in self.rewarded:
            return
        referrer = self.name_of(self.referred_by[buyer])
        if referrer == buyer:
            return
        before = sum(self.name_of(self.referred_by[one]) == referrer for one in self.rewarded)
        self.rewarded.append(buyer)
        self._thank(buyer, self.reward.referee, now)
        if self.reward.most is None or before < self.reward.most:
            self._thank(referrer, self.reward.referrer, now)

    def _thank(self, member: str, points: int, now: datetime) -> None:
        """Give the points, which no cap and no tier touches, unless the member may not earn."""
        account = self.accounts[member]
        if points and self.may_earn(account):
            self.give_bonus(account, points, now)
            self.assess(account, now)
