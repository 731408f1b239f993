"""Lanes of a batch file in processes of their own: its rows are posted on as many cores as there are.

Each process has services of its own, and posts the shares that it is sent one after another. It ends when its loader
does: a share that it is at by then stands or does not, like any other transaction.
"""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import structlog

from domain.errors import ServiceUnavailable, TesseraError
from resolvers.batch_lane import Lanes, OpenLanes, lanes_here
from resolvers.batch_post import Posted, Share, post_share
from resolvers.context import Context
from resolvers.reject_limit import BatchHeld
from tessera.log import configure_logging
from tessera.memory import FILE_OBJECTS, settle_memory
from tessera.runtime import open_runtime
from tessera.settings import Settings

WORTH_ROWS = 10_000
"""A file of fewer is loaded before the processes have started."""

START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0
_USUAL = 8

Answer = Posted | TesseraError | BatchHeld | RuntimeError

_log = structlog.get_logger("tessera.lane")


def lanes_beside(settings: Settings) -> OpenLanes:
    """Lanes in processes, for one file at a time that has enough rows, where the settings want more than one."""
    count, beside = _wanted(settings), _Beside(settings)

    def open_lanes(rows: int) -> AbstractAsyncContextManager[Lanes]:
        return lanes_here(rows) if count < 2 or rows < WORTH_ROWS or beside.is_taken else beside.open(count, rows)

    return open_lanes


def _wanted(settings: Settings) -> int:
    if settings.sqlite_file is not None:
        return 1  # There is one writer.
    return settings.batch_processes or min(len(os.sched_getaffinity(0)), _USUAL)


@dataclass(slots=True)
class _Beside:
    """The processes of this one, which a second large file at the same time goes without."""

    settings: Settings
    is_taken: bool = False

    @asynccontextmanager
    async def open(self, count: int, rows: int) -> AsyncIterator[Lanes]:
        """Start the processes; lanes in this one where they do not start."""
        self.is_taken, started = True, list[_Lane]()
        with ThreadPoolExecutor(2 * count, thread_name_prefix="lane") as threads:
            try:
                if await asyncio.to_thread(_start, self.settings, count, threads, started):
                    opened = Lanes([lane.post for lane in started], width=count)
                else:
                    # Those that did start would lie idle until the file ends.
                    await asyncio.to_thread(_end, started)
                    started, opened = [], lanes_here(rows)
                async with opened as lanes:
                    yield lanes
            finally:
                self.is_taken = False
                await asyncio.to_thread(_end, started)


def _start(settings: Settings, count: int, threads: ThreadPoolExecutor, started: "list[_Lane]") -> bool:
    """Start so many; whether all are ready. Those that were started are in `started`, whatever happens."""
    spawn = multiprocessing.get_context("spawn")
    try:
        for _ in range(count):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=_serve, args=(settings, theirs), name="lane", daemon=True)
            process.start()
            # From now on only the process has this end: when it is gone, so are its answers.
            theirs.close()
            started.append(_Lane(process, ours, threads))
        for lane in started:
            if not lane.calls.poll(START_LIMIT_S):
                raise TimeoutError
            lane.calls.recv()
    except (EOFError, OSError) as error:
        exits = [lane.process.exitcode for lane in started]
        _log.warning("large files are loaded by one process: others do not start", error=repr(error), exits=exits)
        return False
    return True


def _end(lanes: Sequence["_Lane"]) -> None:
    for lane in lanes:
        if lane.under_way:
            # Nobody waits for its answer any more.
            lane.process.kill()
        else:
            lane.calls.close()
    until = time.monotonic() + STOP_LIMIT_S
    for lane in lanes:
        lane.process.join(max(0.0, until - time.monotonic()))
        lane.process.kill()
        lane.process.join()


@dataclass(slots=True)
class _Lane:
    """A process as its loader sees it: it gets a share while it is at the one before, so that it never waits."""

    process: SpawnProcess
    calls: Connection
    threads: ThreadPoolExecutor
    under_way: int = 0
    _sending: asyncio.Lock = field(default_factory=asyncio.Lock)
    _receiving: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def post(self, ctx: Context, batch_id: int, share: Share) -> Posted:
        """See `post_share` and `Post`. Raises ServiceUnavailable where the process ended as well."""
        call = ctx.principal, ctx.source, ctx.request_id, batch_id, share
        run = asyncio.get_running_loop().run_in_executor
        self.under_way += 1
        try:
            async with self._sending:
                await run(self.threads, self._send, call)
            async with self._receiving:
                answer = await run(self.threads, self._receive)
        except BaseException:
            # Nobody waits for its answer, which is the next that comes, or it has a share less: it posts no other.
            self.process.kill()
            raise
        self.under_way -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _send(self, call: object) -> None:
        # If it ended, its answer says so.
        with suppress(OSError):
            self.calls.send(call)

    def _receive(self) -> Answer:
        try:
            answer: Answer = self.calls.recv()
        except (EOFError, OSError):
            self.process.join(STOP_LIMIT_S)
            return ServiceUnavailable(f"a process that posted rows has ended, exit status {self.process.exitcode}")
        return answer


def _serve(settings: Settings, calls: Connection) -> None:
    """The process: it ends when its loader closes the pipe, or is gone."""
    # Ctrl-C reaches all of a terminal, and is for the loader.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logging(settings)
    asyncio.run(_answer_calls(settings, calls))


async def _answer_calls(settings: Settings, calls: Connection) -> None:
    async with open_runtime(settings) as runtime:
        settle_memory(FILE_OBJECTS)
        answer: Answer | None = None
        try:
            calls.send("ready")
            coming = asyncio.create_task(asyncio.to_thread(calls.recv))
            while True:
                principal, source, request_id, batch_id, share = await coming
                coming = asyncio.create_task(asyncio.to_thread(calls.recv))
                # What follows a share that failed has been sent by then, and must not stand without it.
                if not isinstance(answer, Exception):
                    ctx = Context(services=runtime.services, principal=principal, source=source, request_id=request_id)
                    answer = await _answer(ctx, batch_id, share)
                calls.send(answer)
        except (EOFError, OSError):
            return
        except BaseException:
            # Not by way of the interpreter's end, which would wait for the pipe, as the loader does for an answer.
            _log.exception("a process that posts rows ends")
            os._exit(1)


async def _answer(ctx: Context, batch_id: int, share: Share) -> Answer:
    """What was posted, or the refusal; what nobody foresaw is told here, since a traceback goes through no pipe."""
    try:
        return await post_share(ctx, batch_id, share)
    except (TesseraError, BatchHeld) as refusal:
        return refusal
    except Exception as error:
        # Whatever it is: the loader waits for an answer, and this process goes on with the next share.
        _log.exception("rows are not posted", batch=batch_id)
        return RuntimeError(f"{type(error).__name__} in a process that posts rows, whose log says more")
