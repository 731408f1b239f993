"""Queries of batch files."""

from typing import Annotated

import strawberry

from resolvers.batch import list_batches
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
from schema.types.batch import Batch, to_batch
from schema.types.filter import BatchFilter


@strawberry.type
class BatchQuery:
    @field("The batch files of the program, newest first. A cursor is good under another filter as well.")
    async def batches(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        filter: Annotated[BatchFilter | None, strawberry.argument(description="Only these; null: all.")] = None,
    ) -> Connection[Batch] | None:
        page, only = read_page(first, after), filter or BatchFilter()
        found = await list_batches(
            info.context.ctx,
            first=page.size + 1,
            before_id=read_number_cursor("batches", page),
            number=only.batch_id,
            kind=only.type,
            status=None if only.status is None else only.status.name,
        )
        return connection_of(
            found, page, lambda row: to_batch(row, info.context), lambda row: number_cursor("batches", row.id)
        )
