"""Calls of functions on PostgreSQL that share round trips and commits, as writes on SQLite do.

Calls that go together make one statement and one database transaction, over few connections.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import asyncpg

from domain.store.together import Together

# Calls that go together also wait together, where one of them meets a locked account.
_CALLS_PER_COMMIT = 16
_CONNECT_S = 5

Values: TypeAlias = Sequence[Any]


class PostgresCalls:
    """Keeps up to `size` connections, made when they are needed first; the last one used is used again.

    `answer_s` is how long an answer may take before the server or the network counts as frozen.
    """

    def __init__(self, url: str, size: int, settings: Mapping[str, str], answer_s: float) -> None:
        self._url = url
        self._settings = dict(settings)
        self._answer_s = answer_s
        self._idle: list[asyncpg.Connection] = []
        self._together: Together[str, Values, asyncpg.Record] = Together(
            self._serve,
            most=_CALLS_PER_COMMIT,
            # While one of them waits for the disk the other works.
            moving=2,
            runs=size,
            of_kind=size,
            # The server has undone all of them.
            is_undone=lambda error: isinstance(error, asyncpg.PostgresError),
        )

    async def call(self, statement: str, values: Values, about: Hashable) -> asyncpg.Record:
        """The row for these values, which lock what they are `about`.

        `statement` takes an array for each of them, with an element for each call, and gives the rows in that order.
        Raises what asyncpg raises, and TimeoutError.
        """
        return await self._together.add(statement, values, about)

    async def close(self) -> None:
        """Finish what is under way and close the connections."""
        await self._together.finish()
        while self._idle:
            await self._idle.pop().close(timeout=_CONNECT_S)

    async def _serve(self, statement: str, calls: Sequence[Values]) -> list[asyncpg.Record]:
        return await self._fetch(statement, zip(*calls, strict=True))

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
