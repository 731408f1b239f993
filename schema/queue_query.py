"""The queries of transactions that wait: for their turn, or for a decision."""

from typing import Annotated
from uuid import UUID

import strawberry

from resolvers.queue import poll_queue
from resolvers.review import list_held
from schema.connection import (
    After,
    Connection,
    First,
    connection_of,
    number_cursor,
    read_number_cursor,
    read_page,
)
from schema.context import Info
from schema.field import field
from schema.types.held import HeldStatus, HeldTransaction, to_held
from schema.types.queue import TransactionBatch, to_batch


@strawberry.type
class QueueQuery:
    """What `Query` has of transactions that wait."""

    @field("Transactions that were queued together, whether over GraphQL or over REST.")
    async def transaction_batch(
        self,
        info: Info,
        batch_id: Annotated[UUID, strawberry.argument(description="What the submission was answered with.")],
    ) -> TransactionBatch | None:
        return to_batch(await poll_queue(info.context.ctx, batch_id))

    @field("Transactions that were held for review, newest first. For those who may decide about them.")
    async def held_transactions(
        self,
        info: Info,
        status: Annotated[HeldStatus | None, strawberry.argument(description="Only these; null: all.")] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[HeldTransaction] | None:
        context, page = info.context, read_page(first, after)
        found = await list_held(
            context.ctx,
            status=None if status is None else status.name,
            first=page.size + 1,
            before_id=read_number_cursor("held", page),
        )
        return connection_of(found, page, lambda row: to_held(row, context), lambda row: number_cursor("held", row.id))
