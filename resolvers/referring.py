"""Rewarding referrals: points for a referred member and for whose code it came by, exactly once.

It runs in the database transaction of the cause, an activation or a first purchase. Both accounts are
locked together with all others of the run, in the order of ids, so that nobody waits in a circle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from domain.crypto import KeyRing
from domain.errors import TesseraError
from domain.ledger.account import Account
from domain.member import Member
from domain.member_status import require_earning
from domain.models.types import to_json
from domain.rules.terms import ReferralTerms
from domain.store.journal import Journal
from domain.store.member import find_members
from domain.store.merge import merged_ids
from domain.store.outbox import add_events
from domain.store.program import ProgramState
from domain.store.reading import read
from domain.store.referral import count_rewarded, mark_rewarded, open_referrals
from domain.store.transaction import purchases
from resolvers.awarding import Awarding
from resolvers.tiering import Tiering


@dataclass(slots=True)
class Referring:
    """The referrals that one run may reward.

    `accounts` are the locked ones by member; `referrers` are the members who answer, by whose code it was.
    """

    tx: Connection
    keys: KeyRing
    state: ProgramState
    now: datetime
    accounts: dict[int, Account] = field(default_factory=dict)
    referrers: dict[int, Member] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)
    _counts: dict[int, int] | None = None
    _rewarded: dict[int, dict[str, int]] = field(default_factory=dict)

    @property
    def terms(self) -> ReferralTerms:
        """What a referral gives."""
        return self.state.configuration.referrals

    def is_due_on(self, cause: str) -> bool:
        """Whether this is what referrals are rewarded on."""
        return self.terms.enabled and self.terms.reward_on == cause

    def lock(self, journal: Journal, member_ids: Iterable[int], owners: Sequence[int]) -> None:
        """Lock the accounts of these members together with those of whoever answers for these owners of codes.

        What is locked already stays so; the referrers are read under the lock.
        """
        wanted = set(member_ids)
        while True:
            self.read(owners)
            missing = (wanted | {one.id for one in self.referrers.values()}) - self.accounts.keys()
            if not missing:
                return
            self.accounts.update(journal.lock_accounts(missing))
            if not owners:
                return

    def read(self, owners: Sequence[int]) -> None:
        """Read who answers for these owners of codes now."""
        if owners:
            found = find_members(self.tx, self.keys, self.state.id, ids=sorted(set(owners)), follow=True)
            self.referrers |= {one.asked_id: one.member for one in found if one.asked_id is not None}

    def lock_buyers(self, journal: Journal, buyers: Sequence[Member]) -> dict[int, Account]:
        """Lock the accounts of a run of transactions, and of whoever a first purchase in it may reward."""
        waiting: dict[int, int] = {}
        if self.is_due_on("first_transaction"):
            referred = {one.id: one.referred_by for one in buyers if one.referral_rewarded_at is None}
            waiting = {one: owner for one, owner in referred.items() if owner is not None}
        if waiting:
            bought = read(self.tx, purchases(self.state.id, list(waiting)))
            waiting = {one: owner for one, owner in waiting.items() if one not in bought}
        self.lock(journal, [one.id for one in buyers], list(waiting.values()))
        if waiting:
            # Another first purchase may have ended while we waited for the accounts.
            self._open = open_referrals(self.tx, self.state.id, list(waiting))
        return self.accounts

    def reward_purchase(self, buyer: Member, awarding: Awarding, tiering: Tiering) -> None:
        """A purchase was posted: if it is the first of a member who came by a code, both get their points."""
        if buyer.id in self._open and buyer.referred_by is not None:
            self._open.discard(buyer.id)
            self.reward(buyer, self.referrers[buyer.referred_by], awarding, tiering)

    def reward(self, referee: Member, referrer: Member, awarding: Awarding, tiering: Tiering) -> None:
        """Give both their points. Whoever may not earn, or has no room for it, gets none and takes none away.

        Beyond the most referrals of one referrer only the referee gets points; nobody gets any where a merge
        made one member of both.
        """
        if referee.id == referrer.id:
            return
        counts = self._counted()
        before, most = counts.get(referrer.id, 0), self.terms.max_per_referrer
        counts[referrer.id] = before + 1
        given = {"referee_id": referee.id, "referrer_id": referrer.id}
        detail = {"referral": "referee"}
        given["referee_points"] = self._give(referee, self.terms.referee_points, detail, awarding, tiering)
        of_referrer = {"referral": "referrer", "referee_id": referee.id}
        points = self.terms.referrer_points if most is None or before < most else 0
        given["referrer_points"] = self._give(referrer, points, of_referrer, awarding, tiering)
        self._rewarded[referee.id] = given

    def _counted(self) -> dict[int, int]:
        """How many referrals were rewarded, by referrer; nobody else rewards one while the accounts are locked."""
        if self._counts is None:
            answering = {one.id: one.id for one in self.referrers.values()}
            answering |= merged_ids(self.tx, self.state.id, sorted(answering))
            self._counts = count_rewarded(self.tx, self.state.id, answering)
        return self._counts

    def _give(
        self, member: Member, points: int, detail: Mapping[str, object], awarding: Awarding, tiering: Tiering
    ) -> int:
        account, smallest = self.accounts[member.id], points * int(10**self.state.places)
        if not smallest:
            return 0
        try:
            require_earning(member, accrue_cancelled=self.state.terms.accrue_cancelled)
            account.check_room(smallest + tiering.most_bonus)
        except TesseraError:
            # The purchase or the activation stands all the same, and so does what the other one gets.
            return 0
        awarding.bonus(member.id, smallest, detail)
        tiering.assess(member, account)
        return smallest

    def store(self) -> None:
        """Note who was rewarded, and tell it."""
        mark_rewarded(self.tx, self.state.id, self._rewarded.keys(), self.now)
        events: list[dict[str, object]] = [
            {"topic": "referral.rewarded", "member_id": one, "payload": to_json(given), "created_at": self.now}
            for one, given in self._rewarded.items()
        ]
        add_events(self.tx, self.state.id, events)
