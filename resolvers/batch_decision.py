"""Use cases of files over the reject limit: checked before anything is posted, released, discarded."""

from collections.abc import Callable

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import Forbidden, RedemptionNotFound, RequestNotPending
from domain.store import audit
from domain.store import batch as store
from resolvers.batch_record import HELD, RUNNING, WAITING, Batch, load_batch
from resolvers.context import Context
from resolvers.independence import require_independent
from resolvers.progress import file_progress, tell_progress
from resolvers.reject_limit import is_over


async def check_batch(ctx: Context, batch_id: int, *, rows: int, unreadable: int) -> Batch:
    """What was found when all rows of a running batch were read and none posted: over the limit it is held.

    `unreadable` rows are refused whatever the ledger says. Raises Forbidden, RedemptionNotFound.
    """
    ctx.principal.require(Permission.BATCH_WRITE)

    def body(tx: Connection) -> Batch:
        locked = store.lock_batch(tx, ctx.principal.program, batch_id)
        if locked is None:
            raise RedemptionNotFound("no such batch")
        limit = ctx.program(tx).configuration.files.reject_limit_percent
        store.keep_total(tx, locked.program_id, batch_id, rows)
        if locked.released_at is None and is_over(limit, rejected=unreadable, rows=rows):
            store.hold_batch(tx, locked.program_id, batch_id)
        return load_batch(tx, ctx, batch_id)

    return await ctx.write(body)


async def release_batch(ctx: Context, batch_id: int) -> Batch:
    """Let a held batch be gone on with at the first row that does not stand, however many are rejected.

    One that was uploaded by hand and has not begun begins, by anybody independent of who uploaded it.
    Raises Forbidden, SecondFactorNeeded, RedemptionNotFound (123: no such request), DeciderNotIndependent,
    RequestNotPending (it is not held).
    """
    now = ctx.services.clock()

    def release(tx: Connection, batch: Batch) -> bool:
        if batch.wants_approval:
            _require_another(tx, ctx, batch)
        # Nobody has decided yet about lines that are rejected in what has not begun.
        released_at = None if batch.wants_approval else now
        return store.release_batch(tx, ctx.principal.program, batch_id, released_at)

    return await _decide(ctx, batch_id, "batch.release", release)


def _require_another(tx: Connection, ctx: Context, batch: Batch) -> None:
    """Raise Forbidden, DeciderNotIndependent."""
    if ctx.principal.actor in batch.uploaded_by:
        raise Forbidden("who uploads a file does not release it")
    for one in batch.uploaded_by:
        require_independent(tx, ctx, one)


async def discard_batch(ctx: Context, batch_id: int) -> Batch:
    """End a held batch: what stands of it stays, and nothing else is posted. Raises as `release_batch` does."""
    now = ctx.services.clock()
    return await _decide(
        ctx,
        batch_id,
        "batch.discard",
        lambda tx, _: store.discard_batch(tx, ctx.principal.program, batch_id, (HELD,), now),
    )


async def give_up_batch(ctx: Context, batch_id: int) -> Batch:
    """End a batch whose file cannot be read any further; harmless if it has ended. Raises Forbidden."""
    ctx.principal.require(Permission.BATCH_WRITE)
    now = ctx.services.clock()

    def body(tx: Connection) -> Batch:
        if store.discard_batch(tx, ctx.principal.program, batch_id, (WAITING, RUNNING), now):
            _tell(tx, ctx, batch_id)
        return load_batch(tx, ctx, batch_id)

    return await ctx.write(body)


async def _decide(ctx: Context, batch_id: int, action: str, change: Callable[[Connection, Batch], bool]) -> Batch:
    ctx.principal.require(Permission.BATCH_DECIDE)
    ctx.principal.require_proof()

    def body(tx: Connection) -> Batch:
        before = load_batch(tx, ctx, batch_id)
        if not change(tx, before):
            raise RequestNotPending(f"the file is {before.status.lower()}, not held")
        after = load_batch(tx, ctx, batch_id)
        audit.record(
            tx,
            ctx.principal.program,
            now=ctx.services.clock(),
            actor=ctx.principal,
            action=action,
            subject=f"batch:{batch_id}",
            before={"status": before.status},
            after={"status": after.status},
        )
        _tell(tx, ctx, batch_id)
        return after

    return await ctx.write(body)


def _tell(tx: Connection, ctx: Context, batch_id: int) -> None:
    row = store.load_batch(tx, ctx.principal.program, batch_id)
    if row is not None:
        tell_progress(tx, ctx.principal.program, file_progress(row), ctx.services.clock())
