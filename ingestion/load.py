"""Loading one file: the same path for the command line and for a file that a partner sent."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from domain.errors import BatchRefused, InvalidRow, TesseraError
from domain.file_terms import FileTerms
from ingestion.columns import Columns, Translate, accept_header, translator
from ingestion.folder import program_folder
from ingestion.handback import has_handback, rewrite_handbacks, write_handback
from ingestion.inspection import FileFacts, inspect_file
from ingestion.naming import FileName, parse_file_name, type_of
from ingestion.reader import Record, Source
from ingestion.refusal import forget_refusals, tell_refusal
from resolvers.batch import (
    HELD,
    IN_FLIGHT,
    REJECTED,
    RUNNING,
    WAITING,
    Batch,
    BatchHeld,
    BatchLine,
    BatchRow,
    BatchTotals,
    FileLayout,
    Lanes,
    find_batch_by_content,
    finish_batch,
    get_batch,
    get_batch_totals,
    get_file_layout,
    note_growth,
    open_batch,
    post_batch_lines,
)
from resolvers.batch_decision import check_batch, note_findings
from resolvers.context import Context
from resolvers.parked_work import settle_parked

CHUNK_ROWS = 500
"""Lines of one database transaction: few enough that a redemption beside it waits no more than a blink."""

_GOES_ON = (WAITING, RUNNING)

_GROWTHS = [CHUNK_ROWS * 10**power for power in range(6)]
"""After so many rows of one file the tables are others than they were."""

_log = logging.getLogger("tessera.ingestion")


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a load is: rows that stand, and bytes of the file read of all that there are."""

    rows: int
    rejected: int
    bytes_read: int
    bytes_total: int


Report = Callable[[Progress], None]
Rest = Callable[[], Awaitable[None]]
"""Waits until the next chunk may come, or raises where none may."""


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
        return await load_batch_file(ctx, path, folder, file_type=file_type, progress=progress)
    except BatchRefused as refusal:
        _log.warning("file refused: %s", refusal.text)
        await tell_refusal(ctx, folder, path.name, type_of(path.name, file_type), refusal)
        raise


async def load_batch_file(
    ctx: Context,
    path: Path,
    folder: Path,
    *,
    file_type: str | None = None,
    known: Batch | None = None,
    progress: Report | None = None,
    rest: Rest | None = None,
    overlaps: bool = True,
) -> BatchSummary:
    """The same into this handback folder, without a handback for a refusal; `rest` comes after each chunk.

    `known`: the batch of the file, where the caller knows it: one that was discarded keeps its content from no other.
    `overlaps`: a chunk may begin while a half of the one before is under way; else `rest` finds nothing under way.
    A file that was held or has ended is not loaded: it gets the handback that it lacks.
    """
    file = await inspect(ctx, path, file_type)
    if known is not None and known.sha256 != file.facts.sha256:
        raise BatchRefused("the file was changed after it was taken")
    loading = _Loading(ctx, file, progress, rest, overlaps)
    batch = known or await find_batch_by_content(ctx, file.facts.sha256)
    if batch is None or batch.status in _GOES_ON or has_handback(folder, batch):
        batch = await loading.run()
    # Else the last run ended between its last row and its handback: only that is left to do.
    if batch.status == HELD and batch.rows_read == 0:
        batch = await loading.find(batch)
    totals = await get_batch_totals(ctx, batch.id)
    with closing(await asyncio.to_thread(file.open)) as source:
        await write_handback(ctx, batch, totals, source, folder, file.columns.ignored)
    await asyncio.to_thread(forget_refusals, folder, path.name)
    # What waited for the members and cards of this file, of whichever type it is: another may have brought them.
    await settle_parked(ctx)
    await rewrite_handbacks(ctx, folder)
    batch, totals = await get_batch(ctx, batch.id), await get_batch_totals(ctx, batch.id)
    return BatchSummary(batch=batch, totals=totals, ignored_columns=file.columns.ignored, handback=folder)


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectedFile:
    """A file whose name, content and header are good: `facts` is what it was then."""

    path: Path
    name: FileName
    layout: FileLayout
    facts: FileFacts
    columns: Columns
    header: bytes

    @property
    def identity(self) -> dict[str, Any]:
        """What a batch of it is opened with."""
        facts = self.facts
        return {
            "file_type": self.name.type,
            "file_name": self.name.name,
            "sha256": facts.sha256,
            "header": self.header,
            "rows_total": facts.rows,
        }

    def open(self) -> Source:
        """The file, as it was inspected. Raises BatchRefused."""
        return _open(self.path, self.name, self.layout.terms, self.facts)


