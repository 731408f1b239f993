"""Where members are reached: what a member has to prove to change it, and what ends and is told when it is changed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from domain.access import PrincipalKind
from domain.errors import ProofNeeded
from domain.member import ADDRESS_KEYS, Member, moved_addresses
from domain.message import EMAIL, SMS
from domain.otp import ADDRESS_TYPES, TWO_FACTOR
from domain.session import End, Method
from domain.store import audit
from domain.store.member import Stored
from domain.store.otp import kill_codes_of, take_grants
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.messaging import Way, send_notice
from resolvers.proof import PROOF_MINUTES, signed_in_just_now
from resolvers.subject import Subject, sign_out, subject_of

_CHANNELS = {"email_id": EMAIL, "mobile_number": SMS}


@dataclass(slots=True)
class Addresses:
    """The changes of addresses in one run of changes to members, who are locked."""

    tx: Connection
    ctx: Context
    state: ProgramState
    now: datetime
    _former: dict[int, Member] = field(default_factory=dict)

    def leave(self, before: Member, after: Member) -> None:
        """A member is to be changed. Raises ProofNeeded where it changes its own addresses and has proved nothing."""
        moved = moved_addresses(before, after)
        if moved and self.ctx.principal.kind is PrincipalKind.MEMBER:
            self._require_proof(before, moved[0])
        self._former.setdefault(before.id, before)

    def _require_proof(self, member: Member, key: str) -> None:
        """One code allows one change, and a member who is reached nowhere needs none if it has just signed in.

        Else whoever comes by a token, which is short-lived, could make the account its own for good.
        """
        subject = subject_of(self.ctx.services.keys, self.state.id, member.id)
        if take_grants(self.tx, self.state.id, subject, ADDRESS_TYPES, self.now):
            return
        if any(getattr(member, one) for one in ADDRESS_KEYS):
            how = f"a {TWO_FACTOR} code that was sent to the member and verified"
        elif signed_in_just_now(self.tx, self.ctx, member.id, frozenset(Method), self.now) is None:
            how = "the first address needs a sign-in"
        else:
            return
        raise ProofNeeded(f"{key}: {how} within the last {PROOF_MINUTES} minutes", field=key)

    def follow(self, altered: Sequence[Stored]) -> None:
        """Members were changed: what went to an address that one has left is good for nothing, and it is told there.

        All its sessions end but the one by which it changed the address itself.
        """
        moved = {one.member.id: moved_addresses(self._former[one.member.id], one.member) for one in altered}
        left = {one: [key for key in keys if getattr(self._former[one], key)] for one, keys in moved.items()}
        gone = [one for one, keys in left.items() if keys]
        kill_codes_of(self.tx, self.state.id, gone)
        sign_out(self.tx, self.state.id, gone, End.ADDRESS, self.now, spared=self.ctx.principal.session_id)
        for one in altered:
            if moved[one.member.id]:
                self._note(one.member.id, moved[one.member.id])
            for key in left[one.member.id]:
                self._tell(one, key)

    def _note(self, member_id: int, moved: Sequence[str]) -> None:
        # Neither of the addresses: the trail outlives an erasure.
        audit.record(
            self.tx,
            self.state.id,
            now=self.now,
            actor=self.ctx.principal,
            action="member.address",
            subject=f"member:{member_id}",
            after={"changed": moved},
        )

    def _tell(self, stored: Stored, key: str) -> None:
        way = Way(channel=_CHANNELS[key], address=getattr(self._former[stored.member.id], key))
        subject = Subject(subject_of(self.ctx.services.keys, self.state.id, stored.member.id), stored)
        send_notice(self.tx, self.state, subject, way, self.now)
