"""Lanes of a batch file in processes of their own: its rows are posted on as many cores as there are.

Each process has services of its own, and posts the shares that it is sent one after another. It ends with its loader:
what it has not committed by then is undone, as where any loader dies.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from domain.errors import ServiceUnavailable
from resolvers.batch_lane import Lanes, OpenLanes, lanes_here
from resolvers.batch_line import BatchRow
from resolvers.batch_post import Share, post_share
from resolvers.context import Context
from tessera.log import configure_logging
from tessera.memory import FILE_OBJECTS, settle_memory
from tessera.runtime import open_runtime
from tessera.settings import Settings

WORTH_ROWS = 10_000
"""A file of fewer is loaded before the processes have started."""

STOP_LIMIT_S = 10.0
_USUAL = 8


def lanes_beside(settings: Settings) -> OpenLanes:
    """Lanes in processes, for files that have enough rows, where the settings want more than one."""
    cores = min(len(os.sched_getaffinity(0)), _USUAL)
    # On SQLite there is one writer.
    count = 1 if settings.sqlite_file is not None else settings.batch_processes or cores

    def open_lanes(rows: int) -> AbstractAsyncContextManager[Lanes]:
        return lanes_here(rows) if count < 2 or rows < WORTH_ROWS else _processes(settings, count)

    return open_lanes


@asynccontextmanager
async def _processes(settings: Settings, count: int) -> AsyncIterator[Lanes]:
    with ThreadPoolExecutor(count, thread_name_prefix="lane") as threads:
        started: list[_Lane] = []
        try:
            for _ in range(count):
                started.append(await asyncio.to_thread(_start, settings, threads))
            async with Lanes([lane.post for lane in started], width=count) as lanes:
                yield lanes
        finally:
            await asyncio.to_thread(_end, started)


def _start(settings: Settings, threads: ThreadPoolExecutor) -> "_Lane":
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(settings, theirs), name="lane", daemon=True)
    process.start()
    # From now on only the process has this end: when it is gone, so are its answers.
    theirs.close()
    return _Lane(process, ours, threads)


def _end(lanes: Sequence["_Lane"]) -> None:
    for lane in lanes:
        if lane.is_busy:
            # Nobody waits for its answer any more.
            lane.process.kill()
        else:
            lane.calls.close()
    for lane in lanes:
        lane.process.join(STOP_LIMIT_S)
        lane.process.kill()


@dataclass(slots=True)
class _Lane:
    """A process as its loader sees it."""

    process: SpawnProcess
    calls: Connection
    threads: ThreadPoolExecutor
    is_busy: bool = False

    async def post(self, ctx: Context, batch_id: int, share: Share) -> list[BatchRow]:
        """See `post_share`. Raises ServiceUnavailable where the process ended as well."""
        call = ctx.principal, ctx.source, ctx.request_id, batch_id, share
        answer = await asyncio.get_running_loop().run_in_executor(self.threads, self._exchange, call)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _exchange(self, call: Any) -> list[BatchRow] | BaseException:
        self.is_busy = True
        try:
            self.calls.send(call)
            answer: list[BatchRow] | BaseException = self.calls.recv()
        except (EOFError, OSError):
            return ServiceUnavailable("a process that posted rows has ended")
        finally:
            self.is_busy = False
        return answer


def _serve(settings: Settings, calls: Connection) -> None:
    """The process: it ends when its loader closes the pipe, or is gone. Signals to a group are for the loader."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    configure_logging(settings)
    asyncio.run(_answer(settings, calls))


async def _answer(settings: Settings, calls: Connection) -> None:
    async with open_runtime(settings) as runtime:
        settle_memory(FILE_OBJECTS)
        while True:
            try:
                principal, source, request_id, batch_id, share = await asyncio.to_thread(calls.recv)
            except (EOFError, OSError):
                return
            ctx = Context(services=runtime.services, principal=principal, source=source, request_id=request_id)
            answer: list[BatchRow] | BaseException
            try:
                answer = await post_share(ctx, batch_id, share)
            except Exception as error:
                answer = error
            try:
                calls.send(answer)
            except BrokenPipeError:
                return
