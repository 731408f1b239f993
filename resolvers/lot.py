"""Use cases that read what members' points consist of: open lots, and what is still pending."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import Connection

from domain.access import Permission
from domain.clock import NEVER
from domain.points import from_minor
from domain.store.lot_page import LotPlace, OwnedLot, lots_by_id, page_open_lots, pending_dates
from domain.store.program import ProgramState
from resolvers.context import Context

__all__ = ["LotPlace", "MemberLot", "PendingPoints", "list_lots_by_id", "list_pending", "page_lots"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberLot:
    """What is left of a credit. `expires_at` None: never; `available_at` None: from the start.

    `sorts_at` is the expiry as lots are ordered by it.
    """

    id: int
    member_id: int
    entry_id: int
    points: Decimal
    remaining: Decimal
    earned_at: datetime
    available_at: datetime | None
    expires_at: datetime | None
    sorts_at: datetime
    is_pending: bool

    @property
    def place(self) -> LotPlace:
        """Its place in the order of lots."""
        return self.sorts_at, self.earned_at, self.id


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingPoints:
    """Points that become available at one instant."""

    available_at: datetime
    points: Decimal


async def page_lots(
    ctx: Context, member_ids: Sequence[int], *, first: int, after: LotPlace | None = None
) -> dict[int, list[MemberLot]]:
    """At most `first` lots of each member that have points left, soonest expiry first. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)
    now = ctx.services.clock()
    place = None if after is None else (after[0].astimezone(UTC), after[1].astimezone(UTC), after[2])

    def body(tx: Connection) -> dict[int, list[MemberLot]]:
        state = ctx.program(tx)
        pages: dict[int, list[MemberLot]] = {one: [] for one in ctx.visible_members(tx, member_ids)}
        for one in page_open_lots(tx, state.id, list(pages), now=now, first=first, after=place):
            pages[one.member_id].append(_lot_of(one, state, now))
        return pages

    return await ctx.read(body)


async def list_lots_by_id(ctx: Context, lot_ids: Sequence[int]) -> dict[int, MemberLot]:
    """Lots of the caller's program by id, open or not; a member sees its own only. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)
    now = ctx.services.clock()

    def body(tx: Connection) -> dict[int, MemberLot]:
        state, own = ctx.program(tx), ctx.own_members(tx)
        found = lots_by_id(tx, state.id, lot_ids)
        return {one.id: _lot_of(one, state, now) for one in found if own is None or one.member_id in own}

    return await ctx.read(body)


async def list_pending(ctx: Context, member_ids: Sequence[int]) -> dict[int, list[PendingPoints]]:
    """The coming instants at which points of each member become available, soonest first. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)
    now = ctx.services.clock()

    def body(tx: Connection) -> dict[int, list[PendingPoints]]:
        state = ctx.program(tx)
        found = pending_dates(tx, state.id, ctx.visible_members(tx, member_ids), now)
        return {
            member_id: [PendingPoints(available_at=at, points=from_minor(points, state.places)) for at, points in dates]
            for member_id, dates in found.items()
        }

    return await ctx.read(body)


def _lot_of(owned: OwnedLot, state: ProgramState, now: datetime) -> MemberLot:
    one = owned.lot
    return MemberLot(
        id=owned.id,
        member_id=owned.member_id,
        entry_id=owned.entry_id,
        points=from_minor(one.points, state.places),
        remaining=from_minor(one.remaining, state.places),
        earned_at=one.earned_at,
        available_at=one.available_at,
        expires_at=None if one.expires_at >= NEVER else one.expires_at,
        sorts_at=one.expires_at,
        is_pending=one.available_at is not None and one.available_at > now,
    )
