"""Transactions that were accepted for later."""

from enum import Enum
from uuid import UUID

import strawberry

from resolvers.queue import FAILED, ON_HOLD, PARTIAL_HOLD, PENDING, SUCCESS, PolledBatch, PolledItem
from schema.connection import (
    After,
    Connection,
    Edge,
    First,
    cut,
    number_cursor,
    page_info,
    read_number_cursor,
    read_page,
)
from schema.field import field
from schema.scalar import Points
from schema.types.refusal import Refusal, to_refusal


@strawberry.enum(description="What became of a queued transaction.")
class QueuedStatus(Enum):
    PENDING = strawberry.enum_value(PENDING, description="It waits.")
    SUCCESS = strawberry.enum_value(SUCCESS, description="It was posted.")
    FAILED = strawberry.enum_value(FAILED, description="It was refused; nothing of it was posted.")
    ON_HOLD = strawberry.enum_value(ON_HOLD, description="It waits for a decision; nothing of it was posted.")
    PARTIAL_HOLD = strawberry.enum_value(PARTIAL_HOLD, description="A part was posted, the rest waits for a decision.")


@strawberry.type(description="One queued transaction.")
class QueuedTransaction:
    request_id: UUID = strawberry.field(description="What it is called in its batch.")
    status: QueuedStatus = strawberry.field(description="What became of it.")
    points: Points = strawberry.field(description="What was posted; what a refund took back, negative.")
    error: Refusal | None = strawberry.field(description="Why it failed; null if it did not.")


@strawberry.type(description="Transactions that were queued together.")
class TransactionBatch:
    batch_id: UUID = strawberry.field(description="What it is asked for by.")
    total: int = strawberry.field(description="How many transactions it has.")
    pending: int = strawberry.field(description="How many wait.")
    failed: int = strawberry.field(description="How many were refused.")
    points: Points = strawberry.field(description="What was posted for all of them, net.")
    items: strawberry.Private[list[PolledItem]]

    @field("What became of each, in their order.")
    def results(self, first: First = None, after: After = None) -> Connection[QueuedTransaction] | None:
        page = read_page(first, after)
        start = read_number_cursor("queued", page) or 0
        found, has_more = cut(self.items[start : start + page.size + 1], page)
        edges = [
            Edge(node=_to_queued(one), cursor=number_cursor("queued", place))
            for place, one in enumerate(found, start=start + 1)
        ]
        return Connection(edges=edges, page_info=page_info(edges, page, has_more))


def to_batch(batch: PolledBatch) -> TransactionBatch:
    """A batch as callers see it."""
    return TransactionBatch(
        batch_id=batch.batch_id,
        total=len(batch.items),
        pending=batch.counts.get(PENDING, 0),
        failed=batch.counts.get(FAILED, 0),
        points=Points(batch.points),
        items=list(batch.items),
    )


def _to_queued(item: PolledItem) -> QueuedTransaction:
    return QueuedTransaction(
        request_id=item.request_id,
        status=QueuedStatus(item.status),
        points=Points(item.points),
        error=None if item.error is None else to_refusal(item.error),
    )
