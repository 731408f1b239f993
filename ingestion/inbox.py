"""The inbox of one program: files are taken, become batches, are loaded one after another, and put away.

Where a file lies says what is left to do with it: in `upload` it may be taken; in `work/taken` it becomes a batch or is
refused; in `work/batch/<id>` its batch is loaded, or waits for an administrator; in `processed` it is done with. All
but the last step may be done again, so that a worker that is killed anywhere leaves nothing half done.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from domain.errors import BatchRefused
from ingestion.arrival import (
    Arrival,
    batch_files,
    checksum_of,
    complete_files,
    keep_for_batch,
    promised_hash,
    put_away,
    take,
    take_back,
    taken_files,
)
from ingestion.folder import ProgramFolder
from ingestion.handback import has_handback
from ingestion.inspected import inspect
from ingestion.load import Rest, load_batch_file
from ingestion.naming import parse_file_name
from ingestion.refusal import tell_refusal, write_refusal
from ingestion.reporting import Reporter
from resolvers.batch import DISCARDED, FINISHED, HELD, Batch, open_batch
from resolvers.batch_decision import give_up_batch
from resolvers.batch_lane import OpenLanes, lanes_here
from resolvers.batch_queue import in_order, list_batches_of
from resolvers.context import Context

_ENDED = (FINISHED, DISCARDED)

_log = structlog.get_logger("tessera.inbox")


@dataclass(slots=True)
class Inbox:
    """The files of the caller's program. `is_mine` tells whether they are still this worker's to decide about.

    `lanes`: see `load_batch_file`.
    """

    ctx: Context
    folder: ProgramFolder
    is_mine: Callable[[], Awaitable[bool]]
    rest: Rest
    lanes: OpenLanes = lanes_here
    _picking_up: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def has_work(self) -> bool:
        """Whether there is something to take or to load; held files are none."""
        if await asyncio.to_thread(self._has_arrivals):
            return True
        return await self._next() is not None or bool(await self._strays())

    async def pick_up(self) -> None:
        """Make batches of what was taken and of what is complete, in their order; refuse what cannot be one."""
        async with self._picking_up:
            for stray in await self._strays():
                await asyncio.to_thread(take_back, self.folder, stray)
            for taken in await asyncio.to_thread(taken_files, self.folder):
                await self._accept(taken)
            for arrival in await asyncio.to_thread(complete_files, self.folder, self._now_s()):
                if await asyncio.to_thread(take, self.folder, arrival):
                    await self._accept(arrival)

    async def load_next(self) -> bool:
        """Load the batch whose turn it is, or see the last one to its end; False where none is left to load.

        A batch that ended, or was held, just before its worker died gets its handback.
        """
        found = await self._next()
        if found is None:
            return False
        batch, path = found
        if batch.status not in _ENDED or not await asyncio.to_thread(has_handback, self.folder.handback, batch):
            try:
                batch = await self._load(batch, path)
            except BatchRefused as refusal:
                if not await self.is_mine():
                    return True
                self._log_refusal(path, refusal)
                batch = await give_up_batch(self.ctx, batch.id, refusal)
                await asyncio.to_thread(write_refusal, self.folder.handback, path.name, batch)
        if batch.status in _ENDED and await self.is_mine():
            await asyncio.to_thread(put_away, self.folder, path)
        return True

    async def _load(self, batch: Batch, path: Path) -> Batch:
        """Raises BatchRefused."""
        reporter = Reporter(self.ctx, batch)
        folder = self.folder.handback
        summary = await load_batch_file(
            self.ctx, path, folder, known=batch, progress=reporter.report, rest=self.rest, lanes=self.lanes
        )
        reporter.end(summary.batch)
        return summary.batch

    async def _next(self) -> tuple[Batch, Path] | None:
        files = await asyncio.to_thread(batch_files, self.folder)
        batches = in_order(await list_batches_of(self.ctx, list(files))) if files else []
        for batch in batches:
            if batch.file_name != files[batch.id].name:
                continue
            if batch.status != HELD or not await asyncio.to_thread(has_handback, self.folder.handback, batch):
                return batch, files[batch.id]
        return None

    async def _strays(self) -> list[Path]:
        """Files whose batch the database does not know, because an older copy of it was restored."""
        files = await asyncio.to_thread(batch_files, self.folder)
        known = {one.id: one.file_name for one in await list_batches_of(self.ctx, list(files))} if files else {}
        return [path for number, path in files.items() if known.get(number) != path.name]

    async def _accept(self, arrival: Arrival) -> None:
        """Make a batch of a taken file that waits for its turn, or refuse it."""
        path = self.folder.taken(arrival.type) / arrival.name
        try:
            batch = await self._open(path, arrival.type)
        except BatchRefused as refusal:
            self._log_refusal(path, refusal)
            await tell_refusal(self.ctx, self.folder.handback, path.name, arrival.type, refusal)
            await asyncio.to_thread(put_away, self.folder, path)
            await asyncio.to_thread(put_away, self.folder, checksum_of(path))
        else:
            _log.info("file waits", program=self._program, batch=batch.id, file=batch.file_name, rows=batch.rows_total)

    async def _open(self, path: Path, file_type: str) -> Batch:
        """Raises BatchRefused."""
        if await asyncio.to_thread(path.is_symlink):
            raise BatchRefused("a link, not a file")
        named = parse_file_name(path.name).type
        if named != file_type:
            raise BatchRefused(f"a file of type {named} belongs into upload/{named}, not into upload/{file_type}")
        file = await inspect(self.ctx, path, promised=await asyncio.to_thread(promised_hash, path))
        batch = await open_batch(self.ctx, **file.identity, waits=True)
        mine = batch.file_name == path.name
        if not mine or not await asyncio.to_thread(keep_for_batch, self.folder, path, batch.id):
            raise BatchRefused(
                f"the same content is batch {batch.id}, {batch.file_name}, which is {batch.status.lower()}"
            )
        return batch

    def _log_refusal(self, path: Path, refusal: BatchRefused) -> None:
        _log.warning("file refused", program=self._program, file=ascii(path.name)[1:-1], reason=refusal.text)

    def _has_arrivals(self) -> bool:
        return bool(taken_files(self.folder) or complete_files(self.folder, self._now_s()))

    def _now_s(self) -> float:
        return self.ctx.services.clock().timestamp()

    @property
    def _program(self) -> int | None:
        return self.ctx.principal.public_program_id
