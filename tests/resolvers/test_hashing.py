"""Passwords that wait are bounded, by what they cost and for each program."""

import asyncio
from collections import Counter
from threading import Event

import pytest

from domain.errors import TooManyRequests
from resolvers.hashing import HashingPool
from tests.resolvers.conftest import Shop
from tests.resolvers.mailbox import PASSWORD, login, person, tried


async def test_when_too_many_passwords_wait_the_next_one_is_sent_away(shop: Shop) -> None:
    ctx = shop.contexts[0]
    pool = HashingPool(most=1)
    object.__setattr__(shop.services, "hashing", pool)
    await person(ctx, "ANN", password=PASSWORD)
    done = Event()
    other = asyncio.create_task(pool.run(done.wait, program=ctx.principal.program))
    await asyncio.sleep(0)
    assert [await tried(ctx, "ANN") for _ in range(3)] == ["429"] * 3
    with pytest.raises(TooManyRequests) as refused:
        await login(ctx, "ANN")
    assert refused.value.retry_after_s == 1
    done.set()
    await other
    assert await tried(ctx, "ANN") == "000"


async def test_the_flood_of_one_program_refuses_no_member_of_another(shop: Shop) -> None:
    ctx, other = shop.contexts
    object.__setattr__(shop.services, "hashing", HashingPool(most=8))
    for one in (ctx, other):
        await person(one, "ANN", password=PASSWORD)
    flood = asyncio.gather(*(tried(ctx, f"NOBODY-{number}") for number in range(20)))
    await asyncio.sleep(0)
    assert await tried(other, "ANN") == "000"
    told = Counter(await flood)
    assert told.keys() == {"117", "429"}
    assert told["117"] >= 6


async def test_what_costs_more_leaves_room_for_fewer() -> None:
    pool, ran = HashingPool(most=8), list[int]()

    async def run(cost: int, program: int = 1) -> str:
        try:
            await pool.run(lambda: ran.append(cost), program=program, cost=cost)
        except TooManyRequests:
            return "429"
        return "ran"

    # A program has three quarters; what costs more than all there is runs alone.
    assert tuple(await asyncio.gather(run(4), run(4), run(2), run(1, 2), run(2, 2))) == (
        "ran",
        "429",
        "ran",
        "ran",
        "429",
    )
    assert tuple(await asyncio.gather(run(20), run(1), run(1, 2))) == ("ran", "429", "429")
    assert await run(1, 2) == "ran"
    assert ran == [4, 2, 1, 20, 1]
