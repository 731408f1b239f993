"""How loaders ask: one call for many keys, and one answer for all who wait for it."""

import asyncio
import gc
from collections.abc import Mapping

from schema.batched import by_key
from tests.graphql.world import Caller, World


async def test_a_field_that_is_cancelled_takes_no_answer_from_those_who_wait_for_the_same() -> None:
    calls: list[list[int]] = []

    async def load(keys: list[int]) -> Mapping[int, str]:
        calls.append(keys)
        await asyncio.sleep(0)
        return {key: f"value {key}" for key in keys}

    async def field() -> str | None:
        return await loader.load(1)

    loader = by_key(load)
    cancelled, waiting = asyncio.create_task(field()), asyncio.create_task(field())
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await waiting == "value 1"
    assert cancelled.cancelled()
    assert calls == [[1]]


async def test_a_request_leaves_nothing_behind_that_only_the_collector_finds(world: World, server: Caller) -> None:
    """What a request read would stay in memory until then, and to look for it costs as much as some reads."""
    reference = await world.member(server, 10)
    screen = """query($r: String!) {member(reference: $r) {tier {name} balance {available} lots {edges {node {id}}}
        holds {edges {node {id}}} transactions {edges {node {id}}} subRelations {edges {node {id}}}
        ledger(first: 5) {totalCount edges {node {id points member {id}}}}}}"""
    for _ in range(3):
        await server.ask(screen, r=reference)
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in range(3):
            assert (await server.ask(screen, r=reference)).data
        gc.collect()
        kept = {
            type(one).__name__
            for one in gc.garbage
            if type(one).__module__.startswith(("domain", "resolvers", "schema"))
        }
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert kept == set()
