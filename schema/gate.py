"""Work that nobody else can be served meanwhile: one piece at a time, and as much time for the others in between.

Every request takes a few turns of the event loop. Where four clients each bring new documents that take 40 ms to
prepare, every turn takes 160 ms, and what is cheap and known is done after seconds.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from domain.errors import TooManyRequests

MAX_WAITING = 100
MAX_PAUSE_S = 0.2
# The loop that serves counts whole milliseconds: to it, less than half of one is no pause at all.
LEAST_PAUSE_S = 0.001


class Gate:
    """Lets one pass after the other, and of those who wait each in turn, however many pieces one of them has.

    `room`: how many times as many as usual may wait.
    """

    def __init__(self, room: int = 1) -> None:
        self._room = room
        self._is_taken = False
        self._free_at = 0.0
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, who: Hashable = None, *, least_pause_s: float = LEAST_PAUSE_S) -> AsyncIterator[None]:
        """Wait for a turn; what is done in it must not await. Raises TooManyRequests where too many wait.

        The pause after it is as long as it took, and at least `least_pause_s`: for what it cost before its turn.
        """
        await self._enter(who)
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
            self._leave()

    async def _enter(self, who: Hashable) -> None:
        if not self._is_taken:
            self._is_taken = True
            return
        self._make_room(who)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                # It was given the turn just before it went away.
                self._leave()
            elif turn in self._waiting.get(who, ()):
                self._forget(who, turn)
            raise

    def _leave(self) -> None:
        """Give the turn to whoever is next; who has more that waits is last then."""
        while self._waiting:
            who, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[who] = turns
            if not turn.done():
                turn.set_result(None)
                return
        self._is_taken = False

    def _make_room(self, who: Hashable) -> None:
        """Where all places are taken, whoever has the most of them gives up one. Raises TooManyRequests."""
        if sum(map(len, self._waiting.values())) < MAX_WAITING * self._room:
            return
        most = max(self._waiting, key=lambda one: len(self._waiting[one]), default=who)
        if len(self._waiting.get(who, ())) + 1 >= len(self._waiting.get(most, ())):
            raise self._full()
        last = self._waiting[most][-1]
        self._forget(most, last)
        last.set_exception(self._full())

    def _forget(self, who: Hashable, turn: "asyncio.Future[None]") -> None:
        turns = self._waiting[who]
        turns.remove(turn)
        if not turns:
            del self._waiting[who]

    @staticmethod
    def _full() -> TooManyRequests:
        return TooManyRequests("too many new documents or large bodies at once", retry_after_s=1)
