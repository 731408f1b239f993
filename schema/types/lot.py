"""Lots: what a member's points consist of, and what of them is still pending."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.lot import MemberLot
from resolvers.lot import PendingPoints as PendingRow
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import LOT, encode
from schema.scalar import Points
from schema.types.node import Node

if TYPE_CHECKING:
    from schema.types.entry import LedgerEntry
    from schema.types.member import Member


@strawberry.type(description="Points that came with one posting and have one expiry; what is spent comes from lots.")
class Lot(Node):
    points: Points = strawberry.field(description="What it began with.")
    remaining: Points = strawberry.field(description="What is left of it; what is held is not.")
    earned_at: datetime = strawberry.field(description="When the points were earned.")
    available_at: datetime | None = strawberry.field(
        description="From when on the points can be spent; null: from the beginning."
    )
    is_pending: bool = strawberry.field(description="Whether its points cannot be spent yet: `availableAt` is to come.")
    expires_at: datetime | None = strawberry.field(
        description="From when on the points are gone; null: they never expire."
    )
    entry_id: strawberry.Private[int]
    member_id: strawberry.Private[int]

    @field("The posting that made it.")
    async def entry(self, info: Info) -> Annotated["LedgerEntry", strawberry.lazy("schema.types.entry")] | None:
        from schema.types.entry import load_entry

        return await load_entry(self.entry_id, info.context)

    @field("The member whose points they are.")
    async def member(self, info: Info) -> Annotated["Member", strawberry.lazy("schema.types.member")] | None:
        from schema.types.member import load_member

        return await load_member(self.member_id, info.context)


@strawberry.type(description="Points that become available at one instant.")
class PendingPoints:
    available_at: datetime = strawberry.field(description="From when on they can be spent.")
    points: Points = strawberry.field(description="How many.")


def to_lot(row: MemberLot, context: RequestContext) -> Lot:
    """A lot as callers see it."""
    return Lot(
        id=encode(LOT, context.ctx.principal.program, row.id),
        points=Points(row.points),
        remaining=Points(row.remaining),
        earned_at=context.local(row.earned_at),
        available_at=context.local_or_none(row.available_at),
        is_pending=row.is_pending,
        expires_at=context.local_or_none(row.expires_at),
        entry_id=row.entry_id,
        member_id=row.member_id,
    )


def to_pending(row: PendingRow, context: RequestContext) -> PendingPoints:
    """Points that are pending as callers see them."""
    return PendingPoints(available_at=context.local(row.available_at), points=Points(row.points))


async def load_lot(lot_id: int, context: RequestContext) -> Lot | None:
    """A lot of the caller's program, if the caller may see it."""
    row = await context.loaders.lot.load(lot_id)
    return None if row is None else to_lot(row, context)