async def inspect(
    ctx: Context, path: Path, file_type: str | None = None, *, promised: str | None = None
) -> InspectedFile:
    """Look at all of a file but its rows. `promised` is the hash that its sender told.

    Raises Forbidden, BatchRefused.
    """
    name = parse_file_name(path.name, file_type)
    layout = await get_file_layout(ctx, name.type)
    facts = await asyncio.to_thread(inspect_file, path, is_gzip=name.is_gzip, promised=promised)
    with closing(await asyncio.to_thread(_open, path, name, layout.terms, facts)) as source:
        columns, header = accept_header(source.header, layout), source.header_raw
    return InspectedFile(path=path, name=name, layout=layout, facts=facts, columns=columns, header=header)


@dataclass(frozen=True, slots=True)
class _Loading:
    """Reads a file for a batch that is running, chunk by chunk."""

    ctx: Context
    file: InspectedFile
    progress: Report | None
    rest: Rest | None
    overlaps: bool

    async def run(self) -> Batch:
        """Open the batch and post what does not stand, unless it is held."""
        batch = await open_batch(self.ctx, **self.file.identity)
        with suppress(BatchHeld):
            if self.file.layout.checks_first and batch.rows_read == 0 and batch.released_at is None:
                batch = await self.check(batch)
            await self.post(batch)
        return await finish_batch(self.ctx, batch.id)

    async def check(self, batch: Batch) -> Batch:
        """Read every row and post none: a file that cannot be read in large part is held before it began."""
        rows = unreadable = 0
        async with aclosing(self._chunks(batch)) as chunks:
            async for lines, _ in chunks:
                rows += len(lines)
                unreadable += sum(isinstance(line.command, TesseraError) for line in lines)
        return await check_batch(self.ctx, batch.id, rows=rows, unreadable=unreadable)

    async def find(self, batch: Batch) -> Batch:
        """Keep what is wrong with the rows of a file that was held before it began: somebody has to decide."""
        async with aclosing(self._chunks(batch)) as chunks:
            async for lines, _ in chunks:
                if bad := [one for one in lines if isinstance(one.command, TesseraError)]:
                    await note_findings(self.ctx, batch.id, bad)
        return await get_batch(self.ctx, batch.id)

    async def post(self, batch: Batch) -> None:
        """Post everything after the restart point. Raises BatchHeld."""
        stands = rows = _restart(batch)
        rejected = batch.rejected
        async with Lanes() as lanes, aclosing(self._chunks(batch)) as chunks:
            async for lines, position in chunks:
                outcomes = await post_batch_lines(self.ctx, batch.id, lines, lanes if self.overlaps else None)
                # All before these lines stands; of these a part may be under way.
                stood, stands = stands, rows if lanes.is_busy else rows + len(lines)
                rows += len(lines)
                await self._note_growth(stood, stands)
                rejected += self._tell(outcomes, stands, rejected, position)
            outcomes = await lanes.end()
            await self._note_growth(stands, rows)
            self._tell(outcomes, rows, rejected, self.file.facts.size)

    async def _note_growth(self, before: int, after: int) -> None:
        if any(before < growth <= after for growth in _GROWTHS):
            await note_growth(self.ctx)

    def _tell(self, outcomes: Sequence[BatchRow], rows: int, rejected: int, position: int) -> int:
        """Report how far it is; how many lines more were rejected."""
        more = sum(outcome.status == REJECTED for outcome in outcomes)
        if outcomes and self.progress is not None:
            size = self.file.facts.size
            self.progress(Progress(rows=rows, rejected=rejected + more, bytes_read=position, bytes_total=size))
        return more

    async def _chunks(self, batch: Batch) -> AsyncGenerator[tuple[list[BatchLine], int], None]:
        """The lines after the restart point, and how many bytes have been read."""
        with closing(await asyncio.to_thread(self.file.open)) as source:
            translate = translator(self.file.columns, batch.file_name)
            read = partial(asyncio.to_thread, _next_lines, islice(source.records(), _restart(batch), None), translate)
            lines = await read()
            while lines:
                _check_unchanged(source, self.file.facts)
                # The next ones are read while these are posted.
                reading = asyncio.create_task(read())
                try:
                    yield lines, source.position
                    if self.rest is not None:
                        await self.rest()
                finally:
                    # Also where nobody goes on: the file is not closed under who reads it.
                    lines = await reading


def _restart(batch: Batch) -> int:
    """How many rows stand for certain: of the last chunks it may be one half alone."""
    return max(0, batch.rows_read - IN_FLIGHT * CHUNK_ROWS)


def _next_lines(records: Iterator[Record], translate: Translate) -> list[BatchLine]:
    return [_line(record, translate) for record in islice(records, CHUNK_ROWS)]


def _line(record: Record, translate: Translate) -> BatchLine:
    if isinstance(record.fields, InvalidRow):
        return BatchLine(line=record.line, command=record.fields, raw=record.raw)
    return translate(record.line, record.fields, record.raw)


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
