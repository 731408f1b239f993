"""SQLite's single writer: one thread, one connection, one durable commit for all who wait.

SQLite gives one writer at a time whatever we do, and its busy handler is unfair. So writes queue here, run
one after another in savepoints of one database transaction, and share its commit. Readers have
connections of their own. Only this connection checkpoints, and only under `write.lock`, which command-line
writers take as well: libraries before SQLite 3.51.3 can corrupt a write-ahead log that two connections
write and checkpoint at the same instant.
"""

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from domain.errors import ServiceUnavailable

Result = TypeVar("Result")

_JOBS_PER_COMMIT = 128
_JOBS_WAITING = 10_000
_LOCK_WAIT_S = 10
_LOCK_RETRY_S = 0.005
# Each checkpoint writes the same pages again, so rare ones cost less; this many rows are up to 80 MiB of log.
_CHANGES_PER_CHECKPOINT = 20_000


@dataclass(slots=True)
class _Job:
    body: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: BaseException | None = None

    def deliver(self) -> None:
        if self.future.done():  # the caller was cancelled; what it asked for is stored all the same
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class SqliteWriter:
    """Runs write bodies in order of arrival; `submit` returns after the commit that holds them."""

    def __init__(self, path: Path) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._raw = _connect(path, "PRAGMA synchronous=FULL", "PRAGMA wal_autocheckpoint=0")
        self._written_back = 0
        self._lock_file = os.open(path.with_name("write.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with self._locked():
            self._raw.execute("PRAGMA journal_mode=WAL")
        engine = create_engine("sqlite://", creator=lambda: self._raw, poolclass=StaticPool, hide_parameters=True)
        # Transactions are begun and ended here, by hand, so SQLAlchemy is told to leave them alone.
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many writes wait for their turn."""
        return self._jobs.qsize()

    async def submit(self, body: Callable[[Connection], Result]) -> Result:
        """Run `body` in the writer; its result once it is durable. Raises ServiceUnavailable."""
        if self._jobs.qsize() > _JOBS_WAITING:
            raise ServiceUnavailable("too many writes are waiting", retry_after_s=1)
        loop = asyncio.get_running_loop()
        job = _Job(body, loop.create_future(), loop)
        self._jobs.put(job)
        result: Result = await job.future
        return result

    def close(self) -> None:
        """Finish what is queued, write the log back and close."""
        self._jobs.put(None)
        self._thread.join()
        # Where another process keeps the lock, or a failed body left a cursor open, the log stays as it is for
        # the next start to read.
        with suppress(TimeoutError, sqlite3.OperationalError), self._locked():
            self._raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()
            self._raw.close()
        os.close(self._lock_file)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            done: list[_Job] = []
            try:
                with self._locked():
                    self._transaction(job, done)
            except (sqlite3.Error, OSError) as error:
                self._fail(done or [job], error)
            _deliver(done or [job])
            self._checkpoint()

    def _transaction(self, job: _Job, done: list[_Job]) -> None:
        """Run this job and all that wait behind it, then commit once."""
        self._raw.execute("BEGIN IMMEDIATE")
        stopping = False
        following: _Job | None = job
        while following is not None:
            done.append(following)
            self._savepoint(following)
            try:
                following = self._jobs.get_nowait() if len(done) < _JOBS_PER_COMMIT else None
                stopping = len(done) < _JOBS_PER_COMMIT and following is None
            except queue.Empty:
                following = None
        self._raw.execute("COMMIT")
        if stopping:
            self._jobs.put(None)

    def _savepoint(self, job: _Job) -> None:
        self._raw.execute("SAVEPOINT job")
        try:
            job.result = job.body(self._connection)
        except Exception as error:  # noqa: BLE001 - whatever the body raises belongs to its caller
            job.error = ServiceUnavailable(retry_after_s=1) if _is_operational(error) else error
            job.error.__cause__ = error if job.error is not error else error.__cause__
            if not self._raw.in_transaction:
                # A full disk ends the whole transaction, with everything that shared it.
                raise sqlite3.OperationalError("the transaction was lost") from error
            self._raw.execute("ROLLBACK TO job")
        self._raw.execute("RELEASE job")

    def _fail(self, jobs: list[_Job], error: Exception) -> None:
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")
        for job in jobs:
            job.error = ServiceUnavailable(retry_after_s=1)
            job.error.__cause__ = error

    def _checkpoint(self) -> None:
        """Write the log back now and then: by changed rows, for the log's file never gets shorter again."""
        if self._raw.total_changes - self._written_back < _CHANGES_PER_CHECKPOINT:
            return
        # Nobody waits for this, and where it fails the log only grows until the next commit tries again.
        with suppress(sqlite3.Error, OSError), self._locked():
            self._raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._written_back = self._raw.total_changes

    def _try_lock(self) -> bool:
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold `write.lock`. Raises TimeoutError where another process does not give it back."""
        deadline = time.monotonic() + _LOCK_WAIT_S
        while not self._try_lock():
            if time.monotonic() > deadline:
                raise TimeoutError("another process holds write.lock")
            time.sleep(_LOCK_RETRY_S)
        try:
            yield
        finally:
            fcntl.flock(self._lock_file, fcntl.LOCK_UN)


def _is_operational(error: Exception) -> bool:
    return isinstance(error, sqlite3.OperationalError | OperationalError)


def _deliver(jobs: list[_Job]) -> None:
    """Wake the callers: one wake-up for each event loop, not one for each job."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, mine in by_loop.items():
        try:
            loop.call_soon_threadsafe(_deliver_here, mine)
        except RuntimeError:  # the loop was closed meanwhile: nobody waits any more
            continue


def _deliver_here(jobs: list[_Job]) -> None:
    for job in jobs:
        job.deliver()


def _connect(path: Path, *pragmas: str) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    # Without recursive triggers INSERT OR REPLACE would pass by the guards of what is append-only.
    own = ("PRAGMA busy_timeout=10000", "PRAGMA foreign_keys=ON", "PRAGMA recursive_triggers=ON")
    for pragma in (*own, *pragmas):
        connection.execute(pragma)
    return connection


def sqlite_reader_engine(path: Path) -> AsyncEngine:
    """Connections that only read, each database transaction on one snapshot."""
    engine = create_async_engine(
        f"sqlite+aiosqlite:///file:{path}?mode=ro&uri=true",
        pool_size=8,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("PRAGMA busy_timeout=10000", "PRAGMA query_only=ON"):
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def raw_sqlite(tx: Connection) -> sqlite3.Connection:
    """The writer's own sqlite3 connection under a write body: for the few statements that must be lean."""
    raw: Any = tx.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        raise TypeError("only SQLite's writer has a plain sqlite3 connection")
    return raw
