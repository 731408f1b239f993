"""Loading one file: the same path for the command line and for a file that a partner sent."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from domain.errors import BatchRefused, InvalidRow, TesseraError
from domain.file_terms import MOST_LANES
from ingestion.columns import Translate, translator
from ingestion.folder import program_folder
from ingestion.handback import has_handback, rewrite_handbacks, write_handback
from ingestion.inspected import InspectedFile, inspect
from ingestion.naming import type_of
from ingestion.reader import Record
from ingestion.refusal import forget_refusals, tell_refusal
from resolvers.batch import (
    HELD,
    RUNNING,
    WAITING,
    Batch,
    BatchTotals,
    find_batch_by_content,
    finish_batch,
    get_batch,
    get_batch_totals,
    open_batch,
)
from resolvers.batch_decision import check_batch, note_findings
from resolvers.batch_lane import IN_FLIGHT, Lanes, OpenLanes, lanes_here, may_go_in_shares, no_lanes
from resolvers.batch_line import BatchLine
from resolvers.batch_post import note_growth
from resolvers.context import Context
from resolvers.parked_work import settle_parked
from resolvers.reject_limit import BatchHeld

CHUNK_ROWS = 500
"""Lines of one database transaction: few enough that a redemption beside it waits no more than a blink."""

CHUNK_BYTES = 8 * 1024 * 1024
"""What the lines of a chunk may take: memory stays flat however long they are."""

_TIMES = {"CPD": 3}
"""How many times `CHUNK_ROWS` it may be: nobody's points wait for members, who take less time each."""

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
    ctx: Context,
    path: Path,
    *,
    data_dir: Path,
    file_type: str | None = None,
    progress: Report | None = None,
    lanes: OpenLanes = lanes_here,
) -> BatchSummary:
    """Load one file to its end and hand back the results; a load that broke off goes on where it was.

    `file_type` names the type where the name of the file does not. Raises Forbidden, BatchRefused
    (which a handback says as well), ServiceUnavailable (run it again).
    """
    folder = program_folder(data_dir, ctx.principal).handback
    try:
        return await load_batch_file(ctx, path, folder, file_type=file_type, progress=progress, lanes=lanes)
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
    lanes: OpenLanes = lanes_here,
) -> BatchSummary:
    """The same into this handback folder, without a handback for a refusal; `rest` comes after each chunk.

    `known`: the batch of the file, where the caller knows it: one that was discarded keeps its content from no other.
    With `no_lanes` nothing is under way when it `rest`s.
    A file that was held or has ended is not loaded: it gets the handback that it lacks.
    """
    file = await inspect(ctx, path, file_type)
    if known is not None and known.sha256 != file.facts.sha256:
        raise BatchRefused("the file was changed after it was taken")
    loading = _Loading(ctx, file, progress, rest, lanes)
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
    now = await get_batch(ctx, batch.id)
    if now != batch:
        batch, totals = now, await get_batch_totals(ctx, batch.id)
    return BatchSummary(batch=batch, totals=totals, ignored_columns=file.columns.ignored, handback=folder)


@dataclass(frozen=True, slots=True)
class _Loading:
    """Reads a file for a batch that is running, chunk by chunk."""

    ctx: Context
    file: InspectedFile
    progress: Report | None
    rest: Rest | None
    lanes: OpenLanes

    async def run(self) -> Batch:
        """Open the batch and post what does not stand, unless it is held."""
        batch = await open_batch(self.ctx, **self.file.identity)
        with suppress(BatchHeld):
            if self.file.layout.checks_first and batch.rows_read == 0 and batch.released_at is None:
                batch = await self.check(batch)
            if batch.status != HELD:
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
        open_lanes = self.lanes if may_go_in_shares(batch.type, self.file.layout.terms) else no_lanes
        async with (
            open_lanes(self.file.facts.rows - _restart(batch)) as lanes,
            aclosing(self._chunks(batch, lanes.width)) as chunks,
        ):
            async for lines, position in chunks:
                await self._note(lanes.post(self.ctx, batch.id, lines), lanes, batch, position)
            await self._note(lanes.end(), lanes, batch, self.file.facts.size)

    async def _note(self, posting: Awaitable[None], lanes: Lanes, batch: Batch, position: int) -> None:
        """Wait for it, and tell how far it is if lines have got their outcome."""
        first, stood, posted = _restart(batch), lanes.standing, lanes.posted
        await posting
        stands = first + lanes.standing
        if any(first + stood < growth <= stands for growth in _GROWTHS):
            await note_growth(self.ctx)
        if lanes.posted > posted and self.progress is not None:
            rejected, size = batch.rejected + lanes.rejected, self.file.facts.size
            self.progress(Progress(rows=stands, rejected=rejected, bytes_read=position, bytes_total=size))

    async def _chunks(self, batch: Batch, width: int = 1) -> AsyncGenerator[tuple[list[BatchLine], int], None]:
        """The lines after the restart point, and how many bytes have been read."""
        with closing(await asyncio.to_thread(self.file.open)) as source:
            translate = translator(self.file.columns, batch.file_name)
            records = islice(source.records(), _restart(batch), None)

            async def read() -> list[BatchLine]:
                return await asyncio.to_thread(_next_lines, records, translate, width * _rows_of(batch))

            lines = await read()
            while lines:
                self.file.require_unchanged(source)
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
    """How many rows stand for certain: of the last chunks it may be a few shares, however many lanes there were."""
    return max(0, batch.rows_read - IN_FLIGHT * MOST_LANES * _rows_of(batch))


def _rows_of(batch: Batch) -> int:
    """Lines of one database transaction."""
    return _TIMES.get(batch.type, 1) * CHUNK_ROWS


def _next_lines(records: Iterator[Record], translate: Translate, rows: int) -> list[BatchLine]:
    lines, size = list[BatchLine](), 0
    for record in islice(records, rows):
        lines.append(_line(record, translate))
        size += len(record.raw)
        if size >= CHUNK_BYTES:
            break
    return lines


def _line(record: Record, translate: Translate) -> BatchLine:
    if isinstance(record.fields, InvalidRow):
        return BatchLine(line=record.line, command=record.fields, raw=record.raw)
    return translate(record.line, record.fields, record.raw)
