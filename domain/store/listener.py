"""A connection of its own on which PostgreSQL tells when another process has something new."""

from collections.abc import Callable

import asyncpg

_CONNECT_S = 5


class PostgresListener:
    """Listens on one channel, from when it is first asked to; `heard` may come once for several notices."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None

    async def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """See to it that `heard` is called; connect again where the connection is gone.

        What was told in between is lost, so whoever listens looks by itself from time to time. Raises what asyncpg
        raises, OSError and TimeoutError.
        """
        if self._connection is not None and not self._connection.is_closed():
            return
        connection = await asyncpg.connect(self._url, timeout=_CONNECT_S)
        try:
            await connection.add_listener(channel, lambda *_: heard())
        except BaseException:
            # Nobody would close it: it is kept only when it listens.
            connection.terminate()
            raise
        self._connection = connection
        # What was told before there was anybody to hear it.
        heard()

    async def close(self) -> None:
        """Listen no more."""
        if self._connection is not None:
            await self._connection.close(timeout=_CONNECT_S)
