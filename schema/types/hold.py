"""Holds: points of a member that are reserved."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from resolvers.hold import Hold as HoldRow
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import HOLD, encode
from schema.scalar import Points
from schema.types.entry import LedgerEntry, load_entry
from schema.types.node import Node

if TYPE_CHECKING:
    from schema.types.member import Member


@strawberry.enum(description="What points are reserved for.")
class HoldPurpose(Enum):
    HOLD = strawberry.enum_value("HOLD", description="Anything; a member may have many.")
    PAY_WITH_REWARDS = strawberry.enum_value(
        "PAY_WITH_REWARDS", description="A payment that the merchant settles later; one may be pending for each member."
    )


@strawberry.enum(description="How far a hold is.")
class HoldStatus(Enum):
    PENDING = strawberry.enum_value("PENDING", description="The points are reserved.")
    SETTLED = strawberry.enum_value("SETTLED", description="It became a redemption.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="The points were given back.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="It outlived its time, and the points were given back.")


@strawberry.type(description="Points that are reserved until they are settled, cancelled, or their time is over.")
class Hold(Node):
    purpose: HoldPurpose = strawberry.field(description="What the points are reserved for.")
    status: HoldStatus = strawberry.field(description="How far it is now.")
    points: Points = strawberry.field(description="The points that were reserved, positive.")
    settled_points: Points | None = strawberry.field(description="What of them was redeemed; null unless settled.")
    amount: Decimal | None = strawberry.field(description="The money that they stand for, if it was named.")
    merchant: str | None = strawberry.field(description="Where they are to be redeemed.")
    external_reference: UUID = strawberry.field(description="The reference of the redemption that it becomes.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime = strawberry.field(description="From when on the points are free again.")
    processed_at: datetime | None = strawberry.field(description="When it ended; null while it is pending.")
    member_id: strawberry.Private[int]
    entry_id: strawberry.Private[int]

    @field("The member whose points they are.")
    async def member(self, info: Info) -> Annotated["Member", strawberry.lazy("schema.types.member")] | None:
        from schema.types.member import load_member

        return await load_member(self.member_id, info.context)

    @field("The posting that took the points.")
    async def entry(self, info: Info) -> LedgerEntry | None:
        return await load_entry(self.entry_id, info.context)


def to_hold(row: HoldRow, context: RequestContext) -> Hold:
    """A hold as callers see it."""
    return Hold(
        id=encode(HOLD, context.ctx.principal.program, row.id),
        purpose=HoldPurpose(row.purpose),
        status=HoldStatus(row.status),
        points=Points(row.points),
        settled_points=None if row.settled_points is None else Points(row.settled_points),
        amount=row.amount,
        merchant=row.merchant,
        external_reference=row.external_reference,
        created_at=context.local(row.created_at),
        expires_at=context.local(row.expires_at),
        processed_at=context.local_or_none(row.processed_at),
        member_id=row.member_id,
        entry_id=row.entry_id,
    )


async def load_hold(hold_id: int, context: RequestContext) -> Hold | None:
    """A hold of the caller's program, if the caller may see it."""
    row = await context.loaders.hold.load(hold_id)
    return None if row is None else to_hold(row, context)
