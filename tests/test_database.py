"""The tests' own ground: databases that are migrated, empty, and nobody else's."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.database import Dialect, FreshDatabase
from tests.postgres import PostgresServer, running_postgres
from tests.scale import long_run, scaled


async def _execute(url: str, *statements: str) -> list[tuple[object, ...]]:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        results = [await connection.execute(text(statement)) for statement in statements]
        rows = [tuple(row) for row in results[-1]] if results[-1].returns_rows else []
    await engine.dispose()
    return rows


async def test_a_database_is_migrated(database_url: str) -> None:
    assert await _execute(database_url, "SELECT version_num FROM alembic_version")


@pytest.mark.parametrize("attempt", [1, 2])
async def test_what_one_test_writes_no_other_sees(database_url: str, attempt: int) -> None:
    await _execute(database_url, "CREATE TABLE mine (attempt INTEGER)")


async def test_a_test_may_make_more_databases(fresh_database: FreshDatabase, dialect: Dialect) -> None:
    with fresh_database() as one, fresh_database() as another:
        assert one.startswith(dialect)
        await _execute(one, "CREATE TABLE mine (attempt INTEGER)")
        await _execute(another, "CREATE TABLE mine (attempt INTEGER)")


async def test_the_shared_server_gives_copies_of_a_database(postgres: PostgresServer) -> None:
    source = postgres.create_database("tests_source")
    await _execute(source, "CREATE TABLE kept (id INTEGER)", "INSERT INTO kept VALUES (7)")
    copy = postgres.create_database("tests_copy", template="tests_source")
    assert await _execute(copy, "SELECT id FROM kept") == [(7,)]
    for name in ("tests_source", "tests_copy"):
        postgres.drop_database(name)


async def test_a_killed_server_comes_back_with_what_was_committed() -> None:
    with running_postgres(durable=True) as server:
        await _execute(server.url, "CREATE TABLE kept (id INTEGER)", "INSERT INTO kept VALUES (7)")
        server.kill()
        with pytest.raises(ConnectionRefusedError):
            await _execute(server.url, "SELECT 1")
        server.start()
        assert await _execute(server.url, "SELECT id FROM kept") == [(7,)]
        server.stop()
        server.start()
        assert await _execute(server.url, "SHOW fsync") == [("on",)]


def test_an_everyday_run_does_a_twentieth_and_never_nothing() -> None:
    expected = [5, 100, 101] if long_run else [1, 5, 6]
    assert [scaled(count) for count in (5, 100, 101)] == expected
