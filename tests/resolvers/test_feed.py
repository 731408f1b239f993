"""Whoever follows the feed too slowly is cut off, and goes on behind the last event that it saw."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import TooManyRequests
from resolvers import feed
from resolvers.access_cache import KnownToken
from resolvers.context import Context
from resolvers.feed import FollowerTooSlow
from resolvers.following import Recheck, follow_members, newest_event
from resolvers.outbox import read_feed, relay_outbox
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import enroll


async def test_who_is_too_slow_is_cut_off_and_misses_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MAX_QUEUED", 5)
    context, recheck = shop.contexts[0], _recheck(shop, shop.contexts[0])
    await relay_outbox(shop.services)
    start = await newest_event(context)
    slow = follow_members(context, None, after=start, recheck=recheck)
    first = asyncio.create_task(anext(slow))
    while not any(one.is_live for one in shop.services.feed._followers[context.principal.program]):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await _publish(shop, context, "FIRST")
    seen = [one.seq for one in await first]
    for number in range(6):
        await _publish(shop, context, f"LATER-{number}")
    with pytest.raises(FollowerTooSlow):
        await anext(slow)
    assert shop.services.feed.positions == {}
    again = follow_members(context, None, after=seen[-1], recheck=recheck)
    newest = await newest_event(context)
    while seen[-1] < newest:
        seen += [one.seq for one in await anext(again)]
    await again.aclose()
    assert seen == list(range(start + 1, newest + 1))


async def test_one_caller_follows_so_often_and_no_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MAX_OF_CLIENT", 1)
    context = shop.contexts[0]
    await enroll(context, "ANN", 5)
    await relay_outbox(shop.services)
    one, two = (follow_members(context, None, after=0, recheck=_recheck(shop, context)) for _ in range(2))
    assert await anext(one)
    with pytest.raises(TooManyRequests):
        await anext(two)
    await one.aclose()
    three = follow_members(context, None, after=0, recheck=_recheck(shop, context))
    assert await anext(three)
    await three.aclose()


async def _publish(shop: Shop, context: Context, reference: str) -> None:
    await enroll(context, reference, 5)
    await relay_outbox(shop.services)
    await read_feed(shop.services)


def _recheck(shop: Shop, context: Context) -> Recheck:
    async def again() -> KnownToken:
        return KnownToken(context.principal, None, shop.now + timedelta(hours=1))

    return again
