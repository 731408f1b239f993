"""Adjustments that wait for a second administrator."""

from datetime import datetime
from enum import Enum

import strawberry

from resolvers.points_request import PointsRequest as RequestRow
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import REQUEST, encode
from schema.scalar import Points
from schema.types.entry import LedgerEntry, load_entry
from schema.types.member import Member, load_member
from schema.types.node import Node


@strawberry.enum(description="How far a request is.")
class PointsRequestStatus(Enum):
    PENDING = strawberry.enum_value("PENDING", description="It waits; nothing is posted.")
    APPROVED = strawberry.enum_value("APPROVED", description="It was posted.")
    REJECTED = strawberry.enum_value("REJECTED", description="It was turned down.")


@strawberry.type(description="An adjustment that a second administrator decides about.")
class PointsRequest(Node):
    status: PointsRequestStatus = strawberry.field(description="How far it is.")
    points: Points = strawberry.field(description="Signed: what the member is to get is positive.")
    reason: str | None = strawberry.field(description="Why; null for an erased member.")
    expires_at: datetime | None = strawberry.field(
        description="From when on the points are to be gone; null: as the program has it."
    )
    requested_by: str = strawberry.field(description="Who asked for it.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    decided_by: str | None = strawberry.field(description="Who decided; never who asked.")
    decided_at: datetime | None = strawberry.field(description="When it was decided.")
    member_id: strawberry.Private[int]
    entry_id: strawberry.Private[int | None]

    @field("The member whose balance it corrects.")
    async def member(self, info: Info) -> Member | None:
        return await load_member(self.member_id, info.context)

    @field("The posting that came of it.")
    async def entry(self, info: Info) -> LedgerEntry | None:
        return None if self.entry_id is None else await load_entry(self.entry_id, info.context)


def to_request(row: RequestRow, context: RequestContext) -> PointsRequest:
    """A request as callers see it."""
    return PointsRequest(
        id=encode(REQUEST, context.ctx.principal.program, row.id),
        status=PointsRequestStatus(row.status),
        points=Points(row.points),
        reason=row.reason,
        expires_at=context.local_or_none(row.expires_at),
        requested_by=row.requested_by,
        requested_at=context.local(row.requested_at),
        decided_by=row.decided_by,
        decided_at=context.local_or_none(row.decided_at),
        member_id=row.member_id,
        entry_id=row.entry_id,
    )


async def load_request(request_id: int, context: RequestContext) -> PointsRequest | None:
    """A request of the caller's program, if the caller may see it."""
    row = await context.loaders.points_request.load(request_id)
    return None if row is None else to_request(row, context)
