"""How loaders ask: one call for many keys, and one answer for all who wait for it."""

import asyncio
from collections.abc import Mapping

from schema.batched import by_key


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
