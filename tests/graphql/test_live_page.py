"""Pages of other origins follow their member live, where its program allows them, for as long as it is signed in."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from tests.graphql.live import Live, live
from tests.graphql.test_cors import OTHER, SHOP, STRANGE, member_with_page, readers, start
from tests.graphql.test_session import REVOKE
from tests.graphql.world import Caller, World

ACTIVITY = "subscription {memberActivity {topic}}"


@pytest.fixture
async def app(world: World, server: Caller) -> Caller:
    """The member's app on the page of its program."""
    ann = await member_with_page(world, server)
    token = (await start(world, SHOP, ann)).data["sessionStartByPassword"]["accessToken"]
    return Caller(world.client, token, key=world.ours.publishable_key)


@pytest.fixture
async def served(world: World) -> AsyncIterator[Live]:
    """The world behind a server."""
    async with live(world) as opened:
        yield opened


async def test_a_socket_opens_for_the_page_of_the_members_program_only(served: Live, app: Caller) -> None:
    with pytest.raises(InvalidStatus):
        async with served.connection(additional_headers={"origin": STRANGE}):
            pass
    # Which program it is for is known when the token comes.
    async with served.connection(additional_headers={"origin": OTHER}) as talk:
        await talk.send(type="connection_init", payload=app.headers)
        assert await talk.closed() == (4403, "Forbidden")
    async with served.connection(app, additional_headers={"origin": SHOP}) as talk:
        await talk.subscribe("1", "{me {balance {available}}}")
        assert await talk.data() == {"balance": {"available": "100"}}


async def test_a_session_that_is_revoked_ends_what_it_follows(
    served: Live, world: World, app: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.services.feed, "recheck_s", 0.05)
    async with served.connection(app) as talk:
        await talk.subscribe("1", ACTIVITY)
        page = replace(app, origin=SHOP)
        assert (await page.ask(REVOKE, i={})).data
        assert await talk.closed() == (4403, "Forbidden")


async def test_a_page_reads_events_where_its_program_allows_it(served: Live, app: Caller) -> None:
    async with httpx2.AsyncClient() as client:
        for origin, reader, kind in ((SHOP, SHOP, "data"), (OTHER, OTHER, "errors"), (STRANGE, None, "errors")):
            headers = {**app.headers, "origin": origin, "accept": "text/event-stream"}
            answer = await client.post(served.http, headers=headers, json={"query": "{me {status}}"})
            assert readers(answer) == reader
            told = next(line for line in answer.text.splitlines() if line.startswith("data: "))
            body = json.loads(told.removeprefix("data: "))
            assert (body.get("data") or {}).get("me") == ({"status": "ACTIVE"} if kind == "data" else None)
            assert ("errors" in body) == (kind == "errors")
