"""Members who came by another member's code, and what both get once the new one has bought something."""

from dataclasses import dataclass, field
from datetime import datetime

from tests.oracle.tiers import Tiers


@dataclass(frozen=True)
class Reward:
    """What a referral gives to both, and how many of them one referrer gets points for; None: all.

    `on_activation`: once the new member is active for the first time, in place of its first purchase.
    """

    referrer: int
    referee: int
    most: int | None = None
    on_activation: bool = False


@dataclass
class Referrals(Tiers):
    """Members and who referred them. `rewarded` are those who were seen to, `activated` who was active ever."""

    reward: Reward | None = None
    referred_by: dict[str, str] = field(default_factory=dict)
    rewarded: list[str] = field(default_factory=list)
    activated: set[str] = field(default_factory=set)

    def enrol(self, member: str, status: int, now: datetime) -> None:
        """Open the account of a member in this status."""
        self.set_up(member)
        self.change_status(member, status, now)

    def change_status(self, member: str, status: int, now: datetime) -> str:
        """Change a member's status. The first time that it is active may be what its referral is rewarded on."""
        self.set_status(member, status)
        name = self.name_of(member)
        if status == 1 and name not in self.activated:
            self.activated.add(name)
            if self.reward is not None and self.reward.on_activation:
                self.reward_for(name, now)
        return member

    def reward_for(self, buyer: str, now: datetime) -> None:
        """Reward the referral of a member, once; nobody where both are one member by now."""
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
