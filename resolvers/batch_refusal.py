"""Use cases of files that are refused whole: they stand in the list of files, with the reason, for a time."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import BatchRefused
from domain.models import batch as batch_table
from domain.store import batch as store
from domain.store.batch_refusal import forget_refusals
from domain.store.ids import allocate_ids
from domain.store.inbox import forget_old_uploads
from resolvers.batch_record import REFUSED, Batch, load_batch
from resolvers.context import Context


async def refuse_file(ctx: Context, file_name: str, file_type: str, refusal: BatchRefused) -> Batch:
    """Write down that a file was refused, in place of the same refusal before. `file_type`: empty where unknown.

    Raises Forbidden.
    """
    ctx.principal.require(Permission.BATCH_WRITE)
    program_id, now = ctx.principal.program, ctx.services.clock()
    # Whatever bytes it was sent under.
    name = ascii(file_name)[1:-1]
    values = {
        "type": file_type,
        "file_name": name,
        "name_key": "",
        "sha256": "",
        "status": REFUSED,
        "keeps_name": False,
        "code": refusal.code,
        "message": refusal.text,
        **dict.fromkeys(("rows_read", "accepted", "rejected", "points"), 0),
        "amount": Decimal(0),
        "actor": ctx.principal.actor,
        "started_at": now,
        "finished_at": now,
    }

    def body(tx: Connection) -> Batch:
        forget_refusals(tx, program_id, same_as=(name, refusal.text))
        number = allocate_ids(tx, batch_table, program_id, 1)[0]
        store.insert_batch(tx, values | {"program_id": program_id, "id": number})
        return load_batch(tx, ctx, number)

    return await ctx.write(body)


async def forget_old_refusals(ctx: Context) -> int:
    """Delete what was refused so long ago that its handback is gone, and uploads that never came. Raises Forbidden."""
    ctx.principal.require(Permission.BATCH_WRITE)

    def body(tx: Connection) -> int:
        days = ctx.program(tx).configuration.files.retention_days
        before = ctx.services.clock() - timedelta(days=days)
        forget_old_uploads(tx, ctx.principal.program, before)
        return forget_refusals(tx, ctx.principal.program, before=before)

    return await ctx.write(body)
