"""Work that nobody else can be served meanwhile: one piece at a time, and as much time for the others in between.

Every request takes a few turns of the event loop. Where four clients each bring new documents that take 40 ms to
prepare, every turn takes 160 ms, and what is cheap and known is done after seconds.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.errors import TooManyRequests

MAX_WAITING = 100
MAX_PAUSE_S = 0.2
# The loop that serves counts whole milliseconds: to it, less than half of one is no pause at all.
LEAST_PAUSE_S = 0.001


class Gate:
    """Lets one pass after the other. `room`: how many times as many as usual may wait."""

    def __init__(self, room: int = 1) -> None:
        self._room = room
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._free_at = 0.0

    @asynccontextmanager
    async def turn(self, least_pause_s: float = LEAST_PAUSE_S) -> AsyncIterator[None]:
        """Wait for a turn; what is done in it must not await. Raises TooManyRequests where too many wait.

        The pause after it is as long as it took, and at least `least_pause_s`: for what it cost before its turn.
        """
        if self._waiting >= MAX_WAITING * self._room:
            raise TooManyRequests("too many new documents or large bodies at once", retry_after_s=1)
        self._waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1
        try:
            if (pause := self._free_at - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            start = time.monotonic()
            try:
                yield
            finally:
                end = time.monotonic()
                self._free_at = end + min(max(end - start, least_pause_s), MAX_PAUSE_S)
        finally:
            self._lock.release()
