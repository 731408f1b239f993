"""Loading one file: the same path for the command line and for a file that a partner sent."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from domain.errors import BatchRefused, InvalidRow
from domain.file_terms import FileTerms
from ingestion.columns import Columns, Translate, accept_header, translator
from ingestion.folder import program_folder
from ingestion.handback import forget_refusal, has_handback, rewrite_handbacks, write_handback, write_refusal
from ingestion.naming import FileName, parse_file_name
from ingestion.reader import FileFacts, Record, Source, inspect_file
from resolvers.batch import (
    FINISHED,
    Batch,
    BatchLine,
    BatchTotals,
    find_batch_by_content,
    finish_batch,
    get_batch,
    get_batch_totals,
    get_file_layout,
    open_batch,
    post_batch_lines,
)
from resolvers.context import Context
from resolvers.parked_work import settle_parked

CHUNK_ROWS = 500
"""Lines of one database transaction: few enough that a redemption beside it waits no more than a blink."""

_log = logging.getLogger("tessera.ingestion")


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a load is: rows that stand, and bytes of the file read of all that there are."""

    rows: int
    rejected: int
    bytes_read: int
    bytes_total: int


Report = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchSummary:
    """A loaded file: the batch, its sums, the columns nobody knew, and where the results lie."""

    batch: Batch
    totals: BatchTotals
    ignored_columns: tuple[str, ...]
    handback: Path


async def load_file(
    ctx: Context, path: Path, *, data_dir: Path, file_type: str | None = None, progress: Report | None = None
) -> BatchSummary:
    """Load one file to its end and hand back the results; a load that broke off goes on where it was.

    `file_type` names the type where the name of the file does not. Raises Forbidden, BatchRefused
    (which a handback says as well), ServiceUnavailable (run it again).
    """
    folder = program_folder(data_dir, ctx.principal).handback
    try:
        return await _load(ctx, path, folder, file_type, progress)
    except BatchRefused as refusal:
        _log.warning("file refused: %s", refusal.text)
        await asyncio.to_thread(write_refusal, folder, path.name, refusal, ctx.services.clock())
        raise


async def _load(ctx: Context, path: Path, folder: Path, file_type: str | None, progress: Report | None) -> BatchSummary:
    name = parse_file_name(path.name, file_type)
    layout = await get_file_layout(ctx, name.type)
    opening = partial(_open, path, name, layout.terms)
    facts = await asyncio.to_thread(inspect_file, path, is_gzip=name.is_gzip)
    batch = await find_batch_by_content(ctx, facts.sha256)
    with closing(await asyncio.to_thread(opening, facts)) as source:
        columns = accept_header(source.header, layout)
        if batch is None or batch.status != FINISHED or has_handback(folder, batch):
            batch = await open_batch(
                ctx, file_type=name.type, file_name=name.name, sha256=facts.sha256, header=source.header_raw
            )
            await _post(ctx, batch, source, columns, facts, progress)
            batch = await finish_batch(ctx, batch.id)
        # Else the last run ended between its last row and its handback: only that is left to do.
    totals = await get_batch_totals(ctx, batch.id)
    with closing(await asyncio.to_thread(opening, facts)) as source:
        await write_handback(ctx, batch, totals, source, folder, columns.ignored)
    await asyncio.to_thread(forget_refusal, folder, path.name)
    # What waited for the members and cards of this file, of whichever type it is: another may have brought them.
    await settle_parked(ctx)
    await rewrite_handbacks(ctx, folder)
    batch, totals = await get_batch(ctx, batch.id), await get_batch_totals(ctx, batch.id)
    return BatchSummary(batch=batch, totals=totals, ignored_columns=columns.ignored, handback=folder)


async def _post(
    ctx: Context, batch: Batch, source: Source, columns: Columns, facts: FileFacts, progress: Report | None
) -> None:
    """Post everything after the restart point, chunk by chunk."""
    translate = translator(columns, batch.file_name)
    records = islice(source.records(), batch.rows_read, None)
    rows, rejected = batch.rows_read, batch.rejected
    while lines := await asyncio.to_thread(_next_lines, records, translate):
        _check_unchanged(source, facts)
        outcomes = await post_batch_lines(ctx, batch.id, lines)
        rows += len(lines)
        rejected += sum(outcome.status == "REJECTED" for outcome in outcomes)
        if progress is not None:
            progress(Progress(rows=rows, rejected=rejected, bytes_read=source.position, bytes_total=facts.size))


def _next_lines(records: Iterator[Record], translate: Translate) -> list[BatchLine]:
    return [_line(record, translate) for record in islice(records, CHUNK_ROWS)]


def _line(record: Record, translate: Translate) -> BatchLine:
    if isinstance(record.fields, InvalidRow):
        return BatchLine(line=record.line, command=record.fields, raw=record.raw)
    return replace(translate(record.line, record.fields), raw=record.raw)


def _open(path: Path, name: FileName, terms: FileTerms, facts: FileFacts) -> Source:
    source = Source(path, is_gzip=name.is_gzip, terms=terms)
    try:
        _check_unchanged(source, facts)
    except BatchRefused:
        source.close()
        raise
    return source


def _check_unchanged(source: Source, facts: FileFacts) -> None:
    # What is posted must be what was hashed: a line's outcome hangs on the hash of the file and its number.
    if source.stamp != facts.stamp:
        raise BatchRefused("the file was changed while it was read")
