"""Connections of PostgreSQL's driver itself: for a short statement SQLAlchemy's way costs more than the driver's."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg

_CONNECT_S = 5


class Connections:
    """Made when they are needed first; the last one used is used again, so that few are kept busy.

    `answer_s` is how long an answer may take before the server or the network counts as frozen; after
    `statement_life_s` a statement is planned anew. How many there are is up to how many ask at once.
    """

    def __init__(self, url: str, settings: Mapping[str, str], *, answer_s: float, statement_life_s: int = 300) -> None:
        self._url, self._settings = url, dict(settings)
        self._answer_s, self._statement_life_s = answer_s, statement_life_s
        self._idle: list[asyncpg.Connection] = []
        self._busy = 0
        self._closing: set[asyncio.Task[None]] = set()

    async def fetch(self, statement: str, values: Iterable[Any]) -> list[asyncpg.Record]:
        """The rows of a statement, which is a transaction by itself. Raises what asyncpg raises, and TimeoutError."""
        self._busy += 1
        try:
            return await self._fetch(statement, values)
        finally:
            self._busy -= 1

    async def _fetch(self, statement: str, values: Iterable[Any]) -> list[asyncpg.Record]:
        connection = await self._connected()
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *values, timeout=self._answer_s)
        except asyncpg.PostgresError:
            self._idle.append(connection)
            raise
        except BaseException:
            # Nobody knows what it would answer next. The driver tells the server that nobody waits for it.
            closing = asyncio.create_task(connection.close(timeout=_CONNECT_S))
            self._closing.add(closing)
            closing.add_done_callback(self._closed)
            raise
        self._idle.append(connection)
        return rows

    @property
    def use(self) -> Mapping[str, int]:
        """How many work now, and how many are open."""
        return {"busy": self._busy, "open": self._busy + len(self._idle)}

    async def close(self) -> None:
        """Close those that are not in use."""
        while self._idle:
            await self._idle.pop().close(timeout=_CONNECT_S)
        if self._closing:
            await asyncio.wait(self._closing)

    def _closed(self, closing: "asyncio.Task[None]") -> None:
        self._closing.discard(closing)
        if not closing.cancelled():
            # The driver has ended it then without a farewell; nobody is to hear of that.
            closing.exception()

    async def _connected(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            # The server may have gone away, or put it out, since it was used last.
            if not connection.is_closed():
                return connection
        return await asyncpg.connect(
            self._url,
            timeout=_CONNECT_S,
            server_settings=self._settings,
            max_cached_statement_lifetime=self._statement_life_s,
        )
