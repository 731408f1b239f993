"""Empty, migrated databases for tests: migrated once, then copied for each test in milliseconds."""

import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Literal

from domain.migrations import upgrade
from tests.postgres import PostgresServer

Dialect = Literal["sqlite", "postgresql"]

# Each call gives a database that exists, with its URL, for as long as the context lasts.
FreshDatabase = Callable[[], AbstractContextManager[str]]

# Takes the URL of a database that nobody is connected to any more, and gives databases that begin as it is.
CopiesOf = Callable[[str], FreshDatabase]


def sqlite_url(file: Path) -> str:
    """The SQLAlchemy URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{file}"


def migrated_sqlite(folder: Path) -> Path:
    """Make the SQLite file of which the tests get copies."""
    template = folder / "template.db"
    upgrade(sqlite_url(template))
    # A copy is one file: whatever the log still holds must be in it.
    with closing(sqlite3.connect(template)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return template


@contextmanager
def sqlite_copy(template: Path) -> Iterator[str]:
    """A copy of the template in a folder of its own, where lock and log may lie beside it."""
    with tempfile.TemporaryDirectory(dir=template.parent) as folder:
        file = Path(folder) / "tessera.db"
        shutil.copyfile(template, file)
        yield sqlite_url(file)


@contextmanager
def postgres_database(server: PostgresServer, template: str | None = None) -> Iterator[str]:
    """A database under a name that no other run uses, dropped afterwards."""
    name = f"tessera_{uuid.uuid4().hex}"
    try:
        yield server.create_database(name, template)
    finally:
        server.drop_database(name)
