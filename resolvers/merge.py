"""Use cases of duplicates: two members become one, and apart again while nothing of it was spent.

The victim's lots move to the survivor with their dates; both histories stay, and the victim's references
lead to the survivor from then on.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission
from domain.change_request import MEMBER_STATUS
from domain.errors import BadRequest, InvalidRequest, MemberNotFound, MergeRefused, RedemptionNotFound
from domain.ids import new_reference
from domain.ledger.account import Account
from domain.ledger.posting import Lot
from domain.ledger.transfer import give_back, move_everything, owe
from domain.member import Member
from domain.models import member_merge
from domain.models.types import to_json
from domain.points import from_minor
from domain.store import merge as store
from domain.store.held import holds_anything
from domain.store.idempotency import bind_key, find_keys, fingerprint_of
from domain.store.ids import allocate_ids
from domain.store.journal import Journal
from domain.store.lot import find_lots, open_lots
from domain.store.member import Stored, find_members
from domain.store.merge import MergedMeanwhile, merged_ids, set_merged_into
from domain.store.outbox import add_events
from domain.store.program import ProgramState
from domain.store.sub_relation import move_links
from resolvers.approving import require_approval
from resolvers.context import Context
from resolvers.merge_counters import join_counters, part_counters
from resolvers.merge_lots import became_lots, moved_lots
from resolvers.merge_record import Merge, merge_of
from resolvers.merge_standing import join_standing, part_standing
from resolvers.points_note import balance_text

USE_CASE = "merge"


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeMembers:
    """Make one member of two: `victim` disappears into `survivor`. Both are relation references."""

    victim: str
    survivor: str
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MergePreview:
    """What a merge would move, and why it would be refused, if it would."""

    victim_id: int
    survivor_id: int
    points: Decimal
    pending: Decimal
    arrears: Decimal
    lots: int
    refused: str | None


@dataclass(slots=True)
class _Pair:
    """Both members with their accounts, locked in the order of ids."""

    state: ProgramState
    journal: Journal
    victim: Stored
    survivor: Stored
    giver: Account
    taker: Account
    lots: list[Lot] = field(default_factory=list)


async def preview_merge(ctx: Context, command: MergeMembers) -> MergePreview:
    """What a merge would do, without doing it. Raises BadRequest, Forbidden, InvalidRequest, MemberNotFound."""
    _check(ctx, command)
    now = ctx.services.clock()

    def body(tx: Connection) -> MergePreview:
        # As the merge itself would find it, and thrown away: nothing of it is stored by a reader.
        state = ctx.program(tx)
        victim, survivor = _both(tx, ctx, command)
        journal = Journal(tx, state.id, state.config_version, now, ctx.principal.actor, ctx.source)
        giver = journal.read_accounts([victim.member.id])[victim.member.id]
        lots = [one for one in open_lots(tx, state.id, [giver.id])[giver.id] if one.expires_at > now]
        waits = sum(one.remaining for one in lots if one.available_at is not None and one.available_at > now)
        return MergePreview(
            victim_id=victim.member.id,
            survivor_id=survivor.member.id,
            points=from_minor(sum(one.remaining for one in lots) - giver.arrears, state.places),
            pending=from_minor(waits, state.places),
            arrears=from_minor(giver.arrears, state.places),
            lots=len(lots),
            refused=_obstacle(tx, state.id, victim.member, survivor.member),
        )

    return await ctx.read(body)


async def merge_members(ctx: Context, command: MergeMembers) -> Merge:
    """Make one member of two, exactly once per key.

    Raises BadRequest, Forbidden, InvalidRequest (the same member), KeyReused, MemberNotFound, ApprovalNeeded (by hand,
    and their statuses differ), MergeRefused (one of them is erased, or a hold of the victim is open).
    """
    _check(ctx, command)
    ctx.principal.require_proof()
    ctx.key(command.idempotency_key)
    now = ctx.services.clock()
    return await ctx.write(lambda tx: _merge(tx, ctx, command, now))


def _check(ctx: Context, command: MergeMembers) -> None:
    if not command.victim or not command.survivor:
        raise BadRequest("victim and survivor are needed")
    ctx.principal.require(Permission.MEMBER_MERGE)
    if command.victim == command.survivor:
        raise InvalidRequest("victim and survivor are the same member", field="survivor")


def _both(tx: Connection, ctx: Context, command: MergeMembers) -> tuple[Stored, Stored]:
    """The two members. Raises MemberNotFound, InvalidRequest (one answers for the other already)."""
    references = [command.victim, command.survivor]
    found = find_members(tx, ctx.services.keys, ctx.principal.program, references=references)
    by_reference = {one.asked_for: one for one in found}
    if len(by_reference) < 2:
        raise MemberNotFound
    victim, survivor = by_reference[command.victim], by_reference[command.survivor]
    if victim.member.id == survivor.member.id:
        raise InvalidRequest("they are one member already", field="survivor")
    return victim, survivor


def _obstacle(tx: Connection, program_id: int, victim: Member, survivor: Member) -> str | None:
    if victim.erased_at is not None or survivor.erased_at is not None:
        # Whose reference led to somebody who is erased could not be erased any more.
        return "one of them is erased"
    return "points of the victim are held" if holds_anything(tx, program_id, victim.id) else None


def _merge(tx: Connection, ctx: Context, command: MergeMembers, now: datetime) -> Merge:
    state, key = ctx.program_in_force(tx), ctx.key(command.idempotency_key)
    fingerprint = fingerprint_of(command.victim, command.survivor)
    if (first := _replay(tx, state, key, fingerprint, now)) is not None:
        return first
    try:
        victim, survivor = _both(tx, ctx, command)
        pair = _lock(tx, ctx, state, victim.member.id, survivor.member.id, now)
        if [one.member.id for one in _both(tx, ctx, command)] != [victim.member.id, survivor.member.id]:
            raise MergedMeanwhile
        if ctx.is_by_hand and victim.member.status != survivor.member.status:
            # The points would be of another status.
            require_approval(ctx, state, MEMBER_STATUS)
    except InvalidRequest:
        # The same request may have made one member of both while this one waited for the locks.
        if (first := _replay(tx, state, key, fingerprint, now)) is not None:
            return first
        raise
    return _join(tx, ctx, pair, key, fingerprint, now)


def _join(tx: Connection, ctx: Context, pair: _Pair, key: str | None, fingerprint: bytes, now: datetime) -> Merge:
    state, victim, survivor = pair.state, pair.victim, pair.survivor
    if told := _obstacle(tx, state.id, victim.member, survivor.member):
        raise MergeRefused(told)
    pair.lots = open_lots(tx, state.id, [pair.giver.id])[pair.giver.id]
    owed, before = pair.giver.arrears, _balances(pair)
    posted = move_everything(pair.giver, pair.taker, pair.lots, now=now, references=(new_reference(), new_reference()))
    pair.journal.flush()
    followers = [victim.member.id, *merged_ids(tx, state.id, [victim.member.id])]
    set_merged_into(tx, state.id, followers, survivor.member.id)
    join_counters(tx, state.id, victim.member.id, survivor.member.id)
    detail = {
        "points": -sum(one.points for one in posted),
        "lots": moved_lots(posted),
        "became": became_lots(posted),
        "arrears": owed,
        "followers": followers,
        "links": move_links(tx, state.id, victim.member.id, survivor.member.id),
        **join_standing(tx, state, pair.journal, victim.member, survivor.member, pair.taker),
    }
    [merge_id] = allocate_ids(tx, member_merge, state.id, 1)
    ids = {"victim_id": victim.member.id, "survivor_id": survivor.member.id}
    store.insert_merge(tx, state.id, merge_id, **ids, at=now, actor=ctx.principal.actor, detail=detail)
    _tell(tx, ctx, pair, "member.merge", merge_id, before)
    if key:
        bind_key(tx, state.id, USE_CASE, key, fingerprint, {"merge_id": merge_id}, now)
    return merge_of(store.load_merge(tx, state.id, merge_id), state)


def _replay(tx: Connection, state: ProgramState, key: str | None, fingerprint: bytes, now: datetime) -> Merge | None:
    bound = find_keys(tx, state.id, USE_CASE, [key] if key else [], now)
    if key not in bound:
        return None
    row = store.load_merge(tx, state.id, bound[key].replay(fingerprint)["merge_id"])
    return merge_of(row, state, replayed=True)


def _lock(tx: Connection, ctx: Context, state: ProgramState, victim: int, survivor: int, now: datetime) -> _Pair:
    """The accounts first, as whatever posts on them locks: the other way round each would wait for the other."""
    journal = Journal(tx, state.id, state.config_version, now, ctx.principal.actor, ctx.source)
    accounts = journal.lock_accounts([victim, survivor])
    journal.flush()
    found = find_members(tx, ctx.services.keys, state.id, ids=[victim, survivor], lock=True)
    members = {one.member.id: one for one in found}
    return _Pair(state, journal, members[victim], members[survivor], accounts[victim], accounts[survivor])


async def undo_merge(ctx: Context, merge_id: int) -> Merge:
    """Make two members of one again, as long as nothing that moved was spent, or taken back by a refund.

    What expired meanwhile stays expired. Raises Forbidden, RedemptionNotFound (123), MergeRefused (undone
    before, merged on, or spent: the detail lists the lots).
    """
    ctx.principal.require(Permission.MEMBER_MERGE)
    ctx.principal.require_proof()
    now = ctx.services.clock()
    return await ctx.write(lambda tx: _undo(tx, ctx, merge_id, now))


def _undo(tx: Connection, ctx: Context, merge_id: int, now: datetime) -> Merge:
    state = ctx.program_in_force(tx)
    row = store.load_merge(tx, state.id, merge_id, lock=True)
    if row is None:
        raise RedemptionNotFound("no such merge")
    if row.undone_at is not None:
        raise MergeRefused("the merge was undone before")
    pair = _lock(tx, ctx, state, row.victim_id, row.survivor_id, now)
    if merged_ids(tx, state.id, [row.survivor_id]).get(row.victim_id) != row.survivor_id:
        raise MergeRefused("the survivor was merged on: undo that merge first")
    before = _balances(pair)
    _return_points(tx, pair, row, now)
    pair.journal.flush()
    victim_id, followers = row.victim_id, [one for one in row.detail["followers"] if one != row.victim_id]
    set_merged_into(tx, state.id, [victim_id], None)
    set_merged_into(tx, state.id, followers, victim_id)
    move_links(tx, state.id, row.survivor_id, victim_id, row.detail["links"])
    part_counters(tx, state, victim_id, row.survivor_id)
    parted = [(pair.victim.member, pair.giver), (pair.survivor.member, pair.taker)]
    part_standing(tx, state, pair.journal, parted, row.merged_at, row.detail)
    store.mark_undone(tx, state.id, merge_id, now)
    _tell(tx, ctx, pair, "member.unmerge", merge_id, before)
    return merge_of(store.load_merge(tx, state.id, merge_id), state)


def _return_points(tx: Connection, pair: _Pair, row: Any, now: datetime) -> None:
    moved, owed = row.detail["lots"], row.detail["arrears"]
    if moved is None:
        raise MergeRefused("a part of what moved repaid the survivor's arrears")
    if owed > pair.taker.arrears:
        raise MergeRefused("arrears that moved were repaid")
    lots = find_lots(tx, pair.state.id, [one for old, new, _ in moved for one in (old, new)])
    spent = [str(new) for _, new, points in moved if lots[new].remaining != points and lots[new].expires_at > now]
    if spent:
        raise MergeRefused(f"spent or refunded from lots {', '.join(spent[:20])}")
    give_back(pair.taker, pair.giver, [(lots[old], lots[new]) for old, new, _ in moved], now=now)
    if owed:
        owe(pair.taker, pair.giver, owed, now=now, reference=new_reference())


def _balances(pair: _Pair) -> dict[str, str]:
    """What both have, as the audit trail tells it."""
    names = {"victim_balance": pair.giver, "survivor_balance": pair.taker}
    return {name: balance_text(pair.state, account.balance) for name, account in names.items()}


def _tell(tx: Connection, ctx: Context, pair: _Pair, action: str, merge_id: int, before: dict[str, str]) -> None:
    ids = {"victim_id": pair.victim.member.id, "survivor_id": pair.survivor.member.id}
    ctx.audit(tx, action, f"merge:{merge_id}", before=before, after=ids | _balances(pair))
    payload, now = to_json(ids), pair.journal.now
    event = {"topic": f"{action}d", "member_id": ids["survivor_id"], "payload": payload, "created_at": now}
    add_events(tx, pair.state.id, [event])
