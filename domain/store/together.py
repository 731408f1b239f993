"""Work that goes together: what arrives while other work runs waits, and is then served at once.

A commit, a round trip and the statements of a database transaction cost about as much as the work of one
caller. So callers that want the same kind of work share them. Whoever is alone waits for nobody.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Kind = TypeVar("Kind")
Item = TypeVar("Item")
Result = TypeVar("Result")

_STANDS_STILL_S = 0.05


@dataclass(slots=True)
class _Wish(Generic[Kind, Item, Result]):
    kind: Kind
    item: Item
    future: asyncio.Future[Result]

    def fail(self, error: BaseException) -> None:
        if not self.future.done():  # its caller may have been cancelled; what it asked for is done all the same
            self.future.set_exception(error)

    def succeed(self, result: Result) -> None:
        if not self.future.done():
            self.future.set_result(result)


class Together(Generic[Kind, Item, Result]):
    """Serves items in order of arrival: `serve` gets neighbours of one kind, at most `most`, and gives their results.

    While `moving` runs are under way, further items wait. A run that stands still, because somebody holds one of
    its accounts, does not count, so that the others' work goes on beside it; `runs` is how many there are with
    those. Where `serve` raises what `is_undone` knows, nothing of the run was done, and each of its items is served
    alone: it meets no fault but its own. Any other error is everybody's.
    """

    def __init__(
        self,
        serve: Callable[[Kind, Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        most: int,
        moving: int,
        runs: int,
        is_undone: Callable[[Exception], bool],
    ) -> None:
        self._serve_run = serve
        self._most = most
        self._at_once = moving
        self._runs = runs
        self._is_undone = is_undone
        self._waiting: deque[_Wish[Kind, Item, Result]] = deque()
        self._began: dict[asyncio.Task[None], float] = {}

    async def add(self, kind: Kind, item: Item) -> Result:
        """The result for this item. Raises what `serve` raises."""
        wish = _Wish[Kind, Item, Result](kind, item, asyncio.get_running_loop().create_future())
        self._waiting.append(wish)
        if len(self._began) < self._runs and self._moving() < self._at_once:
            runner = asyncio.create_task(self._run())
            self._began[runner] = time.monotonic()
            runner.add_done_callback(self._began.pop)
        return await wish.future

    async def finish(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._began)

    def _moving(self) -> int:
        late = time.monotonic() - _STANDS_STILL_S
        return sum(began > late for began in self._began.values())

    async def _run(self) -> None:
        """Serve what waits, all that belongs together at once, until nothing does."""
        runner = asyncio.current_task()
        while self._waiting:
            if runner is not None:
                self._began[runner] = time.monotonic()
            together = [self._waiting.popleft()]
            while self._waiting and self._waiting[0].kind == together[0].kind and len(together) < self._most:
                together.append(self._waiting.popleft())
            await self._serve(together)

    async def _serve(self, together: Sequence[_Wish[Kind, Item, Result]]) -> None:
        try:
            results = await self._serve_run(together[0].kind, [one.item for one in together])
        except BaseException as error:
            # Also where the process is being stopped: nobody is to wait for an answer that never comes.
            if isinstance(error, Exception) and len(together) > 1 and self._is_undone(error):
                for one in together:
                    await self._serve([one])
                return
            for one in together:
                one.fail(error)
            if not isinstance(error, Exception):
                raise
        else:
            for one, result in zip(together, results, strict=True):
                one.succeed(result)
