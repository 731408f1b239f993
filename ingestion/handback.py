"""What a partner gets back for a file: outcomes by line, the rejected rows, a summary.

Everything is written from the stored outcomes, so that a restart writes all of it, and under another
name first, so that nobody ever sees half a file. The summary comes last: where it stands, all stands.
"""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from domain.points import plain, plain_text
from ingestion.reader import Record, Source
from ingestion.whole import whole_file
from resolvers.batch import (
    REJECTED,
    Batch,
    BatchRow,
    BatchTotals,
    get_batch,
    get_batch_totals,
    list_batch_rows,
)
from resolvers.batch_report import list_late_rejects, list_unreported_batches, mark_batch_reported
from resolvers.cell import harmless
from resolvers.context import Context

REJECTS = "rejects.csv"
SUFFIXES = ("summary.json", "result.csv", REJECTS, f"parked.{REJECTS}")
"""What the results of a file are called, behind its name."""
_PAGE = 2000
_COLUMNS = ("line", "status", "code", "message", "points", "external_reference")


def has_handback(folder: Path, batch: Batch) -> bool:
    """Whether the results of a batch have been put out, whole, and as it stands now."""
    try:
        summary = orjson.loads(_path(folder, batch, "summary.json").read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return False
    return bool(summary["batch_id"] == batch.id and summary["status"] == batch.status)


async def write_handback(
    ctx: Context, batch: Batch, totals: BatchTotals, source: Source, folder: Path, ignored: Sequence[str]
) -> None:
    """Write the three files of a batch as it stands; `source` is the file itself, not read yet."""
    end = _line_end(source.header_raw)
    with (
        whole_file(_path(folder, batch, "result.csv")) as result,
        whole_file(_path(folder, batch, "rejects.csv")) as rejects,
    ):
        result.write(_csv([_COLUMNS]))
        rejects.write(_ended(source.header_raw, end))
        records = source.records()
        async for rows in _pages(ctx, batch):
            result.write(_outcomes(rows))
            if rejected := [row.line for row in rows if row.status == REJECTED]:
                late = await list_late_rejects(ctx, batch.id, after_line=rejected[0] - 1, limit=_PAGE)
                mine = [line for line in rejected if line not in late]
                await asyncio.to_thread(_copy_rejects, mine, records, end, rejects)
    with whole_file(_path(folder, batch, "summary.json")) as file:
        file.write(summary_bytes(batch, totals, ignored))


async def rewrite_handbacks(ctx: Context, folder: Path) -> int:
    """Write anew what is told of files of which lines waited, and were decided on since; of how many files.

    The rejected rows of the load stay as they were, and may have been sent again: those that were rejected since stand
    in a file of their own. One whose handback was never written is left to its load.
    """
    written = 0
    for batch in await list_unreported_batches(ctx):
        if not await asyncio.to_thread(has_handback, folder, batch):
            continue
        while not await _rewrite(ctx, batch, folder):
            # Somebody decided on more of its lines meanwhile.
            batch = await get_batch(ctx, batch.id)
        written += 1
    return written


async def _rewrite(ctx: Context, batch: Batch, folder: Path) -> bool:
    summary = _path(folder, batch, "summary.json")
    ignored = (await asyncio.to_thread(lambda: orjson.loads(summary.read_bytes()))).get("ignored_columns", [])
    with whole_file(_path(folder, batch, "result.csv")) as result:
        result.write(_csv([_COLUMNS]))
        async for rows in _pages(ctx, batch):
            result.write(_outcomes(rows))
    await _write_late_rejects(ctx, batch, folder)
    totals = await get_batch_totals(ctx, batch.id)
    with whole_file(summary) as file:
        file.write(summary_bytes(batch, totals, ignored))
    return await mark_batch_reported(ctx, batch)


async def _write_late_rejects(ctx: Context, batch: Batch, folder: Path) -> None:
    page = await list_late_rejects(ctx, batch.id, limit=_PAGE)
    if not page:
        return
    end = _line_end(batch.header)
    with whole_file(_path(folder, batch, "parked.rejects.csv")) as rejects:
        rejects.write(_ended(batch.header, end))
        while page:
            rejects.writelines(_ended(raw, end) for raw in page.values())
            page = await list_late_rejects(ctx, batch.id, after_line=max(page), limit=_PAGE)


async def _pages(ctx: Context, batch: Batch) -> AsyncIterator[list[BatchRow]]:
    after = 0
    while rows := await list_batch_rows(ctx, batch.id, after_line=after, limit=_PAGE):
        after = rows[-1].line
        yield rows


def summary_document(batch: Batch, totals: BatchTotals, ignored: Sequence[str]) -> dict[str, Any]:
    """The summary of a batch, as it is written and printed."""
    return {
        "file": batch.file_name,
        "type": batch.type,
        "batch_id": batch.id,
        "status": batch.status,
        "sha256": batch.sha256,
        "code": batch.code,
        "message": batch.message,
        "rows": batch.decided,
        "accepted": batch.accepted,
        "rejected": batch.rejected,
        "parked": batch.parked,
        "pending": batch.pending,
        "rejected_by_code": dict(totals.rejected_by_code),
        "amount": plain(batch.amount),
        "amount_purchases": plain(batch.amount - batch.refunded),
        "amount_refunds": plain(batch.refunded),
        "points_awarded": plain(totals.awarded),
        "points_taken": plain(totals.taken),
        "ignored_columns": [ascii(column)[1:-1] for column in ignored],
        "started_at": _utc(batch.started_at),
        "finished_at": None if batch.finished_at is None else _utc(batch.finished_at),
    }


def summary_bytes(batch: Batch, totals: BatchTotals, ignored: Sequence[str]) -> bytes:
    """The summary of a batch as a file."""
    return orjson.dumps(
        summary_document(batch, totals, ignored), _number, orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    )


def _outcomes(rows: Sequence[BatchRow]) -> bytes:
    # Of few messages most rows have one, and nothing else needs quotes.
    told = {message: _cell(harmless(message)) for message in {row.message for row in rows}}
    lines = [
        f"{row.line},{row.status},{row.code},{told[row.message]},{plain_text(row.points)},"
        f"{'' if row.external_reference is None else str(row.external_reference).upper()}\r\n"
        for row in rows
    ]
    return "".join(lines).encode()


def _copy_rejects(lines: Sequence[int], records: Iterator[Record], end: bytes, rejects: BinaryIO) -> None:
    """Copy the rejected rows as they came: they are to be corrected and sent again, not shown."""
    for line in lines:
        rejects.write(_ended(next(r.raw for r in records if r.line == line), end))


def _line_end(header: bytes) -> bytes:
    return b"\r\n" if header.endswith(b"\r\n") else b"\n"


def _ended(raw: bytes, end: bytes) -> bytes:
    """The bytes of a row with an end of line, which the last one of a file may lack."""
    return raw if raw.endswith(b"\n") else raw + end


def _cell(text: str) -> str:
    # Behind another: alone in its row an empty one would be quoted.
    return _csv([["", text]]).decode().removesuffix("\r\n")[1:]


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _number(value: Any) -> orjson.Fragment:
    """A decimal as a number, digit for digit: a float would lose some."""
    if not isinstance(value, Decimal):
        raise TypeError
    return orjson.Fragment(plain_text(value))


def _utc(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _path(folder: Path, batch: Batch, suffix: str) -> Path:
    return folder / f"{batch.file_name.split('.', 1)[0]}.{suffix}"
