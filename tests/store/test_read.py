"""What a read sees, what it cannot do, and in which state it leaves its connection."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from asyncpg import PostgresError
from sqlalchemy import Connection, bindparam, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import await_only

from domain.clock import system_clock
from domain.errors import ProgramNotFound, ServiceUnavailable
from domain.models import outbox
from domain.store.asking import Asking, need, together
from domain.store.database import Database, open_database
from domain.store.outbox import add_events
from domain.store.reading import Reading, read
from tests.statements import noted

COUNT = Reading(
    select(func.count()).select_from(outbox).where(outbox.c.program_id == bindparam("program_id")),
    {"program_id": 1},
    lambda rows: next(iter(rows))[0],
)

OF_ANOTHER = Reading(COUNT.statement, {"program_id": 2}, COUNT.take)


@pytest.fixture
async def db(database_url: str, tmp_path: Path) -> AsyncIterator[Any]:
    """A database with a single connection for reads, so that each meets what the one before it left behind."""
    opened = open_database(database_url, data_dir=tmp_path, pool_size=1)
    yield opened
    await opened.close()


def event(tx: Connection) -> None:
    add_events(tx, 1, [{"topic": "t", "payload": "{}", "created_at": system_clock()}])


def count(tx: Connection) -> int:
    found: int = read(tx, COUNT)
    return found


async def test_a_read_sees_one_instant(database_url: str, tmp_path: Path, db: Database) -> None:
    writer = open_database(database_url, data_dir=tmp_path, pool_size=1)
    await db.write(event)
    seen, more = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def body(tx: Connection) -> tuple[int, int]:
        before = count(tx)
        loop.call_soon_threadsafe(seen.set)
        _wait(tx, loop, more)
        return before, count(tx)

    reading = asyncio.create_task(db.read(body))
    await seen.wait()
    await writer.write(event)
    more.set()
    assert await reading == (1, 1)
    assert await db.read(count) == 2
    await writer.close()


def _wait(tx: Connection, loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    """Wait within a body: both databases run it in a greenlet of the loop."""
    await_only(event.wait())


async def test_who_is_refused_leaves_the_connection_as_it_was(db: Any) -> None:
    def refuse(tx: Connection) -> None:
        count(tx)
        raise ProgramNotFound

    def asking() -> Asking[None]:
        yield from need(COUNT)
        raise ProgramNotFound

    with pytest.raises(ProgramNotFound):
        await db.read(refuse)
    with pytest.raises(ProgramNotFound):
        await db.ask(asking)
    await db.write(event)
    assert [await db.read(count)] == await db.ask(lambda: need(COUNT)) == [1]


async def test_a_read_cannot_write(db: Any) -> None:
    with pytest.raises((DBAPIError, PostgresError, ServiceUnavailable)):
        await db.read(event)
    assert await db.read(count) == 0
    await db.write(event)
    assert await db.read(count) == 1


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
@pytest.mark.parametrize("way", ["read", "ask"])
async def test_who_gives_up_leaves_no_transaction_behind(db: Any, way: str) -> None:
    slow = Reading(select(func.pg_sleep(30)), {}, list)
    ways = {"read": lambda: db.read(lambda tx: read(tx, slow)), "ask": lambda: db.ask(lambda: need(slow))}
    asked = asyncio.create_task(ways[way]())
    await asyncio.sleep(0.2)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await db.write(event)
    assert [await db.read(count)] == await db.ask(lambda: need(COUNT)) == [1]
    open_ones = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'")
    assert await db.read(lambda tx: tx.scalar(open_ones)) == 1


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_a_faulty_statement_costs_its_connection_only(db: Any) -> None:
    for statement in ("SELECT 1 / 0", "SELECT nothing"):
        with pytest.raises(Exception, match=r"division|nothing"):
            await db.read(lambda tx, statement=statement: tx.execute(text(statement)))
        assert await db.read(count) == 0
        faulty = Reading(select(text(statement.removeprefix("SELECT "))), {}, list)
        with pytest.raises(Exception, match=r"division|nothing"):
            await db.ask(partial(need, faulty))
        assert await db.ask(lambda: need(COUNT)) == [0]


async def test_reads_that_go_together_ask_together(db: Any) -> None:
    def asking() -> Asking[list[int]]:
        return (yield from together(need(COUNT), need(OF_ANOTHER), need(COUNT)))

    await db.write(event)
    with noted() as statements:
        assert await db.ask(asking) == [[1, 0, 1]]
    # What is named alike has another value, so one statement cannot ask for both; the same is asked once.
    assert len(statements) == 2


async def test_what_needs_more_than_a_statement_is_of_one_instant(database_url: str, tmp_path: Path, db: Any) -> None:
    """It is begun again in a transaction, so what another writes between its steps does not show."""
    writer = open_database(database_url, data_dir=tmp_path, pool_size=1)
    seen, more = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    begun = 0

    def wait(tx: Connection) -> None:
        loop.call_soon_threadsafe(seen.set)
        _wait(tx, loop, more)

    def asking() -> Asking[tuple[int, int]]:
        nonlocal begun
        begun += 1
        before = yield from need(COUNT)
        yield from need(wait)
        return before, (yield from need(COUNT))

    reading = asyncio.create_task(db.ask(asking))
    await seen.wait()
    await writer.write(event)
    more.set()
    assert await reading == [(0, 0)]
    assert begun == (2 if db.dialect == "postgresql" else 1)
    assert await db.ask(lambda: need(COUNT)) == [1]
    await writer.close()


async def test_a_refusal_of_one_is_the_refusal_of_all_that_go_together(db: Any) -> None:
    def refuse() -> Asking[None]:
        yield from need(COUNT)
        raise ProgramNotFound

    with pytest.raises(ProgramNotFound):
        await db.ask(lambda: together(need(COUNT), refuse()))


async def test_a_refusal_of_what_is_needed_is_raised_within_the_read_that_needs_it(db: Any) -> None:
    def refuse(tx: Connection) -> None:
        raise ProgramNotFound

    def asking() -> Asking[str]:
        try:
            yield from need(refuse)
        except ProgramNotFound:
            return f"none, and {(yield from need(COUNT))}"
        return "some"

    assert await db.ask(asking, lambda: need(COUNT)) == ["none, and 0", 0]
