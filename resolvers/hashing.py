"""Slow hashes in a few threads of their own: what waits too long is sent away, the rest of the process goes on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from domain.errors import TooManyRequests

Result = TypeVar("Result")

THREADS = 2
MOST_AT_ONCE = 32
"""At work and waiting; more of them would wait for seconds."""


@dataclass(slots=True)
class HashingPool:
    """Bounded threads for passwords; each hash takes a core and 19 MiB for some tens of milliseconds."""

    most: int = MOST_AT_ONCE
    _threads: ThreadPoolExecutor | None = None
    _running: int = field(default=0)

    async def run(self, work: Callable[[], Result]) -> Result:
        """What `work` gives. Raises TooManyRequests where too many wait."""
        if self._running >= self.most:
            raise TooManyRequests("too many passwords at once", retry_after_s=1)
        self._running += 1
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="hashing")
        # A caller who goes away leaves its hash to the end: until then it takes its place.
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(self._ended)
        return await asyncio.shield(future)

    def _ended(self, future: "asyncio.Future[Result]") -> None:
        self._running -= 1
        if not future.cancelled():
            future.exception()

    def close(self) -> None:
        """Take no more work; what runs comes to its end."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None
