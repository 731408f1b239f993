"""Use cases of sub-relations: link a card, account, device or external id to a member, take it away, find it."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from domain.access import Permission
from domain.crypto import decrypt, encrypt
from domain.errors import BadRequest, MemberNotFound, SubRelationNotFound
from domain.member_status import Operation, refusal_by_status
from domain.models import sub_relation as table
from domain.models.types import to_json
from domain.store import sub_relation as store
from domain.store.idempotency import bind_key, find_keys, fingerprint_of
from domain.store.ids import allocate_ids
from domain.store.member import find_members
from domain.store.outbox import add_events
from domain.store.program import ProgramState
from domain.sub_relation import CARD, Pair, SubRelation, check_link, find_link, read_pair, read_word
from resolvers.beneficiary import card_hash
from resolvers.context import Context
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
class LinkSubRelation:
    """Link a card number, an identifier, or the pair of both to a member; a known pair has the rest changed.

    What is None, empty or (of the pair) zero is not given: a known pair keeps what it has. A new pair without
    a `type` is a card.
    """

    relation_reference: str
    type: str | None = None
    card_number: str | None = None
    sub_relation_identifier: str | None = None
    last_six_digits: str | None = None
    product_code: str | None = None
    expiry_date: date | None = None
    status: str | None = None
    idempotency_key: str | None = None


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
    if not command.relation_reference:
        raise BadRequest("relation_reference: is missing", field="relation_reference")
    pair = read_pair(command.card_number, command.sub_relation_identifier)
    if pair is None:
        raise BadRequest("card_number or sub_relation_identifier is needed", field="card_number")
    words = {name: read_word(getattr(command, name), name) for name in ("last_six_digits", "product_code", "status")}
    ctx.key(command.idempotency_key)
    ctx.principal.require(Permission.SUB_RELATION_WRITE)
    check_link(pair, command.type or CARD, words["last_six_digits"])
    given = {"type": command.type, "expiry_date": command.expiry_date, **words}
    changes = {name: value for name, value in given.items() if value is not None}
    return await ctx.write(lambda tx: _link(tx, ctx, command, pair, changes))


def _link(
    tx: Connection, ctx: Context, command: LinkSubRelation, pair: Pair, changes: Mapping[str, Any]
) -> SubRelationWritten:
    state, now, key = ctx.program(tx), ctx.services.clock(), ctx.key(command.idempotency_key)
    digest = card_hash(ctx.services.keys, state.id, pair.card_number)
    names = sorted(changes)
    fingerprint = fingerprint_of(
        command.relation_reference,
        None if digest is None else digest.hex(),
        pair.identifier,
        *(part for name in names for part in (name, changes[name])),
    )
    if (first := _replayed(tx, ctx, state, LINK, key, fingerprint, now)) is not None:
        return first
    found = find_members(tx, ctx.services.keys, state.id, references=[command.relation_reference], lock=True)
    if not found:
        raise MemberNotFound
    stopped = refusal_by_status(Operation.UPDATE, found[0].member.status)
    if stopped is not None:
        raise stopped
    written = _upsert(tx, state, found[0].member.id, pair, digest, changes, now)
    if key:
        # What a later link changes, for a replay; under the member's key, so that an erasure takes it along.
        words = to_json({name: getattr(written, name) for name in _WORDS})
        outcome = _outcome(written) | {"words": b64encode(encrypt(found[0].data_key, words)).decode()}
        bind_key(tx, state.id, LINK, key, fingerprint, outcome, now)
    return SubRelationWritten(sub_relation=written)


def _upsert(
    tx: Connection,
    state: ProgramState,
    member_id: int,
    pair: Pair,
    digest: bytes | None,
    changes: Mapping[str, Any],
    now: datetime,
) -> SubRelation:
    """The sub-relation of this pair with these changes, stored and told of where it is not so already."""
    known = find_link(store.find_of_member(tx, state.id, member_id), digest, pair.identifier)
    if known is None:
        fresh = _fresh(allocate_ids(tx, table, state.id, 1)[0], member_id, pair, digest, now)
        written = replace(fresh, **changes)
        store.insert_sub_relation(tx, state.id, written)
    elif (written := replace(known, **changes)) != known:
        written = replace(written, version=known.version + 1)
        store.update_sub_relation(tx, state.id, written)
    if written != known:
        _tell(tx, state, "sub_relation.linked", written, now)
    return written


def _fresh(row_id: int, member_id: int, pair: Pair, digest: bytes | None, now: datetime) -> SubRelation:
    return SubRelation(
        id=row_id,
        member_id=member_id,
        type=CARD,
        card_hash=digest,
        card_last_four=pair.card_last_four,
        card_number=pair.storable_card_number,
        identifier=pair.identifier,
        last_six_digits=None,
        product_code=None,
        expiry_date=None,
        status=None,
        created_at=now,
        version=1,
    )


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
        _tell(tx, state, "sub_relation.unlinked", found, now)
        if key:
            bind_key(tx, state.id, UNLINK, key, fingerprint, _outcome(found), now)
        return SubRelationWritten(sub_relation=found)

    return await ctx.write(body)


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


def _outcome(written: SubRelation) -> dict[str, int]:
    return {"member_id": written.member_id, "sub_relation_id": written.id}


def _tell(tx: Connection, state: ProgramState, topic: str, one: SubRelation, now: datetime) -> None:
    event = {"topic": topic, "member_id": one.member_id, "payload": to_json(_outcome(one)), "created_at": now}
    add_events(tx, state.id, [event])
