"""Use cases of sub-relations: link a card, account, device or external id to a member, take it away, find it."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import orjson
from sqlalchemy import Connection

from domain.access import Permission
from domain.crypto import decrypt, encrypt
from domain.errors import SubRelationNotFound, TesseraError
from domain.models.types import to_json
from domain.store import sub_relation as store
from domain.store.idempotency import bind_key, find_keys, fingerprint_of
from domain.store.member import find_members
from domain.store.outbox import add_events
from domain.store.program import ProgramState
from domain.sub_relation import SubRelation
from resolvers.context import Context
from resolvers.linking import Linking, LinkSubRelation, check_changes, linked_event, outcome_of, read_link
from resolvers.sub_relation_record import (
    LinkedMember,
    list_linked_members,
    list_members_by_sub_relation,
    list_sub_relations,
    list_sub_relations_by_id,
    page_sub_relations,
)

__all__ = [
    "LinkSubRelation",
    "LinkedMember",
    "SubRelation",
    "SubRelationWritten",
    "UnlinkSubRelation",
    "link_sub_relation",
    "link_sub_relations",
    "list_linked_members",
    "list_members_by_sub_relation",
    "list_sub_relations",
    "list_sub_relations_by_id",
    "page_sub_relations",
    "unlink_sub_relation",
]

LINK, UNLINK = "sub-relation.link", "sub-relation.unlink"
# Numbers of cards are in no key: they are to go when the sub-relation does.
_WORDS = ("type", "product_code", "expiry_date", "status")


@dataclass(frozen=True, kw_only=True, slots=True)
class UnlinkSubRelation:
    """Take one sub-relation away from its member."""

    sub_relation_id: int
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SubRelationWritten:
    """The sub-relation as stored; `replayed` where the idempotency key had run before."""

    sub_relation: SubRelation
    replayed: bool = False


async def link_sub_relation(ctx: Context, command: LinkSubRelation) -> SubRelationWritten:
    """Link a sub-relation to a member, or change what is linked under the same pair.

    Raises BadRequest, Forbidden, InvalidRequest, KeyReused, MemberNotFound, CancelledMemberUpdate,
    SubRelationLinked.
    """
    pair, changes = read_link(command)
    ctx.key(command.idempotency_key)
    ctx.principal.require(Permission.SUB_RELATION_WRITE)
    check_changes(pair, changes)
    return await ctx.write(lambda tx: _link(tx, ctx, command))


def _link(tx: Connection, ctx: Context, command: LinkSubRelation) -> SubRelationWritten:
    state, now, key = ctx.program(tx), ctx.services.clock(), ctx.key(command.idempotency_key)
    linking = Linking(tx, ctx, state, now)
    one = linking.prepared(command)
    if (first := _replayed(tx, ctx, state, LINK, key, one.fingerprint, now)) is not None:
        return first
    linking.load([one])
    before = linking.known(one)
    written = linking.link(one)
    linking.store()
    if ctx.is_by_hand:
        told = None if before is None else _told(before)
        ctx.audit(tx, LINK, f"member:{written.member_id}", before=told, after=_told(written))
    if key:
        # What a later link changes, for a replay; under the member's key, so that an erasure takes it along.
        words = to_json({name: getattr(written, name) for name in _WORDS})
        sealed = b64encode(encrypt(linking.data_key(one), words)).decode()
        bind_key(tx, state.id, LINK, key, one.fingerprint, outcome_of(written) | {"words": sealed}, now)
    return SubRelationWritten(sub_relation=written)


def link_sub_relations(
    tx: Connection, ctx: Context, state: ProgramState, commands: Sequence[LinkSubRelation]
) -> list[SubRelation | TesseraError]:
    """Link many in this database transaction: the sub-relation or the refusal of each, in order. Raises Forbidden."""
    ctx.principal.require(Permission.SUB_RELATION_WRITE)
    return Linking(tx, ctx, state, ctx.services.clock()).link_all(commands)


async def unlink_sub_relation(ctx: Context, command: UnlinkSubRelation) -> SubRelationWritten:
    """Take a sub-relation away; the answer is what it was. Earlier transactions stay with their member.

    Raises BadRequest, Forbidden, KeyReused, SubRelationNotFound.
    """
    ctx.key(command.idempotency_key)
    ctx.principal.require(Permission.SUB_RELATION_WRITE)
    fingerprint = fingerprint_of(command.sub_relation_id)

    def body(tx: Connection) -> SubRelationWritten:
        state, now, key = ctx.program(tx), ctx.services.clock(), ctx.key(command.idempotency_key)
        if (first := _replayed(tx, ctx, state, UNLINK, key, fingerprint, now)) is not None:
            return first
        found = store.lock_sub_relation(tx, state.id, command.sub_relation_id)
        if found is None:
            raise SubRelationNotFound
        store.empty_sub_relation(tx, state.id, found.id, now)
        add_events(tx, state.id, [linked_event("sub_relation.unlinked", found, now)])
        if ctx.is_by_hand:
            ctx.audit(tx, UNLINK, f"member:{found.member_id}", before=_told(found))
        if key:
            bind_key(tx, state.id, UNLINK, key, fingerprint, outcome_of(found), now)
        return SubRelationWritten(sub_relation=found)

    return await ctx.write(body)


def _told(one: SubRelation) -> dict[str, int | str | None]:
    # The trail is never changed, and numbers of cards are to go when the sub-relation does.
    return {"sub_relation": one.id, "type": one.type, "product_code": one.product_code, "status": one.status}


def _replayed(
    tx: Connection, ctx: Context, state: ProgramState, use_case: str, key: str | None, fingerprint: bytes, now: datetime
) -> SubRelationWritten | None:
    """The sub-relation as this key wrote it; its numbers are emptied, where it was taken away since."""
    bound = find_keys(tx, state.id, use_case, [key] if key else [], now)
    if key not in bound:
        return None
    outcome = bound[key].replay(fingerprint)
    found = store.find_by_id(tx, state.id, outcome["sub_relation_id"])
    if found is None:
        raise SubRelationNotFound
    # The key of whom it was linked to: a merge hands the sub-relation on.
    linked = find_members(tx, ctx.services.keys, state.id, ids=[outcome["member_id"]])
    if "words" in outcome and linked and linked[0].data_key:
        words = orjson.loads(decrypt(linked[0].data_key, b64decode(outcome["words"])))
        if words["expiry_date"]:
            words["expiry_date"] = date.fromisoformat(words["expiry_date"])
        found = replace(found, **words)
    return SubRelationWritten(sub_relation=found, replayed=True)
