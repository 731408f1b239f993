"""Use cases of handbacks: which have to be written anew, and what rejected lines were, when the file is away."""

from collections.abc import Mapping

from sqlalchemy import Connection

from domain.access import Permission
from domain.store import batch as store
from domain.store import parked as parked_store
from resolvers.batch import Batch, to_batch
from resolvers.context import Context
from resolvers.parking import raw_of


async def list_unreported_batches(ctx: Context) -> list[Batch]:
    """Finished batches of which outcomes changed since their handback was written. Raises Forbidden."""
    ctx.principal.require(Permission.BATCH_READ)

    def body(tx: Connection) -> list[Batch]:
        state = ctx.program(tx)
        return [to_batch(row, state) for row in store.unreported_batches(tx, ctx.principal.program)]

    return await ctx.read(body)


async def mark_batch_reported(ctx: Context, batch: Batch) -> bool:
    """Note that the handback tells the outcomes of this revision; False where there is another by now.

    Raises Forbidden.
    """
    ctx.principal.require(Permission.BATCH_WRITE)
    return await ctx.write(lambda tx: store.mark_reported(tx, ctx.principal.program, batch.id, batch.revision))


async def list_late_rejects(
    ctx: Context, batch_id: int, *, after_line: int = 0, limit: int = 1000
) -> Mapping[int, bytes]:
    """A page of the lines that were rejected after their file was finished, with their bytes, in order.

    Raises Forbidden.
    """
    ctx.principal.require(Permission.BATCH_READ)
    keys = ctx.services.keys

    def body(tx: Connection) -> Mapping[int, bytes]:
        found = parked_store.late_rejects(tx, ctx.principal.program, batch_id, after_line=after_line, limit=limit)
        return {row.line: raw_of(keys, row.raw) for row in found}

    return await ctx.read(body)
