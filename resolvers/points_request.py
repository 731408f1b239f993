"""Use cases of adjustments that wait for a second administrator: approve, reject, list."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial

from sqlalchemy import Connection

from domain.access import Permission
from domain.crypto import encrypt, reveal
from domain.errors import Forbidden, InvalidRequest, RedemptionNotFound, RequestNotPending, TesseraError
from domain.points import from_minor
from domain.store.idempotency import fingerprint_of
from domain.store.merge import answering_for, merged_ids
from domain.store.points_request import (
    APPROVED,
    PENDING,
    REJECTED,
    StoredRequest,
    decide_request,
    find_requests,
    page_requests,
)
from domain.store.program import ProgramState
from resolvers.adjustment import note, post_adjustment, require_ahead, require_open
from resolvers.context import Context
from resolvers.independence import require_independent
from resolvers.movement import Keyed, Locked, Moved, Outcome, move_once

STATUSES = (PENDING, APPROVED, REJECTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class PointsRequest:
    """A request. `points` is signed; `reason` None: the member was erased; `entry_id` once it is posted."""

    id: int
    member_id: int
    status: str
    points: Decimal
    reason: str | None
    expires_at: datetime | None
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    entry_id: int | None
    replayed: bool = False


async def approve_adjustment(ctx: Context, request_id: int, idempotency_key: str | None = None) -> PointsRequest:
    """Post a requested adjustment, exactly once; by anybody who may approve but the requester.

    It is of whoever answers for the member by then.
    Raises BadRequest, Forbidden, KeyReused, RedemptionNotFound, Forbidden (one's own), DeciderNotIndependent,
    RequestNotPending,
    MemberCancelled, InvalidRequest (the last day of its points is over), InsufficientPoints; the request goes on
    waiting.
    """
    ctx.key(idempotency_key)
    ctx.principal.require(Permission.POINTS_APPROVE)
    ctx.principal.require_proof()
    keyed = Keyed(
        use_case="approve",
        key=ctx.key(idempotency_key),
        fingerprint=fingerprint_of(request_id),
        now=ctx.services.clock(),
    )
    result = await ctx.write(partial(_approve, ctx, request_id, keyed))
    if isinstance(result, TesseraError):
        raise result
    return result


def _approve(ctx: Context, request_id: int, keyed: Keyed, tx: Connection) -> PointsRequest | TesseraError:
    moved = move_once(
        tx,
        ctx,
        keyed,
        lambda state: [_answering(tx, state.id, request_id)],
        lambda locked: _post(locked, ctx, request_id),
    )
    return moved if isinstance(moved, TesseraError) else _read(tx, ctx, moved, request_id)


def _post(locked: Locked, ctx: Context, request_id: int) -> Outcome:
    one = _undecided(locked.tx, ctx, locked.state.id, request_id)
    require_open(locked)
    require_ahead(locked, one.expires_at)
    sealed = one.reason
    if one.member_id not in locked.members:
        # It was asked for a member who is another by now: the reason goes under the key of who reads it.
        [stored] = locked.members.values()
        sealed = encrypt(stored.data_key, reveal(ctx.services.keys, one.data_key, one.reason) or "")
    draft = post_adjustment(locked, one.points, sealed, one.expires_at, {"request": one.id})
    decide_request(
        locked.tx,
        locked.state.id,
        one.id,
        APPROVED,
        decided_by=ctx.principal.actor,
        decided_at=locked.now,
        entry_id=draft.id,
    )
    note(locked, ctx, "points.adjust.approve", one.points, draft, request=one.id, entry=draft.id)
    return {"entry_id": draft.id}


async def reject_adjustment(ctx: Context, request_id: int) -> PointsRequest:
    """Turn a requested adjustment down; by anybody who may approve but the requester.

    Raises Forbidden, RedemptionNotFound, Forbidden (one's own), DeciderNotIndependent, RequestNotPending.
    """
    ctx.principal.require(Permission.POINTS_APPROVE)
    now = ctx.services.clock()
    keyed = Keyed(use_case="reject", key=None, fingerprint=b"", now=now)

    def body(tx: Connection) -> PointsRequest:
        moved = move_once(
            tx,
            ctx,
            keyed,
            lambda state: [_answering(tx, state.id, request_id)],
            lambda locked: _turn_down(locked, ctx, request_id),
        )
        if isinstance(moved, TesseraError):
            raise moved  # without a key none is given back
        return _read(tx, ctx, moved, request_id)

    return await ctx.write(body)


def _turn_down(locked: Locked, ctx: Context, request_id: int) -> Outcome:
    one = _undecided(locked.tx, ctx, locked.state.id, request_id)
    actor, now = ctx.principal.actor, locked.now
    decide_request(locked.tx, locked.state.id, one.id, REJECTED, decided_by=actor, decided_at=now)
    note(locked, ctx, "points.adjust.reject", one.points, request=one.id)
    return {}


def _answering(tx: Connection, program_id: int, request_id: int) -> int:
    """Who answers by now for the member that a request is about. Raises RedemptionNotFound."""
    found = find_requests(tx, program_id, [request_id]).get(request_id)
    if found is None:
        raise RedemptionNotFound
    return answering_for(tx, program_id, [found.member_id]).get(found.member_id, found.member_id)


def _undecided(tx: Connection, ctx: Context, program_id: int, request_id: int) -> StoredRequest:
    """The request, locked. Raises Forbidden (one's own), DeciderNotIndependent, RequestNotPending."""
    one = find_requests(tx, program_id, [request_id], lock=True)[request_id]
    if one.requested_by == ctx.principal.actor:
        raise Forbidden("who asks for an adjustment does not decide about it")
    require_independent(tx, ctx, one.requested_by)
    if one.status != PENDING:
        raise RequestNotPending
    return one


async def list_points_requests(
    ctx: Context, *, status: str | None = None, member_id: int | None = None, first: int, before_id: int | None = None
) -> list[PointsRequest]:
    """The newest requests of the program, of one status or of all; of one member with those it answers for.

    Raises Forbidden, InvalidRequest.
    """
    ctx.principal.require(Permission.POINTS_ADJUST)
    if status is not None and status not in STATUSES:
        raise InvalidRequest(f"status: one of {', '.join(STATUSES)}", field="status")

    def body(tx: Connection) -> list[PointsRequest]:
        state = ctx.program(tx)
        members = None if member_id is None else [member_id, *merged_ids(tx, state.id, [member_id])]
        found = page_requests(tx, state.id, status=status, members=members, limit=first, before_id=before_id)
        return [_request_of(one, state, ctx) for one in found]

    return await ctx.read(body)


async def list_requests_by_id(ctx: Context, request_ids: Sequence[int]) -> dict[int, PointsRequest]:
    """Requests of the caller's program by id. Raises Forbidden."""
    ctx.principal.require(Permission.POINTS_ADJUST)

    def body(tx: Connection) -> dict[int, PointsRequest]:
        state = ctx.program(tx)
        return {one.id: _request_of(one, state, ctx) for one in find_requests(tx, state.id, request_ids).values()}

    return await ctx.read(body)


def _read(tx: Connection, ctx: Context, moved: Moved, request_id: int) -> PointsRequest:
    stored = find_requests(tx, moved.state.id, [request_id])[request_id]
    return replace(_request_of(stored, moved.state, ctx), replayed=moved.replayed)


def _request_of(stored: StoredRequest, state: ProgramState, ctx: Context) -> PointsRequest:
    return PointsRequest(
        id=stored.id,
        member_id=stored.member_id,
        status=stored.status,
        points=from_minor(stored.points, state.places),
        reason=reveal(ctx.services.keys, stored.data_key, stored.reason),
        expires_at=stored.expires_at,
        requested_by=stored.requested_by,
        requested_at=stored.requested_at,
        decided_by=stored.decided_by,
        decided_at=stored.decided_at,
        entry_id=stored.entry_id,
    )
