"""Calls of functions on PostgreSQL that share round trips and commits, as writes on SQLite do.

Calls that go together make one statement and one database transaction, over few connections.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import asyncpg

from domain.store.connections import Connections
from domain.store.together import Together

# Calls that go together also wait together, where one of them meets a locked account.
_CALLS_PER_COMMIT = 16

Values: TypeAlias = Sequence[Any]


class PostgresCalls:
    """Uses up to `size` connections; `answer_s` is how long an answer may take."""

    def __init__(self, url: str, size: int, settings: Mapping[str, str], answer_s: float) -> None:
        self._connections = Connections(url, settings, answer_s=answer_s)
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

    @property
    def use(self) -> Mapping[str, int]:
        """How many connections work now, and how many are open."""
        return self._connections.use

    async def close(self) -> None:
        """Finish what is under way and close the connections."""
        await self._together.finish()
        await self._connections.close()

    async def _serve(self, statement: str, calls: Sequence[Values]) -> list[asyncpg.Record]:
        return await self._connections.fetch(statement, zip(*calls, strict=True))
