"""Pages of origins that a program allows may call; browsers are told so, and other pages get nothing done."""

from typing import Any

import pytest

from tests.graphql.test_session import APPLY, BY_PASSWORD, IMPORT
from tests.graphql.world import CONFIGURATION, Answer, Caller, World
from tests.resolvers.mailbox import PASSWORD

SHOP, OTHER, STRANGE = "https://shop.example", "https://other.example", "https://strange.example"
ASKED = {"access-control-request-method": "POST", "access-control-request-headers": "content-type, x-publishable-key"}


@pytest.fixture
async def ann(world: World, server: Caller) -> str:
    """A member whose program has a page."""
    return await member_with_page(world, server)


async def member_with_page(world: World, server: Caller) -> str:
    """A member with a password; our program allows SHOP, theirs OTHER."""
    for caller, origin in ((server, SHOP), (await world.caller(world.theirs), OTHER)):
        document = CONFIGURATION.replace("program: {", f"program: {{allowed_origins: ['{origin}'], ")
        assert (await caller.ask(APPLY, i={"document": document})).data
    reference = await world.member(server, 100)
    assert (await server.ask(IMPORT, i={"relationReference": reference, "secret": PASSWORD})).data
    return reference


def readers(answer: Any) -> str | None:
    """Whose pages may read an answer."""
    assert "access-control-allow-credentials" not in answer.headers
    allowed: str | None = answer.headers.get("access-control-allow-origin")
    assert allowed is None or "origin" in answer.headers["vary"]
    return allowed


async def start(world: World, origin: str, reference: str) -> Answer:
    page = Caller(world.client, key=world.ours.publishable_key, origin=origin)
    return await page.ask(BY_PASSWORD, i={"relationReference": reference, "password": PASSWORD})


async def test_a_browser_that_asks_is_told_what_it_may(world: World, ann: str) -> None:
    for origin in (SHOP, OTHER):
        answer = await world.client.options("/graphql", headers={"origin": origin, **ASKED})
        assert (answer.status_code, answer.content, readers(answer)) == (204, b"", origin)
        assert answer.headers["access-control-allow-methods"] == "GET, POST"
        allowed = answer.headers["access-control-allow-headers"].split(", ")
        assert {"authorization", "content-type", "x-publishable-key", "idempotency-key"} <= set(allowed)
        assert answer.headers["access-control-max-age"] == "600"


@pytest.mark.parametrize("origin", [STRANGE, "null", "http://shop.example", "https://shop.example:444", "https://x"])
async def test_other_origins_are_told_nothing(world: World, ann: str, origin: str) -> None:
    answer = await world.client.options("/graphql", headers={"origin": origin, **ASKED})
    assert (answer.status_code, readers(answer)) == (403, None)
    assert readers(await Caller(world.client, origin=origin).ask("{__typename}")) is None


async def test_a_page_signs_in_where_its_program_allows_it(world: World, ann: str) -> None:
    answer = await start(world, SHOP, ann)
    token = answer.data["sessionStartByPassword"]["accessToken"]
    assert readers(answer) == SHOP
    assert answer.headers["access-control-expose-headers"] == "retry-after, x-request-id"
    answer = await Caller(world.client, token, origin=SHOP).ask("{me {relationReference}}")
    assert (answer.data, readers(answer)) == ({"me": {"relationReference": ann}}, SHOP)


async def test_a_page_of_another_origin_gets_nothing_done(world: World, ann: str) -> None:
    token = (await start(world, SHOP, ann)).data["sessionStartByPassword"]["accessToken"]
    async with world.nothing_written():
        for origin in (STRANGE, OTHER, "null"):
            answer = await start(world, origin, ann)
            assert (answer.refusal[0], readers(answer)) == ("FORBIDDEN", None)
            app = Caller(world.client, token, origin=origin)
            answer = await world.redeem(app, None, 1, idempotencyKey="k")
            assert (answer.refusal[0], readers(answer)) == ("FORBIDDEN", None)


async def test_a_refusal_can_be_read_before_it_is_known_who_calls(world: World, ann: str) -> None:
    for origin, reader in ((SHOP, SHOP), (OTHER, OTHER), (STRANGE, None)):
        lapsed = await Caller(world.client, "lapsed", origin=origin).ask("{me {id}}")
        assert (lapsed.refusal[0], readers(lapsed)) == ("UNAUTHENTICATED", reader)
        broken = await Caller(world.client, origin=origin).send(b"{")
        assert (broken.status, readers(broken)) == (400, reader)


async def test_a_page_of_our_own_needs_no_leave(world: World, ann: str) -> None:
    for origin in ("http://test", "https://test"):
        answer = await start(world, origin, ann)
        assert answer.data["sessionStartByPassword"]["accessToken"]
        assert readers(answer) is None


async def test_servers_are_asked_for_no_origin(world: World, server: Caller, ann: str) -> None:
    answer = await Caller(world.client, server.token, origin=STRANGE).ask("{program {name}}")
    assert (answer.data, readers(answer)) == ({"program": {"name": "Ours"}}, None)


async def test_an_origin_that_is_taken_off_the_list_is_allowed_no_more(world: World, server: Caller, ann: str) -> None:
    document = CONFIGURATION.replace("program: {", "program: {allowed_origins: [], ")
    assert (await server.ask(APPLY, i={"document": document})).data
    assert (await world.client.options("/graphql", headers={"origin": SHOP, **ASKED})).status_code == 403
    assert (await start(world, SHOP, ann)).refusal[0] == "FORBIDDEN"


async def test_two_origins_are_none(world: World, ann: str) -> None:
    headers = [("content-type", "application/json"), ("origin", SHOP), ("origin", STRANGE)]
    answer = await world.client.post("/graphql", headers=headers, json={"query": "{__typename}"})
    assert answer.status_code == 400
