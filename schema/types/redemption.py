"""Redemptions and their reversals."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from resolvers.redemption import LotRestored
from resolvers.redemption import Redemption as RedemptionRow
from resolvers.redemption import Reversal as ReversalRow
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import REDEMPTION, encode
from schema.scalar import Points
from schema.types.entry import LedgerEntry, load_entry
from schema.types.node import Node

if TYPE_CHECKING:
    from schema.types.member import Member


@strawberry.type(description="Points that a member redeemed, all or nothing.")
class Redemption(Node):
    external_reference: UUID = strawberry.field(description="The reference by which it is reversed.")
    points: Points = strawberry.field(description="The points that were redeemed, positive.")
    amount: Decimal | None = strawberry.field(description="The money that they stood for, if it was named.")
    merchant: str | None = strawberry.field(description="Where they were redeemed.")
    loyalty_txn_type: int = strawberry.field(description="The type of redemption, from the program's list.")
    processed_at: datetime = strawberry.field(description="When it was posted.")
    reversed_at: datetime | None = strawberry.field(description="When it was reversed; null while it stands.")
    member_id: strawberry.Private[int]
    entry_id: strawberry.Private[int]

    @field("The member who redeemed.")
    async def member(self, info: Info) -> Annotated["Member", strawberry.lazy("schema.types.member")] | None:
        from schema.types.member import load_member

        return await load_member(self.member_id, info.context)

    @field("The posting of the redemption.")
    async def entry(self, info: Info) -> LedgerEntry | None:
        return await load_entry(self.entry_id, info.context)


@strawberry.type(description="What went back to one lot of points.")
class RestoredLot:
    points: Points = strawberry.field(description="What went back.")
    expires_at: datetime | None = strawberry.field(
        description="From when on these points are gone; null: they never expire."
    )
    expired_points: Points = strawberry.field(description="What of it expired again in the same step.")


@strawberry.type(description="A redemption given back, whole, to the lots that it came from.")
class Reversal:
    external_reference: UUID = strawberry.field(description="The reference of the reversal itself.")
    reverses: UUID = strawberry.field(description="The reference of the redemption.")
    points: Points = strawberry.field(description="The points that were given back, positive.")
    processed_at: datetime = strawberry.field(description="When it was posted.")
    lots: list[RestoredLot] = strawberry.field(description="A receipt for each lot.")
    member_id: strawberry.Private[int]
    entry_id: strawberry.Private[int]

    @field("The member who got the points back.")
    async def member(self, info: Info) -> Annotated["Member", strawberry.lazy("schema.types.member")] | None:
        from schema.types.member import load_member

        return await load_member(self.member_id, info.context)

    @field("The posting of the reversal.")
    async def entry(self, info: Info) -> LedgerEntry | None:
        return await load_entry(self.entry_id, info.context)


def to_redemption(row: RedemptionRow, context: RequestContext) -> Redemption:
    """A redemption as callers see it."""
    return Redemption(
        id=encode(REDEMPTION, context.ctx.principal.program, row.external_reference),
        external_reference=row.external_reference,
        points=Points(row.points),
        amount=row.amount,
        merchant=row.merchant,
        loyalty_txn_type=row.loyalty_txn_type,
        processed_at=context.local(row.processed_at),
        reversed_at=context.local_or_none(row.reversed_at),
        member_id=row.member_id,
        entry_id=row.entry_id,
    )


def to_reversal(row: ReversalRow, context: RequestContext) -> Reversal:
    """A reversal as callers see it."""
    return Reversal(
        external_reference=row.external_reference,
        reverses=row.reverses,
        points=Points(row.points),
        processed_at=context.local(row.processed_at),
        lots=[_to_lot(lot, context) for lot in row.lots],
        member_id=row.member_id,
        entry_id=row.entry_id,
    )


def _to_lot(lot: LotRestored, context: RequestContext) -> RestoredLot:
    return RestoredLot(
        points=Points(lot.points),
        expires_at=context.local_or_none(lot.expires_at),
        expired_points=Points(lot.expired_points),
    )


async def load_redemption(reference: UUID, context: RequestContext) -> Redemption | None:
    """A redemption of the caller's program, if the caller may see it."""
    row = await context.loaders.redemption.load(reference)
    return None if row is None else to_redemption(row, context)
