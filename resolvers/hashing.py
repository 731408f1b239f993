"""Slow hashes in a few threads of their own: what waits too long is sent away, the rest of the process goes on."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from domain.errors import TooManyRequests

Result = TypeVar("Result")

THREADS = 2
MOST_AT_ONCE = 96
"""The work that may be done and wait at once, in hashes of argon2: about a second of it."""
SHARE = 3, 4
"""How much of it one program may have, so that its flood refuses no member of another."""


@dataclass(slots=True)
class HashingPool:
    """Bounded threads for passwords; each hash takes a core and 19 MiB for some tens of milliseconds."""

    most: int = MOST_AT_ONCE
    _threads: ThreadPoolExecutor | None = None
    _taken: Counter[int] = field(default_factory=Counter)

    async def run(self, work: Callable[[], Result], *, program: int, cost: int = 1) -> Result:
        """What `work` gives; `cost` is in hashes. Raises TooManyRequests where too much waits."""
        taken, own = self._taken.total(), self._taken[program]
        # What alone costs more than a share is done where nothing else of the program waits.
        if taken + min(cost, self.most) > self.most or (own and (own + cost) * SHARE[1] > self.most * SHARE[0]):
            raise TooManyRequests("too many passwords at once", retry_after_s=1)
        self._taken[program] += cost
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="hashing")
        # A caller who goes away leaves its hash to the end: until then it takes its place.
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(partial(self._ended, program, cost))
        return await asyncio.shield(future)

    def _ended(self, program: int, cost: int, future: "asyncio.Future[Result]") -> None:
        self._taken[program] -= cost
        if not self._taken[program]:
            del self._taken[program]
        if not future.cancelled():
            future.exception()

    def close(self) -> None:
        """Take no more work; what runs comes to its end."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None
