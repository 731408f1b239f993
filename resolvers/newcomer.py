"""What referrals ask of changes to members: a code for each new one, whose code it came by, rewards on activation."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from domain.errors import ReferralRefused
from domain.member import ACTIVE, Member
from domain.store.journal import Journal
from domain.store.member import Stored
from domain.store.program import ProgramState
from domain.store.referral import awaiting_activation, owners_of_codes, unused_codes
from resolvers.awarding import Awarding
from resolvers.context import Context
from resolvers.referring import Referring
from resolvers.standing import Standing
from resolvers.tiering import Tiering

ACTIVATION = "activation"


@dataclass(slots=True)
class Newcomers:
    """The referrals of one run of changes. `known` are the members of the run as they are by now."""

    tx: Connection
    ctx: Context
    state: ProgramState
    now: datetime
    known: Mapping[int, Stored]
    _referring: Referring = field(init=False)
    _journal: Journal = field(init=False)
    _owners: dict[str, int] = field(default_factory=dict)
    _codes: list[str] = field(default_factory=list)
    _activated: list[tuple[Member, int, Member | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._referring = Referring(self.tx, self.ctx.services.keys, self.state, self.now)
        actor, source = self.ctx.principal.actor, self.ctx.source
        self._journal = Journal(self.tx, self.state.id, self.state.config_version, self.now, actor, source)

    @property
    def are_referred(self) -> bool:
        """Whether referrals are on."""
        return self._referring.terms.enabled

    def lock(self, codes: Collection[str], references: Sequence[str], ids: Sequence[int]) -> None:
        """Where referrals are on, read whose these codes are, and lock the accounts that rewards may move.

        `references` and `ids` name the members who become active. It comes before any member is locked,
        because whoever posts locks the account first.
        """
        self._owners = owners_of_codes(self.tx, self.state.id, codes)
        owners = list(self._owners.values())
        if not self._referring.is_due_on(ACTIVATION):
            self._referring.read(owners)
            return
        waiting = awaiting_activation(self.tx, self.state.id, references, ids) if references or ids else {}
        self._referring.lock(self._journal, waiting, [*owners, *waiting.values()])
        # What was due on the accounts.
        self._journal.flush()

    def draw_codes(self, count: int) -> None:
        """Make the codes of so many new members."""
        if self.are_referred:
            self._codes = unused_codes(self.tx, self.state.id, count)

    def next_code(self) -> str | None:
        """The code of a new member; None where referrals are off."""
        return self._codes.pop() if self._codes else None

    def referred_by(self, code: str | None) -> int | None:
        """Whose code this is. Raises ReferralRefused (off, unknown, or of a member who is not active)."""
        if code is None:
            return None
        if not self.are_referred:
            raise ReferralRefused("referrals are off", field="referral_code")
        owner = self._owners.get(code)
        if owner is None:
            raise ReferralRefused("nobody has this code", field="referral_code")
        referrer = self._referring.referrers[owner]
        if (self._current(referrer.id) or referrer).status != ACTIVE:
            raise ReferralRefused("its member is not active", field="referral_code")
        return owner

    def note(self, before: Member | None, after: Member) -> None:
        """Take notice of a change: the first time in status 1 is what referrals may be rewarded on."""
        owner = after.referred_by
        if owner is None or after.referral_rewarded_at is not None or not self._referring.is_due_on(ACTIVATION):
            return
        if after.activated_at is not None and (before is None or before.activated_at is None):
            referrer = self._referring.referrers.get(owner)
            self._activated.append((after, owner, None if referrer is None else self._current(referrer.id)))

    def _current(self, member_id: int) -> Member | None:
        stored = self.known.get(member_id)
        return None if stored is None else stored.member

    def reward(self) -> None:
        """Reward those who became active, in order, once all changes are stored."""
        if not self._activated:
            return
        referring, journal = self._referring, self._journal
        # New members have their accounts by now; nobody else knows of those yet.
        referring.lock(journal, [one.id for one, _, _ in self._activated], [owner for _, owner, _ in self._activated])
        journal.flush()
        standing = Standing(self.state)
        awarding = Awarding(self.tx, self.state, referring.accounts, self.now)
        tiering = Tiering(self.tx, self.state, self.now, standing, awarding)
        members = {one.id: one for one, _, _ in self._activated} | {one.id: one for one in referring.referrers.values()}
        standing.load(self.tx, list(members.values()), [self.now])
        awarding.load()
        for referee, owner, referrer in self._activated:
            referring.reward(referee, referrer or referring.referrers[owner], awarding, tiering)
        tiering.write_down(journal)
        journal.flush()
        referring.store()
