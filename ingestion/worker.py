"""The batch worker: looks after the inboxes of all programs, one program's files one after another.

Any number of workers, on processes that share the database and the data folder, share the programs: each takes those
whose lease is free. A worker that dies leaves its leases to lapse. One that was only frozen, and comes back when
another has gone on, does no harm: lines that stand are not posted again, and it decides about no file any more.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from domain.access import Permission, system_principal
from domain.errors import ServiceUnavailable
from domain.ids import new_token
from ingestion.arrival import has_any
from ingestion.folder import ProgramFolder, program_folder
from ingestion.inbox import Inbox
from resolvers.batch_lane import OpenLanes, lanes_here, no_lanes
from resolvers.batch_queue import LEASE, leave_inbox, take_inbox
from resolvers.context import Context, Services
from resolvers.program import Program, list_environment_programs

LOOK_S = 1.0
RENEW_S = LEASE.total_seconds() / 4
PROGRAMS_AT_ONCE = 4
LONGEST_BACKOFF_S = 60.0
STOP_LIMIT_S = 10.0
_ACTOR = "system:inbox"

_log = structlog.get_logger("tessera.inbox")


class _Left(Exception):
    """The worker stops, or another one has the program: the next chunk is not its own."""


@asynccontextmanager
async def taking_files(
    services: Services, data_dir: Path, *, rest_share: float = 0.0, lanes: OpenLanes = lanes_here
) -> AsyncIterator[None]:
    """Take and load files for as long as the context lasts; at its end each load stops after its chunk.

    `rest_share`: how long to rest after each chunk, as a share of what it took: for a process that serves as well.
    What is under way meanwhile would leave those whom it serves no more than before, so it has no lanes.
    """
    worker = _Worker(services, data_dir, rest_share, no_lanes if rest_share else lanes)
    watching = asyncio.create_task(worker.watch(), name="inbox")
    try:
        yield
    finally:
        worker.stop.set()
        _, late = await asyncio.wait([watching], timeout=STOP_LIMIT_S)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        if late:
            _log.warning("the inbox was stopped in the middle of a chunk")


@dataclass(slots=True)
class _Worker:
    services: Services
    data_dir: Path
    rest_share: float
    lanes: OpenLanes
    id: str = field(default_factory=lambda: new_token("worker", nbytes=9))
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _serving: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PROGRAMS_AT_ONCE))

    async def watch(self) -> None:
        """Look at every program again and again, each in a task of its own while it has work."""
        async with asyncio.TaskGroup() as group:
            while not self.stop.is_set():
                try:
                    for ctx in await self._waiting():
                        self._serving[ctx.principal.program] = group.create_task(self._serve(ctx))
                except ServiceUnavailable:
                    pass  # The other jobs say so.
                except Exception:
                    _log.exception("the inboxes cannot be looked at, which is tried again")
                await _wait(self.stop, LOOK_S)

    async def _waiting(self) -> list[Context]:
        """Programs that nobody in this process is at, and in whose folders something lies."""
        self._serving = {number: task for number, task in self._serving.items() if not task.done()}
        programs = await list_environment_programs(self.services)
        idle = [self._context(program) for program in programs if program.id not in self._serving]
        return await asyncio.to_thread(lambda: [ctx for ctx in idle if has_any(self.folder(ctx))])

    def folder(self, ctx: Context) -> ProgramFolder:
        """The folder of the caller's program, made where it is not there."""
        folder = program_folder(self.data_dir, ctx.principal)
        if not folder.batches.exists():
            folder.make()
        return folder

    async def _serve(self, ctx: Context) -> None:
        """Take and load the files of one program until none is left; what goes wrong is waited out."""
        serving, program = _Serving(self, ctx), ctx.principal.public_program_id
        backoff_s = LOOK_S
        while not self.stop.is_set():
            try:
                async with self._room:
                    await serving.run()
                return
            except ServiceUnavailable as error:
                _log.warning("the inbox waits for the database", program=program, reason=str(error))
            except Exception:
                _log.exception("files wait, and are tried again", program=program, after_s=backoff_s)
            await _wait(self.stop, backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)

    def _context(self, program: Program) -> Context:
        platform = system_principal(program.id, program.public_id, program.environment, _ACTOR)
        # What partners send gives points, and takes none but by refunds.
        principal = replace(platform, permissions=platform.permissions - {Permission.POINTS_ADJUST})
        return Context(
            services=self.services, principal=principal, source="file", request_id=new_token("file", nbytes=8)
        )


class _Serving:
    """One program's files, in the hands of this worker for as long as it renews its lease."""

    def __init__(self, worker: _Worker, ctx: Context) -> None:
        self._worker = worker
        self._ctx = ctx
        self._mine_until = ctx.services.clock()
        self._chunk_began = 0.0
        self._inbox = Inbox(ctx, worker.folder(ctx), self._renew, self._rest, worker.lanes)

    async def run(self) -> None:
        """Take what is complete and load it, until nothing is left or the worker stops."""
        if not await self._inbox.has_work() or not await self._renew():
            return
        beside = [asyncio.create_task(self._keep()), asyncio.create_task(self._pick_up())]
        try:
            await self._inbox.pick_up()
            while self._is_mine and not self._worker.stop.is_set():
                self._chunk_began = _loop_time()
                if not await self._inbox.load_next():
                    break
        except _Left:
            pass
        finally:
            for one in beside:
                one.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            with suppress(ServiceUnavailable):
                await leave_inbox(self._ctx, self._worker.id)

    @property
    def _is_mine(self) -> bool:
        return self._ctx.services.clock() < self._mine_until

    async def _renew(self) -> bool:
        began = self._ctx.services.clock()
        if not await take_inbox(self._ctx, self._worker.id):
            self._mine_until = began
            return False
        self._mine_until = began + LEASE
        return True

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            with suppress(ServiceUnavailable):
                await self._renew()

    async def _pick_up(self) -> None:
        """Take what comes while a file is loaded, so that it is seen to wait."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._is_mine and not self._worker.stop.is_set():
                try:
                    await self._inbox.pick_up()
                except Exception:
                    _log.exception("files are not taken, and are tried again", program=self._ctx.principal.program)

    async def _rest(self) -> None:
        """Let others have their turn. Raises _Left."""
        if self._worker.stop.is_set() or not self._is_mine:
            raise _Left
        await asyncio.sleep((_loop_time() - self._chunk_began) * self._worker.rest_share)
        self._chunk_began = _loop_time()


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
