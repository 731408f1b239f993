"""One database behind three calls: `read(body)`, `ask(begin)` and `write(body)`, on SQLite and on PostgreSQL.

A body is a plain function of a SQLAlchemy connection, so the same SQL serves both: on PostgreSQL it runs
over asyncpg, on SQLite's writer it runs without a single thread switch (docs/adr/0001).
"""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool
from sqlalchemy.util import await_only, greenlet_spawn

from domain.errors import ServiceUnavailable, TesseraError
from domain.store.asking import Asking, Need, answer, together
from domain.store.bare import BARE, driver_of
from domain.store.connections import Connections
from domain.store.failure import retried
from domain.store.listener import PostgresListener
from domain.store.postgres_calls import PostgresCalls
from domain.store.reading import Reading, Values, for_driver, go_together, take
from domain.store.sqlite_writer import SqliteWriter, sqlite_reader_engine

Result = TypeVar("Result")
Body = Callable[[Connection], Result]

# Longer than the server's own limit: it only strikes where the server or the network is frozen.
_ANSWER_S = 35
_SESSION = {
    "lock_timeout": "5000",
    "statement_timeout": "30000",
    "idle_in_transaction_session_timeout": "30000",
}
# Use cases find what they need by its key, so one plan is good for all values; to plan each statement anew takes the
# server longer than to run it. Without values a planner would read small tables whole, until they are large.
SESSION_OF_STATEMENTS = _SESSION | {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
# A plan that was made before the server knew how its tables are filled is not the best one, so connections do not
# get old.
_CONNECTION_LIFE_S = 30

# A function's plans live as long as its connection. One that was made for an empty table would go on
# reading all of it when it is full, so these connections know no way but an index.
_BY_INDEX = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}


class Database(Protocol):
    """What use cases and store functions may rely on. `has_one_writer`: no two writes get on at the same time."""

    dialect: str
    has_one_writer: bool

    async def read(self, body: Body[Result]) -> Result:
        """Run `body` in one read-only database transaction. Raises ServiceUnavailable."""

    async def ask(self, *begin: Callable[[], Asking[Any]]) -> list[Any]:
        """What reads find, all at one instant; each may be begun more than once. Raises ServiceUnavailable."""

    async def write(self, body: Body[Result]) -> Result:
        """Run `body` in one database transaction and commit durably. Raises ServiceUnavailable.

        An error raised by `body` stores nothing. `body` may run again after a deadlock.
        """

    async def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """See to it that `heard` is called when a process tells something on the channel; to be repeated.

        Notices may be lost, and where there is one process there are none. Raises ServiceUnavailable.
        """

    def use(self) -> Mapping[str, int]:
        """How much is in use now: of what, how many."""

    async def close(self) -> None:
        """Give back every connection."""


class SqliteDatabase:
    """The embedded database: readers of their own, one writer that shares commits."""

    dialect = "sqlite"
    has_one_writer = True

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._readers = sqlite_reader_engine(path)
        self._writer = None if read_only else SqliteWriter(path)

    async def read(self, body: Body[Result]) -> Result:
        """See `Database.read`."""
        return await _run(self._readers, partial(_undone, body))

    async def ask(self, *begin: Callable[[], Asking[Any]]) -> list[Any]:
        """See `Database.ask`."""
        return await self.read(lambda tx: [answer(tx, one()) for one in begin])

    async def write(self, body: Body[Result]) -> Result:
        """See `Database.write`; concurrent calls share one commit."""
        if self._writer is None:
            raise ServiceUnavailable("the database was opened read-only")
        return await self._writer.submit(body)

    async def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """See `Database.listen`: there is nobody else to hear."""

    def use(self) -> Mapping[str, int]:
        """See `Database.use`: what waits for the one writer."""
        return {} if self._writer is None else {"waiting": self._writer.waiting}

    async def close(self) -> None:
        """See `Database.close`."""
        await self._readers.dispose()
        if self._writer is not None:
            await asyncio.to_thread(self._writer.close)


