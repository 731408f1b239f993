"""Transactions that were held for review."""

from datetime import datetime
from decimal import Decimal
from enum import Enum

import strawberry

from resolvers.review import HeldTransaction as HeldRow
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import HELD, encode
from schema.scalar import Points
from schema.types.member import Member, load_member
from schema.types.node import Node


@strawberry.enum(description="What was decided about a held transaction.")
class HeldStatus(Enum):
    PENDING = strawberry.enum_value("PENDING", description="Nothing yet: it waits.")
    APPROVED = strawberry.enum_value("APPROVED", description="It was posted.")
    REJECTED = strawberry.enum_value("REJECTED", description="It was turned down.")


@strawberry.type(description="A transaction over a threshold, or the rest of one, that somebody decides about.")
class HeldTransaction(Node):
    transaction_id: str = strawberry.field(description="The submitter's own id of the transaction.")
    amount: Decimal = strawberry.field(description="The money that was spent.")
    transaction_date: datetime = strawberry.field(description="When it happened.")
    product_code: str | None = strawberry.field(description="What was bought.")
    status: HeldStatus = strawberry.field(description="What was decided.")
    is_partial: bool = strawberry.field(description="A part was posted at once, and the rest is held.")
    points: Points = strawberry.field(
        description="What is held; of a whole transaction what it would have given at that time."
    )
    posted: Points = strawberry.field(description="What the transaction gave by now, net.")
    held_at: datetime = strawberry.field(description="When it was held.")
    decided_by: str | None = strawberry.field(description="Who decided.")
    decided_at: datetime | None = strawberry.field(description="When it was decided.")
    reason: str | None = strawberry.field(description="Why it was rejected; null for an erased member.")
    member_id: strawberry.Private[int]

    @field("The member who made it.")
    async def member(self, info: Info) -> Member | None:
        return await load_member(self.member_id, info.context)


def to_held(row: HeldRow, context: RequestContext) -> HeldTransaction:
    """A held transaction as callers see it."""
    return HeldTransaction(
        id=encode(HELD, context.ctx.principal.program, row.id),
        transaction_id=row.transaction_id,
        amount=row.amount,
        transaction_date=context.local(row.transaction_date),
        product_code=row.product_code,
        status=HeldStatus(row.status),
        is_partial=row.is_partial,
        points=Points(row.points),
        posted=Points(row.posted),
        held_at=context.local(row.held_at),
        decided_by=row.decided_by,
        decided_at=context.local_or_none(row.decided_at),
        reason=row.reason,
        member_id=row.member_id,
    )


async def load_held(held_id: int, context: RequestContext) -> HeldTransaction | None:
    """A held transaction of the caller's program, for those who may decide about it."""
    row = await context.loaders.held.load(held_id)
    return None if row is None else to_held(row, context)
