"""The use case of erasing a member: the person is forgotten, the numbers stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.access import Permission
from domain.crypto import KeyRing
from domain.errors import BadRequest, MemberNotFound
from domain.member import CANCELLED, Member, erased_reference
from domain.models.types import to_json
from domain.rules.segment import frozen_segments
from domain.store import erasure
from domain.store.change_request import forget_reasons
from domain.store.journal import Journal
from domain.store.member import find_members, led_to
from domain.store.merge import answering_for, merged_ids
from domain.store.order import forget_details
from domain.store.outbox import add_events
from domain.store.program import ProgramState
from domain.store.segment import forget_member
from resolvers.context import Context
from resolvers.subject import forget_access


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberErased:
    """Who was erased, and when; `replayed` where it had been done before."""

    member_id: int
    erased_at: datetime
    replayed: bool = False


async def erase_member(ctx: Context, relation_reference: str) -> MemberErased:
    """Forget a member: profile, attributes, sub-relations, hashes and reference are gone for good.

    Points, postings and transactions stay under a reference that names nobody, the status is cancelled.
    With a member go those for whom it answers since a merge, who are the same person. Again for the same reference:
    the first outcome, unless it was given to a new member meanwhile.
    Raises BadRequest, Forbidden, MemberNotFound.
    """
    if not relation_reference:
        raise BadRequest("relation_reference: is missing", field="relation_reference")
    ctx.principal.require(Permission.MEMBER_ERASE)
    ctx.principal.require_proof()
    erased = await ctx.write(lambda tx: _erase(tx, ctx, relation_reference))
    # Tokens that are bound to the member end here at once, and in other processes within a second.
    ctx.services.access.forget_program(ctx.principal.program)
    return erased


def _erase(tx: Connection, ctx: Context, reference: str) -> MemberErased:
    state, now = ctx.program(tx), ctx.services.clock()
    digest = reference_hash(ctx.services.keys, state.id, reference)
    lock_accounts(tx, ctx, state, list(led_to(tx, state.id, [reference]).values()))
    found = find_members(tx, ctx.services.keys, state.id, references=[reference], lock=True)
    if not found:
        earlier = erasure.find_erasure(tx, state.id, digest)
        if earlier is None:
            raise MemberNotFound
        member_id, erased_at = earlier
        answers = answering_for(tx, state.id, [member_id]).get(member_id, member_id)
        return MemberErased(member_id=answers, erased_at=erased_at, replayed=True)
    member = found[0].member
    if member.erased_at is not None:
        return MemberErased(member_id=member.id, erased_at=member.erased_at, replayed=True)
    # Whom the member answers for since a merge is the same person.
    merged = sorted(merged_ids(tx, state.id, [member.id]))
    others = find_members(tx, ctx.services.keys, state.id, ids=merged, lock=True) if merged else []
    for one in [member, *(other.member for other in others)]:
        forget_person(tx, state, ctx.services.keys, one, now)
    ctx.audit(tx, "member.erase", f"member:{member.id}", before={"status": member.status}, after={"status": CANCELLED})
    event = {
        "topic": "member.erased",
        "member_id": member.id,
        "payload": to_json({"member_id": member.id}),
        "created_at": now,
    }
    add_events(tx, state.id, [event])
    return MemberErased(member_id=member.id, erased_at=now)


def lock_accounts(tx: Connection, ctx: Context, state: ProgramState, member_ids: Sequence[int]) -> None:
    """Wait for what is being stored of these members, and of whom they answer for: it would stay otherwise."""
    journal = Journal(tx, state.id, state.config_version, ctx.services.clock(), ctx.principal.actor, ctx.source)
    journal.lock_accounts([*member_ids, *merged_ids(tx, state.id, member_ids)])
    journal.flush()


def forget_person(tx: Connection, state: ProgramState, keys: KeyRing, member: Member, now: datetime) -> None:
    """Take a person out of everything that is kept of a member, and note who it was."""
    erasure.erase_profile(tx, state.id, member.id, reference=erased_reference(member.id), status=CANCELLED, now=now)
    erasure.erase_traces(tx, state.id, member.id, member.relation_reference)
    forget_access(tx, state.id, member.id)
    forget_details(tx, state.id, member.id)
    forget_reasons(tx, state.id, member.id)
    forget_member(tx, state.id, frozen_segments(state.configuration), member.id)
    personal = {one.key for one in state.configuration.transaction_attributes if one.pi}
    erasure.erase_transaction_attributes(tx, state.id, member.id, personal)
    # By its own reference, which is not the one that was asked for where a merge led here.
    erasure.add_erasure(tx, state.id, member.id, reference_hash(keys, state.id, member.relation_reference), now)


def reference_hash(keys: KeyRing, program_id: int, reference: str) -> bytes:
    """What the list of the erased knows a reference by."""
    # A look-up hash leaves letter case out, and references that differ in case are of different members.
    return keys.lookup_hash(program_id, "erased_reference", reference.encode().hex())