class PostgresDatabase:
    """PostgreSQL: an engine for everything, and a bare pool for single function calls that move points."""

    dialect = "postgresql"
    has_one_writer = False

    def __init__(self, url: str, *, pool_size: int) -> None:
        self._url = make_url(url)
        self._engine = create_async_engine(
            self._url,
            # Values of statements would bring personal data into messages and logs.
            hide_parameters=True,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=False,
            pool_recycle=_CONNECTION_LIFE_S,
            connect_args={"server_settings": SESSION_OF_STATEMENTS, "timeout": 5, "command_timeout": _ANSWER_S},
        )
        self._readers = self._engine.execution_options(isolation_level="AUTOCOMMIT", **{BARE: True})
        plain = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._calls = PostgresCalls(plain, pool_size, _SESSION | _BY_INDEX, _ANSWER_S)
        self._asks = Connections(plain, SESSION_OF_STATEMENTS, answer_s=_ANSWER_S, statement_life_s=_CONNECTION_LIFE_S)
        self._room = asyncio.Semaphore(max(1, pool_size // 2))
        self._listener = PostgresListener(plain)

    async def read(self, body: Body[Result]) -> Result:
        """See `Database.read`."""
        return await _run(self._readers, partial(_within_snapshot, body))

    async def ask(self, *begin: Callable[[], Asking[Any]]) -> list[Any]:
        """See `Database.ask`: one statement is of one instant by itself; where more is needed all begin again."""
        asking = together(*[one() for one in begin])
        try:
            needs = next(asking)
            if (readings := _one_statement(needs)) is not None:
                asking.send(take(readings, await self._fetch(*for_driver(readings))))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # what the reads find
        asking.close()
        return await self.read(lambda tx: [answer(tx, one()) for one in begin])

    async def write(self, body: Body[Result]) -> Result:
        """See `Database.write`; deadlocks and serialisation failures are tried again."""
        return await _run(self._engine, partial(_in_transaction, body))

    async def call(self, statement: str, *values: Any, about: Hashable) -> Sequence[Any]:
        """One call of a function that locks what it is `about`, in one round trip and durable; the row it gives.

        `statement` takes an array for each value, because concurrent calls share it and its commit.
        Raises ServiceUnavailable: the outcome is then unknown until the call is repeated with its key.
        """
        return list(await retried(lambda: self._calls.call(statement, values, about)))

    async def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """See `Database.listen`: on a connection that is for nothing else."""
        await retried(lambda: self._listener.listen(channel, heard))

    def use(self) -> Mapping[str, int]:
        """See `Database.use`: connections that work and that are open, by what they are for."""
        pool = cast(QueuePool, self._engine.pool)
        return {
            "statements_busy": pool.checkedout(),
            "statements_open": pool.checkedin() + pool.checkedout(),
            **{f"reads_{name}": count for name, count in self._asks.use.items()},
            **{f"calls_{name}": count for name, count in self._calls.use.items()},
        }

    async def close(self) -> None:
        """See `Database.close`."""
        await self._listener.close()
        await self._engine.dispose()
        await self._calls.close()
        await self._asks.close()

    async def _fetch(self, statement: str, values: Sequence[Any]) -> Sequence[Values]:
        async with self._room:
            rows = await retried(lambda: self._asks.fetch(statement, values))
        return cast(Sequence[Values], rows)


def _one_statement(needs: Sequence[Need]) -> list[Reading[Any]] | None:
    readings = [one for one in needs if isinstance(one, Reading)]
    return readings if len(readings) == len(needs) and go_together(readings) else None


async def _run(engine: AsyncEngine, run: Body[Result]) -> Result:
    """Run with a connection, all of it in one greenlet: a greenlet for each step takes half as long again."""
    return await retried(lambda: greenlet_spawn(_connected, engine, run))


def _connected(engine: AsyncEngine, run: Body[Result]) -> Result:
    with engine.sync_engine.connect() as connection:
        return run(connection)


def _in_transaction(body: Body[Result], connection: Connection) -> Result:
    with connection.begin():
        return body(connection)


def _undone(body: Body[Result], connection: Connection) -> Result:
    with connection.begin() as transaction:
        result = body(connection)
        transaction.rollback()
        return result


def _within_snapshot(body: Body[Result], connection: Connection) -> Result:
    """Several statements, all of which tell of the same instant; begun and ended by the driver alone."""
    bare = driver_of(connection)

    def whole(connection: Connection) -> Result:
        await_only(bare.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        try:
            result = body(connection)
        except TesseraError:
            await_only(bare.execute("ROLLBACK"))
            raise
        await_only(bare.execute("ROLLBACK"))
        return result

    return _alone(whole, connection)


def _alone(body: Body[Result], connection: Connection) -> Result:
    try:
        return body(connection)
    except TesseraError:
        raise
    except BaseException:
        # Nobody knows what it would answer next.
        connection.invalidate()
        raise


def open_database(
    url: str, *, data_dir: Path, serving: bool = True, read_only: bool = False, pool_size: int = 16
) -> SqliteDatabase | PostgresDatabase:
    """Open the database behind a SQLAlchemy URL.

    `serving` is for the shell's own locks; `read_only` opens no writer on SQLite.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteDatabase(Path(parsed.database or data_dir / "tessera.db"), read_only=read_only)
    return PostgresDatabase(url, pool_size=pool_size)


def ping(tx: Connection) -> None:
    """Ask the database for a sign of life."""
    tx.execute(text("SELECT 1"))
