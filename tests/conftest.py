"""What every test may ask for: a PostgreSQL server, and databases of its own on both engines."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import make_url

from domain.migrations import upgrade
from tests.audited import hold_entries_to_their_shapes
from tests.database import CopiesOf, Dialect, FreshDatabase, migrated_sqlite, postgres_database, sqlite_copy
from tests.engines import share_compiled_statements
from tests.memory import memory
from tests.postgres import PostgresServer, PostgresUnavailableError, shared_postgres
from tests.scale import long_run

SERVER_URL = pytest.StashKey[str]()

# A busy machine is slow at times, which says nothing about the code; and the everyday run is the same
# every time, while the long one looks for something new.
_common = settings(deadline=None, database=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", _common, derandomize=True)
settings.register_profile("long", _common, max_examples=2_000)
settings.load_profile("long" if long_run else "ci")


def pytest_configure() -> None:
    """Keep the settings of whoever runs the tests out of them, and spare each test what all have in common."""
    for name in [name for name in os.environ if name.startswith("TESSERA_")]:
        if not name.startswith("TESSERA_TEST_"):
            del os.environ[name]
    share_compiled_statements()
    hold_entries_to_their_shapes()
    # A kill takes nothing from files in memory, as it takes nothing from those that the system has yet to write.
    if folder := memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Start one PostgreSQL for all workers, which ends together with the process that started them."""
    stash = node.config.stash
    if SERVER_URL not in stash:
        stack = ExitStack()
        node.config.add_cleanup(stack.close)
        try:
            stash[SERVER_URL] = stack.enter_context(shared_postgres()).url
        except PostgresUnavailableError:
            # The tests that need it say so, each in its own report; the others run.
            return
    node.workerinput["postgres_url"] = stash[SERVER_URL]


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """The PostgreSQL server of this run. A test that wants to stop one starts its own."""
    if url := getattr(request.config, "workerinput", {}).get("postgres_url"):
        yield PostgresServer(url)
    else:
        with shared_postgres() as server:
            yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file."""
    return migrated_sqlite(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> Iterator[str]:
    """The name of a migrated database on the server."""
    with postgres_database(postgres) as url:
        upgrade(url)
        yield str(make_url(url).database)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """The engine that a test runs on: each in turn, or the one that it is parametrised with."""
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(scope="session")
def fresh_database(dialect: Dialect, request: pytest.FixtureRequest) -> FreshDatabase:
    """Makes migrated databases: for a campaign that needs many, or one for a whole module."""
    if dialect == "sqlite":
        return partial(sqlite_copy, request.getfixturevalue("sqlite_template"))
    server, template = map(request.getfixturevalue, ("postgres", "postgres_template"))
    return partial(postgres_database, server, template)


@pytest.fixture(scope="session")
def copies_of(dialect: Dialect, request: pytest.FixtureRequest) -> CopiesOf:
    """Makes copies of a database: for tests that all begin with the same contents."""
    if dialect == "sqlite":
        return lambda url: partial(sqlite_copy, Path(str(make_url(url).database)))
    server = request.getfixturevalue("postgres")
    return lambda url: partial(postgres_database, server, str(make_url(url).database))


@pytest.fixture
def database_url(fresh_database: FreshDatabase) -> Iterator[str]:
    """The URL of an empty, migrated database that no other test sees."""
    with fresh_database() as url:
        yield url
