"""Whoever follows the feed too slowly is cut off, and goes on behind the last event that it saw."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import TooManyRequests
from domain.store.feed import Selection, StoredEvent
from resolvers import feed
from resolvers.access_cache import KnownToken
from resolvers.context import Context
from resolvers.feed import Feed, Follower, FollowerTooSlow
from resolvers.following import Recheck, follow_members, newest_event
from resolvers.outbox import read_feed, relay_outbox
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import enroll

NOW = datetime(2026, 2, 3, tzinfo=UTC)


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


def test_an_event_is_offered_to_those_only_who_may_want_it() -> None:
    known = Feed()
    everybody = Follower(Selection(of_members=True), 0, is_live=True)
    batches = Follower(Selection(of_members=False), 0, is_live=True)
    of_members = [Follower(Selection(of_members=True, member_ids=frozenset({one})), 0, is_live=True) for one in (1, 2)]
    event = StoredEvent(seq=1, topic="points.earned", member_id=2, payload="{}", created_at=NOW)
    with ExitStack() as stack:
        for one in (everybody, batches, *of_members):
            stack.enter_context(known.followed(7, 0, one))
        # The first has merged into the third, whom nobody followed.
        known.reselect(7, of_members[0], Selection(of_members=True, member_ids=frozenset({1, 3})))
        known.publish(7, [event, replace(event, seq=2, member_id=3), replace(event, seq=3, member_id=None)])
        waiting = {one: [event.seq for event in one._waiting] for one in (everybody, batches, *of_members)}
    assert waiting == {everybody: [1, 2], batches: [3], of_members[0]: [2], of_members[1]: [1]}
    assert known.positions == {}


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
