"""Merges of members."""

from datetime import datetime

import strawberry

from resolvers.merge import MergePreview as PreviewRow
from resolvers.merge_record import Merge as MergeRow
from schema.context import RequestContext
from schema.global_id import MERGE, encode
from schema.scalar import Points


@strawberry.type(description="Two members that became one.")
class Merge:
    id: strawberry.ID = strawberry.field(description="The global id, to undo it by.")
    points: Points = strawberry.field(description="What moved to the survivor; negative where debts did.")
    merged_at: datetime = strawberry.field(description="When.")
    undone_at: datetime | None = strawberry.field(description="When it was undone; null while it stands.")


@strawberry.type(description="What a merge would move.")
class MergePreview:
    points: Points = strawberry.field(description="The points that would move, less debts.")
    pending: Points = strawberry.field(description="What of them is not available yet.")
    arrears: Points = strawberry.field(description="The debts among them.")
    lots: int = strawberry.field(description="In how many lots.")
    refused: str | None = strawberry.field(description="Why the merge would be refused; null: it would not.")


def to_merge(row: MergeRow, context: RequestContext) -> Merge:
    """A merge as callers see it."""
    return Merge(
        id=encode(MERGE, context.ctx.principal.program, row.id),
        points=Points(row.points),
        merged_at=context.local(row.merged_at),
        undone_at=context.local_or_none(row.undone_at),
    )


def to_preview(row: PreviewRow) -> MergePreview:
    """A preview as callers see it."""
    return MergePreview(
        points=Points(row.points),
        pending=Points(row.pending),
        arrears=Points(row.arrears),
        lots=row.lots,
        refused=row.refused,
    )
