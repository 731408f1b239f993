"""Use cases of batch files: open, post chunk by chunk, finish, read."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row

from domain.access import Permission
from domain.errors import BatchRefused
from domain.models import batch as batch_table
from domain.points import from_minor
from domain.store import batch as store
from domain.store import batch_row
from domain.store.ids import allocate_ids
from domain.store.inbox import find_uploads, forget_uploads
from resolvers.batch_line import ACCEPTED, PARKED, REJECTED, BatchRow
from resolvers.batch_record import (
    DISCARDED,
    FINISHED,
    HELD,
    REFUSED,
    RUNNING,
    WAITING,
    Batch,
    BatchTotals,
    FileLayout,
    load_batch,
    name_key,
    to_batch,
    to_batches,
)
from resolvers.context import Context
from resolvers.progress import file_progress, tell_progress

__all__ = [
    "ACCEPTED",
    "DISCARDED",
    "FINISHED",
    "HELD",
    "PARKED",
    "REFUSED",
    "REJECTED",
    "RUNNING",
    "WAITING",
    "Batch",
    "BatchRow",
    "BatchTotals",
    "FileLayout",
    "find_batch_by_content",
    "find_batch_by_name",
    "finish_batch",
    "get_batch",
    "get_batch_totals",
    "get_file_layout",
    "list_batch_rows",
    "list_batches",
    "load_batch",
    "open_batch",
    "to_batch",
    "to_batches",
]

_GOES_ON = (WAITING, RUNNING)
_NONE = Decimal(0)


async def get_file_layout(ctx: Context, file_type: str) -> FileLayout:
    """The columns that the program's own attributes add to a file type. Raises Forbidden."""
    ctx.principal.require(Permission.BATCH_WRITE)
    configuration = (await ctx.read(ctx.program)).configuration
    own = {"CPD": configuration.member_attributes, "TXN": configuration.transaction_attributes}.get(file_type, ())
    return FileLayout(
        type=file_type,
        custom_keys=frozenset(definition.key for definition in own),
        ignore_unknown=configuration.program.ignore_unknown_attributes,
        terms=configuration.files,
    )


async def open_batch(
    ctx: Context,
    *,
    file_type: str,
    file_name: str,
    sha256: str,
    header: bytes = b"",
    rows_total: int | None = None,
    waits: bool = False,
) -> Batch:
    """A new batch, or the unfinished one of the same content, to go on with; `waits`: not yet.

    One that was uploaded by hand may be held from the start. `header`: the first line as it came; `rows_total`: how
    many lines follow it, None where nobody counted. Raises Forbidden, BatchRefused (name or content seen before).
    """
    ctx.principal.require(Permission.BATCH_WRITE)
    now = ctx.services.clock()

    def body(tx: Connection) -> Batch:
        values = _new_batch(file_type, file_name, sha256)
        uploaded_by, is_held = find_uploads(tx, ctx.principal.program, values["name_key"])
        values |= {
            "program_id": ctx.principal.program,
            "id": allocate_ids(tx, batch_table, ctx.principal.program, 1)[0],
            "actor": ctx.principal.actor,
            "uploaded_by": uploaded_by or None,
            "status": HELD if is_held else WAITING,
            "started_at": now,
            "rows_total": rows_total,
            "header": header,
        }
        batch_id: int = values["id"]
        if store.insert_batch(tx, values):
            forget_uploads(tx, ctx.principal.program, values["name_key"], uploaded_by)
        else:
            standing = store.find_batches(tx, ctx.principal.program, sha256=sha256, name_key=values["name_key"])
            batch_id = _to_go_on_with(standing, file_type, sha256).id
        if not waits:
            store.start_batch(tx, ctx.principal.program, batch_id, now)
        return load_batch(tx, ctx, batch_id)

    return await ctx.write(body)


async def finish_batch(ctx: Context, batch_id: int) -> Batch:
    """Mark the batch as finished, unless it is held; harmless if it has ended. Raises Forbidden, RedemptionNotFound."""
    ctx.principal.require(Permission.BATCH_WRITE)
    now = ctx.services.clock()

    def body(tx: Connection) -> Batch:
        if store.finish_batch(tx, ctx.principal.program, batch_id, now):
            finished = store.load_batch(tx, ctx.principal.program, batch_id)
            assert finished is not None  # noqa: S101 - it was updated just now
            tell_progress(tx, ctx.principal.program, file_progress(finished), now)
        return load_batch(tx, ctx, batch_id)

    return await ctx.write(body)


