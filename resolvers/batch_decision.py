"""Use cases of files over the reject limit: checked before anything is posted, released, discarded."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import (
    BatchRefused,
    Forbidden,
    MemberNotFound,
    RedemptionNotFound,
    RequestNotPending,
    TesseraError,
)
from domain.store import audit
from domain.store import batch as store
from domain.store import batch_refusal as refusal_store
from domain.store.parked import forget_waiting
from resolvers.batch_line import BatchLine, not_standing, stored_row, to_row
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


async def note_findings(ctx: Context, batch_id: int, lines: Sequence[BatchLine]) -> None:
    """Keep what is wrong with some lines of a batch that was held before it began, for who decides about it.

    Harmless if they are known, or it is not held any more. Raises Forbidden, RedemptionNotFound.
    """
    ctx.principal.require(Permission.BATCH_WRITE)

    def body(tx: Connection) -> None:
        locked = store.lock_batch(tx, ctx.principal.program, batch_id)
        if locked is None:
            raise RedemptionNotFound("no such batch")
        if locked.status == HELD and locked.rows_read == 0:
            places = ctx.program(tx).places
            bad = [(one.line, one.command) for one in not_standing(tx, locked, lines)]
            rows = [to_row(line, refusal) for line, refusal in bad if isinstance(refusal, TesseraError)]
            refusal_store.add_findings(tx, locked, [stored_row(row, places) for row in rows])

    await ctx.write(body)


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
        done = store.release_batch(tx, ctx.principal.program, batch_id, released_at)
        if done:
            # Its lines are read again, and the rules may be others by then.
            refusal_store.forget_findings(tx, ctx.principal.program, batch_id)
        return done

    return await _decide(ctx, batch_id, "batch.release", release)


def _require_another(tx: Connection, ctx: Context, batch: Batch) -> None:
    """Raise Forbidden, DeciderNotIndependent."""
    if ctx.principal.actor in batch.uploaded_by:
        raise Forbidden("who uploads a file does not release it")
    for one in batch.uploaded_by:
        require_independent(tx, ctx, one)


async def discard_batch(ctx: Context, batch_id: int) -> Batch:
    """End a held batch: what stands of it stays, and nothing else is posted, nor what waits for its member.

    Raises as `release_batch` does.
    """
    return await _decide(ctx, batch_id, "batch.discard", lambda tx, _: _discard(tx, ctx, batch_id, (HELD,)))


async def give_up_batch(ctx: Context, batch_id: int, refusal: BatchRefused) -> Batch:
    """End a batch whose file cannot be read any further; harmless if it has ended. Raises Forbidden."""
    ctx.principal.require(Permission.BATCH_WRITE)

    def body(tx: Connection) -> Batch:
        if _discard(tx, ctx, batch_id, (WAITING, RUNNING), refusal):
            _tell(tx, ctx, batch_id)
        return load_batch(tx, ctx, batch_id)

    return await ctx.write(body)


def _discard(
    tx: Connection, ctx: Context, batch_id: int, statuses: Sequence[str], refusal: BatchRefused | None = None
) -> bool:
    """End a batch in one of these statuses, with its lines that wait; whether it was in one."""
    program_id, now = ctx.principal.program, ctx.services.clock()
    code, message = (None, None) if refusal is None else (refusal.code, refusal.text)
    if not store.discard_batch(tx, program_id, batch_id, statuses, now, code, message):
        return False
    refusal_store.reject_parked(tx, program_id, batch_id, MemberNotFound("the file was discarded").text)
    forget_waiting(tx, program_id, batch_id)
    return True


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
