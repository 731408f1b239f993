"""Calls of functions on PostgreSQL that share round trips and commits, as writes on SQLite do.

A commit, a round trip and a change from one server process to another each cost about as much as the work
of a redemption. So calls that arrive while others run wait for each other and go together, in one statement
and one database transaction, over few connections. Whoever is alone waits for nobody.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

# While one of them waits for the disk the other works. A connection that stands still, because somebody
# holds one of its accounts, does not count, so that the others' calls go on beside it.
_MOVING = 2
_STANDS_STILL_S = 0.05
# Calls that go together also wait together, where one of them meets a locked account.
_CALLS_PER_COMMIT = 16
_CONNECT_S = 5


@dataclass(slots=True)
class _Call:
    statement: str
    values: Sequence[Any]
    future: asyncio.Future[asyncpg.Record]

    def fail(self, error: BaseException) -> None:
        if not self.future.done():  # its caller may have been cancelled; what it asked for is done all the same
            self.future.set_exception(error)

    def succeed(self, row: asyncpg.Record) -> None:
        if not self.future.done():
            self.future.set_result(row)


class PostgresCalls:
    """Keeps up to `size` connections, made when they are needed first; the last one used is used again.

    `answer_s` is how long an answer may take before the server or the network counts as frozen.
    """

    def __init__(self, url: str, size: int, settings: Mapping[str, str], answer_s: float) -> None:
        self._url = url
        self._size = size
        self._settings = dict(settings)
        self._answer_s = answer_s
        self._idle: list[asyncpg.Connection] = []
        self._waiting: deque[_Call] = deque()
        self._began: dict[asyncio.Task[None], float] = {}

    async def call(self, statement: str, values: Sequence[Any]) -> asyncpg.Record:
        """The row for these values. `statement` takes an array for each of them, with an element for each call,
        and gives the rows in that order. Raises what asyncpg raises, and TimeoutError.
        """
        call = _Call(statement, values, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if len(self._began) < self._size and self._moving() < _MOVING:
            runner = asyncio.create_task(self._run())
            self._began[runner] = time.monotonic()
            runner.add_done_callback(self._began.pop)
        return await call.future

    async def close(self) -> None:
        """Finish what is under way and close the connections."""
        await asyncio.gather(*self._began)
        while self._idle:
            await self._idle.pop().close(timeout=_CONNECT_S)

    def _moving(self) -> int:
        late = time.monotonic() - _STANDS_STILL_S
        return sum(began > late for began in self._began.values())

    async def _run(self) -> None:
        """Serve what waits, all that belongs together at once, until nothing does."""
        runner = asyncio.current_task()
        while self._waiting:
            if runner is not None:
                self._began[runner] = time.monotonic()
            statement = self._waiting[0].statement
            together: list[_Call] = []
            while self._waiting and self._waiting[0].statement == statement and len(together) < _CALLS_PER_COMMIT:
                together.append(self._waiting.popleft())
            await self._serve(statement, together)

    async def _serve(self, statement: str, calls: Sequence[_Call]) -> None:
        try:
            rows = await self._fetch(statement, zip(*(one.values for one in calls), strict=True))
        except asyncpg.PostgresError as error:
            if len(calls) == 1:
                calls[0].fail(error)
                return
            # The server has undone all of them; alone, each meets no fault but its own.
            for one in calls:
                await self._serve(statement, [one])
        except BaseException as error:
            for one in calls:
                one.fail(error)
            if not isinstance(error, Exception):
                raise
        else:
            for one, row in zip(calls, rows, strict=True):
                one.succeed(row)

    async def _fetch(self, statement: str, columns: Iterable[Sequence[Any]]) -> list[asyncpg.Record]:
        connection = await self._connected()
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *columns, timeout=self._answer_s)
        except asyncpg.PostgresError:
            self._idle.append(connection)
            raise
        except BaseException:
            # Nobody knows what it would answer next.
            connection.terminate()
            raise
        self._idle.append(connection)
        return rows

    async def _connected(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            # The server may have gone away, or put it out, since it was used last.
            if not connection.is_closed():
                return connection
        return await asyncpg.connect(self._url, timeout=_CONNECT_S, server_settings=self._settings)
