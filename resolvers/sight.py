"""What one request for many things has seen: looked up once, and read in as few database transactions as it can be.

It belongs to one caller and lives as long as one request, up to the next mutation in it.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from domain.errors import TesseraError
from domain.member import Member
from domain.store.asking import Asking, need
from domain.store.database import PostgresDatabase, SqliteDatabase
from domain.store.program import ProgramState

Result = TypeVar("Result")

_Waiting = tuple[Callable[[], Asking[Any]], "asyncio.Future[Any]"]


@dataclass(slots=True)
class Sight:
    """Members that the caller may see, the program as it is in force, and reads that go together.

    Reads that are asked for in one turn of the event loop share a database transaction, so they tell of the same
    instant, and what they all need is looked up by the first of them.
    """

    db: PostgresDatabase | SqliteDatabase
    state: ProgramState | None = None
    members: dict[int, Member] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    own: frozenset[int] | None = None
    _waiting: list[_Waiting] = field(default_factory=list)
    _running: set["asyncio.Task[None]"] = field(default_factory=set)

    def know(self, members: Iterable[Member]) -> None:
        """Keep members that were read: the caller may see them."""
        for one in members:
            self.members[one.id] = one
            self.seen.add(one.id)

    async def read(self, body: Callable[[Connection], Result]) -> Result:
        """The same of what has to be done with the database itself."""
        return await self.ask(lambda: need(body))

    async def ask(self, begin: Callable[[], Asking[Result]]) -> Result:
        """What a read finds at one instant, with whatever else is asked for now.

        Raises what it raises, ServiceUnavailable.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((begin, answer))
        if len(self._waiting) == 1:
            loop.call_soon(self._begin)
        return await answer

    def _begin(self) -> None:
        waiting, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(self._run(waiting))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

        def given_up(_: object) -> None:
            if all(answer.cancelled() for _, answer in waiting):
                task.cancel()

        for _, answer in waiting:
            answer.add_done_callback(given_up)

    async def _run(self, waiting: Sequence[_Waiting]) -> None:
        wanted = [one for one in waiting if not one[1].done()]
        if not wanted:
            return
        try:
            results = await self.db.ask(*[partial(_settled, begin) for begin, _ in wanted])
        except Exception as error:  # noqa: BLE001 - each caller is told, as if it had read alone
            results = [error] * len(wanted)
        for (_, answer), result in zip(wanted, results, strict=True):
            if answer.done():
                continue
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)


def _settled(begin: Callable[[], Asking[Any]]) -> Asking[Any]:
    """What a read finds, or its refusal in its place, so that it leaves the others alone."""
    try:
        return (yield from begin())
    except TesseraError as refusal:
        return refusal
