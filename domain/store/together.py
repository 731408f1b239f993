"""Work that goes together: what arrives while other work runs waits, and is then served at once.

A commit, a round trip and the statements of a database transaction cost about as much as the work of one
caller. So callers that want the same kind of work share them. Whoever is alone waits for nobody.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from math import ceil
from typing import Generic, TypeVar

Kind = TypeVar("Kind")
Item = TypeVar("Item")
Result = TypeVar("Result")

_STANDS_STILL_S = 0.05


@dataclass(slots=True)
class _Wish(Generic[Kind, Item, Result]):
    kind: Kind
    item: Item
    about: Hashable
    future: asyncio.Future[Result]

    def fail(self, error: BaseException) -> None:
        if not self.future.done():  # its caller may have been cancelled; what it asked for is done all the same
            self.future.set_exception(error)

    def succeed(self, result: Result) -> None:
        if not self.future.done():
            self.future.set_result(result)


@dataclass(frozen=True, slots=True)
class _Run(Generic[Kind]):
    began: float
    kind: Kind
    about: frozenset[Hashable]
    size: int


class Together(Generic[Kind, Item, Result]):
    """Serves items in order of arrival: `serve` gets neighbours of one kind, at most `most`, and gives their results.

    At most `moving` runs are under way. With `shares`, where one is, another begins only with its share: an equal part,
    one for each possible run, of all that waits or is being served. So the runs grow with the load and stay of one
    size; else they are of one item and of all others by turns, and hardly overlap (docs/adr/0007).

    A run that stands still, because somebody holds one of its accounts, does not count, so that the others' work goes
    on beside it; `runs` is how many there are with those, `of_kind` how many of one kind stand still before others of
    it wait. Whatever is `about` the same as an item of such a run waits for it. Where `serve` raises what `is_undone`
    knows, nothing of the run was done, and each of its items is served alone: it meets no fault but its own. Any other
    error is everybody's.
    """

    def __init__(
        self,
        serve: Callable[[Kind, Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        most: int,
        moving: int,
        runs: int,
        of_kind: int,
        shares: bool = True,
        is_undone: Callable[[Exception], bool],
    ) -> None:
        self._serve_run = serve
        self._most = most
        self._at_once = moving
        self._runs = runs
        self._of_kind = of_kind
        self._shares = shares
        self._is_undone = is_undone
        self._waiting: deque[_Wish[Kind, Item, Result]] = deque()
        self._began: dict[asyncio.Task[None], _Run[Kind]] = {}
        self._is_called = False
        self._look: asyncio.Handle | None = None

    async def add(self, kind: Kind, item: Item, about: Hashable = None) -> Result:
        """The result for this item; `about` names what it locks. Raises what `serve` raises."""
        loop = asyncio.get_running_loop()
        wish = _Wish[Kind, Item, Result](kind, item, about, loop.create_future())
        self._waiting.append(wish)
        if not self._is_called:
            # Not at once, so that what arrives in the same moment counts.
            self._is_called = True
            loop.call_soon(self._begin)
        return await wish.future

    async def finish(self) -> None:
        """Wait for what is under way."""
        while self._waiting or self._began:
            await asyncio.sleep(0)
            await asyncio.gather(*self._began)

    def _begin(self) -> None:
        """Begin the runs that may begin, and look again where something goes on waiting."""
        self._is_called = False
        while together := self._next():
            run = asyncio.create_task(self._serve(together))
            about = frozenset(one.about for one in together if one.about is not None)
            self._began[run] = _Run(time.monotonic(), together[0].kind, about, len(together))
            run.add_done_callback(self._end)
        if self._waiting and self._look is None:
            # By then a run may stand still.
            self._look = asyncio.get_running_loop().call_later(_STANDS_STILL_S, self._look_again)

    def _next(self) -> list[_Wish[Kind, Item, Result]]:
        """Those of the waiting that may go now, as one run."""
        late = time.monotonic() - _STANDS_STILL_S
        moving = [one.size for one in self._began.values() if one.began > late]
        if not self._waiting or len(self._began) >= self._runs or len(moving) >= self._at_once:
            return []
        stuck = [one for one in self._began.values() if one.began <= late]
        ready = self._ready(stuck) if stuck else self._waiting
        share = ceil((len(ready) + sum(moving)) / self._at_once) if self._shares else len(ready)
        if not ready or (moving and len(ready) < share):
            return []
        together = list(takewhile(lambda one: one.kind == ready[0].kind, islice(ready, min(self._most, share))))
        if ready is self._waiting:
            for _ in together:
                self._waiting.popleft()
        else:
            taken = set(map(id, together))
            self._waiting = deque(one for one in self._waiting if id(one) not in taken)
        return together

    def _ready(self, stuck: Sequence[_Run[Kind]]) -> deque[_Wish[Kind, Item, Result]]:
        """Those of the waiting that runs which stand still do not hold up."""
        held = frozenset[Hashable]().union(*(one.about for one in stuck))
        kinds = [one.kind for one in stuck]
        return deque(one for one in self._waiting if one.about not in held and kinds.count(one.kind) < self._of_kind)

    def _end(self, run: asyncio.Task[None]) -> None:
        self._began.pop(run)
        self._begin()

    def _look_again(self) -> None:
        self._look = None
        self._begin()

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