async def get_batch(ctx: Context, batch_id: int) -> Batch:
    """One batch of the caller's program. Raises Forbidden, RedemptionNotFound (123: no such request)."""
    ctx.principal.require(Permission.BATCH_READ)
    return await ctx.read(lambda tx: load_batch(tx, ctx, batch_id))


async def find_batch_by_content(ctx: Context, sha256: str) -> Batch | None:
    """The batch that keeps this content from others, if the caller's program has one. Raises Forbidden."""
    return await _find_batch(ctx, sha256, "")


async def find_batch_by_name(ctx: Context, file_name: str) -> Batch | None:
    """The same of a file of this name, case and suffix aside. Raises Forbidden."""
    return await _find_batch(ctx, "", name_key(file_name))


async def _find_batch(ctx: Context, sha256: str, key: str) -> Batch | None:
    ctx.principal.require(Permission.BATCH_READ)

    def body(tx: Connection) -> Batch | None:
        found = store.find_batches(tx, ctx.principal.program, sha256=sha256, name_key=key)
        return next(iter(to_batches(found, ctx.program(tx))), None)

    return await ctx.read(body)


async def get_batch_totals(ctx: Context, batch_id: int) -> BatchTotals:
    """The sums over the lines of a batch. Raises Forbidden, RedemptionNotFound."""
    ctx.principal.require(Permission.BATCH_READ)

    def body(tx: Connection) -> BatchTotals:
        load_batch(tx, ctx, batch_id)
        places = ctx.program(tx).places
        awarded, taken = batch_row.sum_points(tx, ctx.principal.program, batch_id)
        return BatchTotals(
            awarded=from_minor(awarded, places),
            taken=from_minor(taken, places),
            rejected_by_code=batch_row.count_rejects(tx, ctx.principal.program, batch_id),
        )

    return await ctx.read(body)


async def list_batches(
    ctx: Context,
    *,
    first: int = 50,
    before_id: int | None = None,
    number: int | None = None,
    kind: str | None = None,
    status: str | None = None,
) -> list[Batch]:
    """The newest batches of the caller's program: of one number, type or status if asked for. Raises Forbidden."""
    ctx.principal.require(Permission.BATCH_READ)

    def body(tx: Connection) -> list[Batch]:
        state = ctx.program(tx)
        found = store.page_batches(
            tx, ctx.principal.program, first=first, before_id=before_id, number=number, kind=kind, status=status
        )
        return to_batches(found, state)

    return await ctx.read(body)


async def list_batch_rows(
    ctx: Context, batch_id: int, *, after_line: int = 0, limit: int = 1000, status: str | None = None
) -> list[BatchRow]:
    """A page of line outcomes in the order of the file, of one status if asked for. Raises Forbidden."""
    ctx.principal.require(Permission.BATCH_READ)

    def body(tx: Connection) -> list[BatchRow]:
        places = ctx.program(tx).places
        found = batch_row.page_rows(
            tx, ctx.principal.program, batch_id, after_line=after_line, limit=limit, status=status
        )
        return [
            BatchRow(
                line=line,
                status=status,
                code=code,
                message=message,
                points=from_minor(points, places) if points else _NONE,
                external_reference=reference,
            )
            for line, status, code, message, points, reference in found
        ]

    return await ctx.read(body)


def _new_batch(file_type: str, file_name: str, sha256: str) -> dict[str, Any]:
    return {
        "type": file_type,
        "file_name": file_name,
        "name_key": name_key(file_name),
        "sha256": sha256,
        "status": WAITING,
        **dict.fromkeys(("rows_read", "accepted", "rejected", "points"), 0),
        "amount": Decimal(0),
        "finished_at": None,
    }


def _to_go_on_with(standing: Sequence[Row[Any]], file_type: str, sha256: str) -> Row[Any]:
    """The unfinished batch of this content; everything else is refused."""
    for row in standing:
        if row.sha256 == sha256 and row.status in _GOES_ON and row.type == file_type:
            return row
    seen = next((row for row in standing if row.sha256 == sha256), standing[0])
    same = "content" if seen.sha256 == sha256 else "name"
    raise BatchRefused(
        f"the same {same} came before as batch {seen.id}, {seen.file_name} of type {seen.type}, "
        f"started {seen.started_at:%Y-%m-%d %H:%M:%S} UTC, {seen.status.lower()}"
    )
