"""Reads that one caller wants in the same moment, in one database transaction.

They are of one snapshot and take one connection, and what several of them ask first is asked once.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from domain.errors import ServiceUnavailable, TesseraError

Result = TypeVar("Result")
Body = Callable[[Connection], Any]


class Reader(Protocol):
    """What reads."""

    def read(self, body: Callable[[Connection], Result]) -> Coroutine[Any, Any, Result]:
        """Run `body` in one read-only database transaction."""


class SharedReads:
    """The reads of one request. A body that is refused, or fails, leaves the others alone."""

    def __init__(self, db: Reader) -> None:
        self._db = db
        self._waiting: list[tuple[Body, asyncio.Future[Any]]] = []
        self._runs: set[asyncio.Task[None]] = set()
        self._known: dict[Connection, dict[Hashable, Any]] = {}

    async def read(self, body: Callable[[Connection], Result]) -> Result:
        """Run `body` with whatever else is wanted now. Raises what `body` raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((body, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._begin)
        return await future

    def once(self, tx: Connection, key: Hashable, find: Callable[[], Result]) -> Result:
        """What `find` gives, found once in a database transaction."""
        known = self._known.get(tx)
        if known is None:
            return find()
        if key not in known:
            known[key] = find()
        found: Result = known[key]
        return found

    def _begin(self) -> None:
        together, self._waiting = self._waiting, []
        run = asyncio.create_task(self._run(together))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)

    async def _run(self, together: list[tuple[Body, asyncio.Future[Any]]]) -> None:
        try:
            outcomes = await self._db.read(lambda tx: self._outcomes(tx, [body for body, _ in together]))
        except Exception as error:
            if len(together) == 1 or isinstance(error, ServiceUnavailable):
                outcomes = [error] * len(together)
            else:
                # One of them fails: each is read alone, so that it meets no fault but its own.
                for one in together:
                    await self._run([one])
                return
        for (_, future), outcome in zip(together, outcomes, strict=True):
            if future.done():  # whoever asked has gone
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    def _outcomes(self, tx: Connection, bodies: list[Body]) -> list[Any]:
        self._known[tx] = {}
        try:
            return [_outcome(tx, body) for body in bodies]
        finally:
            del self._known[tx]


def _outcome(tx: Connection, body: Body) -> Any:
    """What a body gives, or the refusal in its place."""
    try:
        return body(tx)
    except TesseraError as refusal:
        return refusal
