"""Subscriptions over server-sent events: the distinct connections mode of GraphQL over SSE."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent, aconnect_sse

from resolvers.outbox import relay_outbox
from tests.graphql.live import WAIT_S, Live, live
from tests.graphql.world import Caller, World
from tests.servers import NO_CERTIFICATES

ACTIVITY = "subscription($r: String, $a: ID) {memberActivity(reference: $r, after: $a) {topic entry {points}}}"
EVENTS = {"accept": "text/event-stream"}


@pytest.fixture
async def served(world: World) -> AsyncIterator[Live]:
    """The world behind a server."""
    async with live(world) as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client that waits."""
    async with httpx.AsyncClient(timeout=WAIT_S, trust_env=False, verify=NO_CERTIFICATES) as opened:
        yield opened


async def _events(
    client: httpx.AsyncClient, served: Live, query: str, headers: dict[str, str], count: int = 1000, **variables: Any
) -> list[ServerSentEvent]:
    """The first events of a stream, or all of them where it ends before."""
    body, found = {"query": query, "variables": variables}, []
    async with aconnect_sse(client, "POST", served.http, json=body, headers=headers) as source:
        assert source.response.headers["cache-control"] == "no-store"
        async for one in source.aiter_sse():
            found.append(one)
            if len(found) == count:
                break
    return found


def _told(event: ServerSentEvent) -> Any:
    assert event.event == "next"
    body = json.loads(event.data)
    assert "errors" not in body, body
    assert body["extensions"]["eventId"] == event.id
    return body["data"]["memberActivity"]


async def test_a_stream_goes_on_behind_the_last_event_id(
    served: Live, server: Caller, client: httpx.AsyncClient
) -> None:
    world = served.world
    reference = await world.member(server)
    for points in range(1, 31):
        await world.earn(server, reference, points)
    await relay_outbox(world.services)
    member = await world.caller(member=reference)
    seen, last = list[Any](), {"last-event-id": "0"}
    for count in (1, 10, 20):
        # What the document says is older than what the client remembers.
        events = await _events(client, served, ACTIVITY, member.headers | EVENTS | last, count, a="0")
        seen += [_told(one) for one in events]
        last = {"last-event-id": events[-1].id}
    assert [one["entry"]["points"] for one in seen[1:]] == [str(points) for points in range(1, 31)]


async def test_a_new_event_comes_when_it_happens(served: Live, server: Caller, client: httpx.AsyncClient) -> None:
    world = served.world
    reference = await world.member(server)
    await relay_outbox(world.services)
    coming = asyncio.create_task(_events(client, served, ACTIVITY, server.headers | EVENTS, 1, r=reference))
    async with asyncio.timeout(WAIT_S):
        while not world.services.feed.positions:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    await world.earn(server, reference, 9)
    (event,) = await coming
    assert _told(event) == {"topic": "points.earned", "entry": {"points": "9"}}


async def test_a_get_with_a_subscription_is_served(served: Live, server: Caller, client: httpx.AsyncClient) -> None:
    await served.world.member(server)
    await relay_outbox(served.world.services)
    params, headers = {"query": "subscription {memberActivity(after: 0) {topic}}"}, server.headers | EVENTS
    async with aconnect_sse(client, "GET", served.http, params=params, headers=headers) as source:
        event = await anext(source.aiter_sse())
        assert _told(event)["topic"] == "member.enrolled"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {memberActivity {nope}}", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ('subscription {memberActivity(reference: "nobody") {topic}}', "NOT_FOUND"),
        ("subscription {memberActivity {topic} balanceChanged {at}}", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_what_does_not_run_is_told_and_completed(
    served: Live, server: Caller, client: httpx.AsyncClient, query: str, code: str
) -> None:
    await relay_outbox(served.world.services)
    async with served.world.nothing_written():
        refused, done = await _events(client, served, query, server.headers | EVENTS)
    body = json.loads(refused.data)
    assert body["errors"][0]["extensions"]["code"] == code
    assert body.get("data") is None
    assert (done.event, done.data) == ("complete", "")


async def test_who_has_no_good_token_is_told_nothing(served: Live, client: httpx.AsyncClient) -> None:
    for headers in ({}, {"authorization": "Bearer x"}):
        refused, done = await _events(client, served, ACTIVITY, headers | EVENTS)
        assert json.loads(refused.data)["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert done.event == "complete"


async def test_queries_come_as_one_event(served: Live, server: Caller, client: httpx.AsyncClient) -> None:
    result, done = await _events(client, served, "{program {currency}}", server.headers | EVENTS)
    assert json.loads(result.data)["data"] == {"program": {"currency": None}}
    assert done.event == "complete"


async def test_a_client_that_also_takes_json_gets_json(served: Live, server: Caller, client: httpx.AsyncClient) -> None:
    # As urql asks for everything.
    both = {"accept": "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"}
    answer = await client.post(served.http, json={"query": "{__typename}"}, headers=server.headers | both)
    assert answer.json()["data"] == {"__typename": "Query"}
    answer = await client.post(served.http, json={"query": ACTIVITY}, headers=server.headers | both)
    assert "text/event-stream" in answer.json()["errors"][0]["message"]


async def test_what_is_no_request_has_the_status_of_its_fault(
    served: Live, server: Caller, client: httpx.AsyncClient
) -> None:
    for status, sent in ((415, {"content": b"{}"}), (400, {"json": []}), (400, {"json": {"query": 1}})):
        answer = await client.post(served.http, headers=server.headers | EVENTS, **sent)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("application/json")


async def test_a_server_that_stops_ends_streams_at_once_so_that_clients_come_back(
    world: World, server: Caller, client: httpx.AsyncClient
) -> None:
    async with live(world) as served:
        coming = asyncio.create_task(_events(client, served, ACTIVITY, server.headers | EVENTS))
        async with asyncio.timeout(WAIT_S):
            while not world.services.feed.positions:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        served.server.should_exit = True
        async with asyncio.timeout(5):
            # Whole, as HTTP sees it, and without the event that says that nothing will come any more.
            assert [one for one in await coming if one.event == "complete"] == []


async def test_a_client_that_went_away_is_followed_no_longer(
    served: Live, server: Caller, client: httpx.AsyncClient
) -> None:
    coming = asyncio.create_task(_events(client, served, ACTIVITY, server.headers | EVENTS))
    feed = served.world.services.feed
    async with asyncio.timeout(WAIT_S):
        while not feed.positions:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        coming.cancel()
        while feed.positions:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
