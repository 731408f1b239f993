"""Holds as callers see them, and the use cases that read them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import InvalidRequest, RedemptionNotFound
from domain.points import from_minor
from domain.store.hold import (
    CANCELLED,
    LAPSED,
    PENDING,
    SETTLED,
    StoredHold,
    as_of,
    count_holds,
    find_holds,
    page_holds,
)
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.holder import find_holder, own_reference
from resolvers.movement import Moved, require_visible

EXPIRED = "EXPIRED"
STATUSES = (PENDING, SETTLED, CANCELLED, EXPIRED)

MAX_PAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """A hold as it is now. `status`: PENDING, SETTLED, CANCELLED or EXPIRED; `points` is positive.

    `external_reference` is the reference that its redemption has once it is settled. `processed_at` is when
    it ended, None while it is pending.
    """

    id: int
    member_id: int
    purpose: str
    status: str
    points: Decimal
    settled_points: Decimal | None
    amount: Decimal | None
    merchant: str | None
    entry_id: int
    external_reference: UUID
    created_at: datetime
    expires_at: datetime
    processed_at: datetime | None
    replayed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldPage:
    """The holds of one page, newest first, and how many match in all."""

    holds: Sequence[Hold]
    count: int


async def get_hold(ctx: Context, hold_id: int, *, purpose: str | None = None) -> Hold:
    """A hold by its id; with a `purpose`, of that purpose only. Raises Forbidden, RedemptionNotFound."""
    ctx.principal.require(Permission.LEDGER_READ)
    now = ctx.services.clock()

    def body(tx: Connection) -> Hold:
        state = ctx.program(tx)
        return hold_of(visible_hold(tx, ctx, state.id, hold_id, purpose), state, now)

    return await ctx.read(body)


async def list_holds(
    ctx: Context,
    relation_reference: str | None,
    *,
    purpose: str | None = None,
    status: str | None = None,
    skip: int = 0,
    limit: int = MAX_PAGE,
) -> HoldPage:
    """The holds of a member, newest first. Raises BadRequest, Forbidden, InvalidRequest, MemberNotFound."""
    reference, now = own_reference(ctx, relation_reference), ctx.services.clock()
    if skip < 0 or limit < 1:
        raise InvalidRequest("a page begins at 0 or later and has 1 item or more", field="range")
    wanted = _stored_status(status)

    def body(tx: Connection) -> HoldPage:
        holder = find_holder(tx, ctx, reference, "DEFAULT")
        program_id, member_id = holder.state.id, holder.member_id
        found = page_holds(
            tx,
            program_id,
            [member_id],
            now=now,
            purpose=purpose,
            status=wanted,
            skip=skip,
            limit=min(limit, MAX_PAGE),
        )
        return HoldPage(
            holds=[hold_of(one, holder.state, now) for one in found],
            count=count_holds(tx, program_id, member_id, now=now, purpose=purpose, status=wanted),
        )

    return await ctx.read(body)


async def page_holds_of(
    ctx: Context, member_ids: Sequence[int], *, first: int, status: str | None = None, before_id: int | None = None
) -> dict[int, list[Hold]]:
    """At most `first` holds of each member, newest first, in a fixed number of statements. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)
    now, wanted = ctx.services.clock(), _stored_status(status)

    def body(tx: Connection) -> dict[int, list[Hold]]:
        state = ctx.program(tx)
        pages: dict[int, list[Hold]] = {one: [] for one in ctx.visible_members(tx, member_ids)}
        found = page_holds(tx, state.id, list(pages), now=now, status=wanted, limit=first, before_id=before_id)
        for one in found:
            pages[one.member_id].append(hold_of(one, state, now))
        return pages

    return await ctx.read(body)


async def list_holds_by_id(ctx: Context, hold_ids: Sequence[int]) -> dict[int, Hold]:
    """Holds of the caller's program by id; a member sees its own only. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)
    now = ctx.services.clock()

    def body(tx: Connection) -> dict[int, Hold]:
        state = ctx.program(tx)
        found = find_holds(tx, state.id, hold_ids)
        visible = set(ctx.visible_members(tx, [one.member_id for one in found.values()]))
        return {one.id: hold_of(one, state, now) for one in found.values() if one.member_id in visible}

    return await ctx.read(body)


def _stored_status(status: str | None) -> str | None:
    if status is not None and status not in STATUSES:
        raise InvalidRequest(f"status: one of {', '.join(STATUSES)}", field="status")
    return LAPSED if status == EXPIRED else status


def read_hold(tx: Connection, moved: Moved, now: datetime) -> Hold:
    """The hold of an outcome as it is now: a repeat tells the first hold's state of today."""
    hold_id = moved.outcome["hold_id"]
    stored = find_holds(tx, moved.state.id, [hold_id])[hold_id]
    return replace(hold_of(stored, moved.state, now), replayed=moved.replayed)


def hold_of(stored: StoredHold, state: ProgramState, now: datetime) -> Hold:
    """A stored hold in points, as it is now."""
    one = as_of(stored, now)
    return Hold(
        id=one.id,
        member_id=one.member_id,
        purpose=one.purpose,
        status=EXPIRED if one.status == LAPSED else one.status,
        points=from_minor(one.points, state.places),
        settled_points=None if one.settled_points is None else from_minor(one.settled_points, state.places),
        amount=one.amount,
        merchant=one.merchant,
        entry_id=one.entry_id,
        external_reference=one.external_reference,
        created_at=one.created_at,
        expires_at=one.expires_at,
        processed_at=one.processed_at,
    )


def visible_hold(tx: Connection, ctx: Context, program_id: int, hold_id: int, purpose: str | None = None) -> StoredHold:
    """The hold, if the caller may see it and it is of the purpose that is asked for. Raises RedemptionNotFound."""
    found = find_holds(tx, program_id, [hold_id]).get(hold_id)
    if found is None or purpose not in {None, found.purpose}:
        raise RedemptionNotFound
    require_visible(tx, ctx, found.member_id)
    return found
