"""Reads that are wanted in the same moment share a database transaction, and nothing else."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, text

from domain.errors import MemberNotFound
from tests.resolvers.conftest import Shop


async def test_reads_of_one_moment_are_one_database_transaction(shop: Shop) -> None:
    ctx = shop.contexts[0].sharing_reads()
    seen: list[Connection] = []

    def body(tx: Connection) -> int:
        seen.append(tx)
        return int(tx.scalar(text(f"SELECT {len(seen)}")) or 0)

    assert await asyncio.gather(*(ctx.read(body) for _ in range(3))) == [1, 2, 3]
    assert len(set(map(id, seen))) == 1
    assert await ctx.read(body) == 4
    assert len(set(map(id, seen))) == 2


async def test_what_several_of_them_ask_is_found_once_in_a_database_transaction(shop: Shop) -> None:
    ctx = shop.contexts[0].sharing_reads()
    states: list[Any] = []
    asked: list[str] = []

    def body(tx: Connection) -> None:
        states.append(ctx.program(tx))
        ctx.once(tx, "key", lambda: asked.append("asked"))

    await asyncio.gather(ctx.read(body), ctx.read(body))
    assert len(asked) == 1
    await ctx.read(body)
    assert len(asked) == 2
    assert {one.id for one in states} == {ctx.principal.program}


def _refused(_: Connection) -> None:
    raise MemberNotFound


def _mistaken(_: Connection) -> None:
    raise RuntimeError


def _broken(tx: Connection) -> None:
    # PostgreSQL refuses it, and everything after it in the database transaction; SQLite finds nothing to divide.
    if tx.scalar(text("SELECT 1 / 0")) is None:
        raise RuntimeError


@pytest.mark.parametrize("fails", [_refused, _mistaken, _broken])
async def test_one_that_fails_leaves_the_others_alone(shop: Shop, fails: Callable[[Connection], None]) -> None:
    ctx = shop.contexts[0].sharing_reads()

    def counts(tx: Connection) -> int:
        return int(tx.scalar(text("SELECT 7")) or 0)

    before, failed, after = await asyncio.gather(
        ctx.read(counts), ctx.read(fails), ctx.read(counts), return_exceptions=True
    )
    assert (before, after) == (7, 7)
    assert isinstance(failed, Exception)
    assert isinstance(failed, MemberNotFound) == (fails is _refused)


async def test_whoever_gives_up_takes_nothing_away_from_the_others(shop: Shop) -> None:
    ctx = shop.contexts[0].sharing_reads()
    impatient = asyncio.create_task(ctx.read(lambda tx: tx.scalar(text("SELECT 1"))))
    patient = asyncio.create_task(ctx.read(lambda tx: tx.scalar(text("SELECT 2"))))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == 2
    with pytest.raises(asyncio.CancelledError):
        await impatient
