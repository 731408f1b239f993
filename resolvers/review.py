"""Use cases of transactions that were held for review: approve, reject, list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from domain.access import Permission
from domain.crypto import encrypt, reveal
from domain.errors import BadRequest, HeldForReview, InvalidRequest, RedemptionNotFound, RequestNotPending
from domain.models.types import to_json
from domain.points import from_minor
from domain.rules.fixed import REFUND
from domain.store import transaction as transactions
from domain.store.bulk import Bulk
from domain.store.held import APPROVED, PENDING, REJECTED, StoredHeld, decide_held, find_held, page_held
from domain.store.idempotency import bind_key, find_keys, fingerprint_of
from domain.store.journal import Journal
from domain.store.member import find_members, references_of
from domain.store.outbox import add_events
from domain.store.program import ProgramState
from domain.store.queue import FAILED, SUCCESS, settle_held
from domain.store.transaction import StoredTransaction, find_transactions
from resolvers.approval import Approval
from resolvers.context import Context
from resolvers.movement import free_text
from resolvers.screening import read_rest
from resolvers.standing import Standing

STATUSES = (PENDING, APPROVED, REJECTED)
USE_CASE = "review"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldTransaction:
    """A transaction that was held, or the rest of one (`is_partial`).

    `points` is what waits: of a whole one what it would have given when it was held. `posted` is what its
    transaction gave by now, net. `reason` of a rejection; None where there is none, or the member was erased.
    """

    id: int
    member_id: int
    transaction_id: str
    amount: Decimal
    transaction_date: datetime
    product_code: str | None
    status: str
    is_partial: bool
    points: Decimal
    posted: Decimal
    held_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    replayed: bool = False


async def approve_transaction(ctx: Context, held_id: int, idempotency_key: str | None = None) -> HeldTransaction:
    """Post what is held, with its own transaction date and no threshold; refunds that waited for it are applied.

    Raises Forbidden, SecondFactorNeeded, InvalidRequest, KeyReused, RedemptionNotFound (123: no such request),
    RequestNotPending, MemberCancelled, MemberSuspended, MembershipBlocked, AccrualNotAllowed; what is refused stays
    held.
    """
    ctx.principal.require(Permission.POINTS_APPROVE)
    ctx.principal.require_proof()
    return await _decide(ctx, held_id, idempotency_key, fingerprint_of("approve", held_id), _approve)


async def reject_transaction(
    ctx: Context, held_id: int, reason: str, idempotency_key: str | None = None
) -> HeldTransaction:
    """Turn down what is held: it is never posted, and refunds that waited for it lapse. What was posted stays.

    Raises BadRequest (no reason), Forbidden, InvalidRequest, KeyReused, RedemptionNotFound, RequestNotPending.
    """
    told = free_text(reason, "reason")
    if told is None:
        raise BadRequest("reason: is missing", field="reason")

    def decide(tx: Connection, ctx: Context, state: ProgramState, held: StoredHeld, now: datetime) -> None:
        _reject(tx, ctx, state, held, now, told)

    return await _decide(ctx, held_id, idempotency_key, fingerprint_of("reject", held_id, told), decide)


_Decision = Callable[[Connection, Context, ProgramState, StoredHeld, datetime], None]


async def _decide(
    ctx: Context, held_id: int, idempotency_key: str | None, fingerprint: bytes, decide: _Decision
) -> HeldTransaction:
    ctx.principal.require(Permission.POINTS_APPROVE)
    key = ctx.key(idempotency_key)

    def body(tx: Connection) -> HeldTransaction:
        state, now = ctx.program_in_force(tx), ctx.services.clock()
        held = find_held(tx, state.id, [held_id], lock=True).get(held_id)
        if key is not None and (bound := find_keys(tx, state.id, USE_CASE, [key], now).get(key)) is not None:
            bound.replay(fingerprint)
            return replace(_read(tx, ctx, state, held_id), replayed=True)
        if held is None:
            raise RedemptionNotFound
        if held.status != PENDING:
            raise RequestNotPending
        # Before the transaction is read, which a refund may be changing.
        journal = Journal(tx, state.id, state.config_version, now, ctx.principal.actor, ctx.source)
        journal.lock_accounts([held.member_id])
        journal.flush()
        decide(tx, ctx, state, held, now)
        if key is not None:
            bind_key(tx, state.id, USE_CASE, key, fingerprint, {"held_id": held_id}, now)
        return _read(tx, ctx, state, held_id)

    return await ctx.write(body)


def _approve(tx: Connection, ctx: Context, state: ProgramState, held: StoredHeld, now: datetime) -> None:
    stored = find_transactions(tx, state.id, [held.transaction_ref])[held.transaction_ref]
    reference = references_of(tx, state.id, [held.member_id])[held.member_id]
    rest = None if held.rest is None else read_rest(held.rest)
    Approval(tx, ctx, state, now, held=stored, rest=rest).run(reference)
    decide_held(tx, state.id, held.id, APPROVED, decided_by=ctx.principal.actor, decided_at=now)
    settle_held(tx, state.id, stored.id, status=SUCCESS, points=stored.points)
    _tell(tx, ctx, state, held, APPROVED, now)


def _reject(tx: Connection, ctx: Context, state: ProgramState, held: StoredHeld, now: datetime, reason: str) -> None:
    stored = find_transactions(tx, state.id, [held.transaction_ref])[held.transaction_ref]
    if held.rest is None:
        _reject_whole(tx, state, stored)
        settle_held(tx, state.id, stored.id, status=FAILED, points=0, code=HeldForReview.code, detail="rejected")
    else:
        _give_back_caps(tx, ctx, state, held, stored)
        settle_held(tx, state.id, stored.id, status=SUCCESS, points=stored.points)
    [found] = find_members(tx, ctx.services.keys, state.id, ids=[held.member_id])
    sealed = encrypt(found.data_key, reason) if found.data_key else None
    decided_by = ctx.principal.actor
    decide_held(tx, state.id, held.id, REJECTED, decided_by=decided_by, decided_at=now, reason=sealed)
    _tell(tx, ctx, state, held, REJECTED, now)


def _reject_whole(tx: Connection, state: ProgramState, stored: StoredTransaction) -> None:
    """Its id stays taken, so that nobody brings it in by another door; the refunds that waited for it lapse."""
    key, status = (stored.member_id, stored.transaction_id), transactions.PARKED
    parked = transactions.find_by_transaction_id(tx, state.id, [stored.transaction_id], kind=REFUND, status=status)
    waiting = parked.get(key, [])
    for one in waiting:
        one.status = transactions.LAPSED
    stored.status = transactions.REJECTED
    transactions.update_transactions(tx, state.id, [stored, *waiting])


def _give_back_caps(
    tx: Connection, ctx: Context, state: ProgramState, held: StoredHeld, stored: StoredTransaction
) -> None:
    """The caps had counted the whole, so that what was held had its room; now it needs none."""
    [found] = find_members(tx, ctx.services.keys, state.id, ids=[held.member_id])
    standing = Standing(state)
    standing.load(tx, [found.member], [stored.transaction_date])
    points: dict[str, int] = {}
    for award in read_rest(held.rest or []):
        points[award.group] = points.get(award.group, 0) + award.points
    counted = standing.counted_of(found.member, stored)
    standing.give_back([found.member.id], counted, points, Decimal(0), is_whole=False)
    bulk = Bulk(tx)
    standing.store(bulk)
    bulk.store()


def _tell(tx: Connection, ctx: Context, state: ProgramState, held: StoredHeld, status: str, now: datetime) -> None:
    action = "transaction.approve" if status == APPROVED else "transaction.reject"
    before = {"held": held.id, "points": held.points, "status": PENDING}
    ctx.audit(tx, action, f"transaction:{held.transaction_ref}", before=before, after=before | {"status": status})
    event = {
        "topic": action,
        "member_id": held.member_id,
        "payload": to_json({"held_id": held.id, "transaction": held.transaction_ref}),
        "created_at": now,
    }
    add_events(tx, state.id, [event])


async def list_held(
    ctx: Context, *, status: str | None = None, first: int, before_id: int | None = None
) -> list[HeldTransaction]:
    """The newest held transactions of the program, of one status or of all. Raises Forbidden, InvalidRequest."""
    ctx.principal.require(Permission.POINTS_APPROVE)
    if status is not None and status not in STATUSES:
        raise InvalidRequest(f"status: one of {', '.join(STATUSES)}", field="status")

    def body(tx: Connection) -> list[HeldTransaction]:
        state = ctx.program(tx)
        return _told(tx, ctx, state, page_held(tx, state.id, status=status, limit=first, before_id=before_id))

    return await ctx.read(body)


async def list_held_by_id(ctx: Context, held_ids: Sequence[int]) -> dict[int, HeldTransaction]:
    """Held transactions of the program by id. Raises Forbidden."""
    ctx.principal.require(Permission.POINTS_APPROVE)

    def body(tx: Connection) -> dict[int, HeldTransaction]:
        state = ctx.program(tx)
        return {one.id: one for one in _told(tx, ctx, state, list(find_held(tx, state.id, held_ids).values()))}

    return await ctx.read(body)


def _read(tx: Connection, ctx: Context, state: ProgramState, held_id: int) -> HeldTransaction:
    return _told(tx, ctx, state, list(find_held(tx, state.id, [held_id]).values()))[0]


def _told(tx: Connection, ctx: Context, state: ProgramState, held: Sequence[StoredHeld]) -> list[HeldTransaction]:
    rows = find_transactions(tx, state.id, [one.transaction_ref for one in held])
    return [_held_of(one, rows[one.transaction_ref], ctx, state) for one in held]


def _held_of(held: StoredHeld, stored: StoredTransaction, ctx: Context, state: ProgramState) -> HeldTransaction:
    return HeldTransaction(
        id=held.id,
        member_id=held.member_id,
        transaction_id=stored.transaction_id,
        amount=stored.amount,
        transaction_date=stored.transaction_date,
        product_code=stored.product_code,
        status=held.status,
        is_partial=held.rest is not None,
        points=from_minor(held.points, state.places),
        posted=from_minor(stored.points, state.places),
        held_at=held.held_at,
        decided_by=held.decided_by,
        decided_at=held.decided_at,
        reason=reveal(ctx.services.keys, held.data_key, held.reason),
    )
