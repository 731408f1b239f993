"""The query of queued transactions."""

from typing import Annotated
from uuid import UUID

import strawberry

from resolvers.queue import poll_queue
from schema.context import Info
from schema.field import field
from schema.types.queue import TransactionBatch, to_batch


@strawberry.type
class QueueQuery:
    """What `Query` has of queued transactions."""

    @field("Transactions that were queued together, whether over GraphQL or over REST.")
    async def transaction_batch(
        self,
        info: Info,
        batch_id: Annotated[UUID, strawberry.argument(description="What the submission was answered with.")],
    ) -> TransactionBatch | None:
        return to_batch(await poll_queue(info.context.ctx, batch_id))
