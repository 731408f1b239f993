"""Alembic migrations, packaged: up, down and a check that the database has what the models say."""

import asyncio
import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from domain.models import METADATA
from domain.models.base import ONLY_ON

Result = TypeVar("Result")

_LOCK = 0x7E55E7A
"""The advisory lock of whoever migrates a PostgreSQL database."""


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database up to a revision."""
    _with_connection(url, lambda connection: command.upgrade(_config(connection), revision))


def downgrade(url: str, revision: str) -> None:
    """Take the database down to a revision."""
    _with_connection(url, lambda connection: command.downgrade(_config(connection), revision))


def is_current(url: str) -> bool:
    """Whether the database stands at the newest revision."""
    head = ScriptDirectory(str(Path(__file__).parent)).get_current_head()
    return _with_connection(url, lambda connection: current_revision(connection)) == head


def current_revision(connection: Connection) -> str | None:
    """The revision that the database stands at."""
    return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str | None:
    """The newest revision there is."""
    return ScriptDirectory(str(Path(__file__).parent)).get_current_head()


def drift(url: str) -> list[Any]:
    """What the models say and the migrated database does not have, or the other way round."""

    def compare(connection: Connection) -> list[Any]:
        models = _models_of(connection.dialect.name)
        return list(compare_metadata(MigrationContext.configure(connection), models))

    return _with_connection(url, compare)


def _models_of(dialect: str) -> MetaData:
    """The models as one database has them, without the constraints that are the other's alone."""
    models = MetaData(naming_convention=METADATA.naming_convention)
    for table in METADATA.sorted_tables:
        own = table.to_metadata(models)
        own.constraints = {one for one in own.constraints if one.info.get(ONLY_ON, dialect) == dialect}
    return models


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def _with_connection(url: str, work: Callable[[Connection], Result]) -> Result:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _on_sqlite(parsed, work)
    # A thread of its own, because the caller may stand in a running event loop.
    box: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            box.append(asyncio.run(_on_postgres(parsed, work)))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return box[0]


async def _on_postgres(url: URL, work: Callable[[Connection], Result]) -> Result:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            # Several machines that start at once take turns; whoever comes second finds the work done.
            await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _on_sqlite(url: URL, work: Callable[[Connection], Result]) -> Result:
    path = Path(url.database or "tessera.db")
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url.set(drivername="sqlite"), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout=10000")
        # Of a new database only. A redemption changes a few bytes on each of a dozen pages, and writes all of each.
        connection.execute("PRAGMA page_size=2048")
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with _write_lock(path), engine.begin() as connection:
        result = work(connection)
    engine.dispose()
    return result


def _write_lock(path: Path) -> AbstractContextManager[None]:
    return _flocked(path.with_name("write.lock")) if path.name != ":memory:" else nullcontext()


@contextmanager
def _flocked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
