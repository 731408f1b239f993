"""One person with two accounts, or with an account and the client's secret, does not decide about what it asked for."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial

import pytest

from domain.errors import ApprovalNeeded
from resolvers.adjustment import AdjustPoints, adjust_points
from resolvers.change_request import list_change_requests, request_status_change
from resolvers.configuration import apply_configuration
from resolvers.context import Context
from resolvers.member import EnrollMember, enroll_member, get_member
from resolvers.token import IssueToken, authenticate, issue_token
from tests.portal.world import PASSWORD, Browser, Shown, World

TERMS = b"program: {approvals: [member_status], adjustment_approval_from: 100}"


@pytest.fixture
async def strict(world: World) -> World:
    """A program in which the status of members and adjustments are approved, with a member M-1."""
    await apply_configuration(world.contexts[0], TERMS)
    await enroll_member(world.contexts[0], EnrollMember(values={"relation_reference": "M-1"}))
    return world


@pytest.fixture
async def bob(strict: World) -> Browser:
    """Another administrator, whom the command line invited."""
    return await strict.administrator(email="bob@shop.example")


async def _invited(world: World, by: Browser, email: str) -> Browser:
    shown = await by.post("administrators", {"email": email, "role": "program-admin"})
    return await world.through_link(shown.link_token, email)


async def _reset(world: World, by: Browser, number: int, email: str) -> Browser:
    shown = await by.post(f"administrators/{number}", {"what": "reset"})
    return await world.through_link(shown.link_token, email)


async def _ask(world: World, browser: Browser) -> int:
    return (await request_status_change(await world.context(browser), "M-1", 2, "fraud")).id


async def _decide(browser: Browser, number: int, what: str = "approve", kind: str = "changes") -> Shown:
    return await browser.post(f"approvals/{kind}/{number}", {"what": what, "reason": "no"})


async def _refused(world: World, decide: Callable[[], Awaitable[Shown]]) -> None:
    before = await world.contents()
    shown = await decide()
    assert (shown.status, "1396" in shown.text) == (403, True), shown.text
    assert await world.contents() == before


async def test_two_accounts_of_one_person_are_one_pair_of_hands(strict: World, ada: Browser, bob: Browser) -> None:
    one, two = [await _invited(strict, ada, f"{name}@shop.example") for name in ("one", "two")]
    third = await _invited(strict, one, "third@shop.example")
    for maker, decider in ((ada, one), (one, ada), (one, two), (ada, third), (third, two)):
        number = await _ask(strict, maker)
        for what in ("approve", "reject"):
            await _refused(strict, partial(_decide, decider, number, what))
        # Somebody whom neither could be decides.
        assert (await _decide(bob, number, "reject")).status == 303


async def test_accounts_do_not_wash_each_other_clean(strict: World, ada: Browser, bob: Browser) -> None:
    one = await _invited(strict, ada, "one@shop.example")
    await _invited(strict, ada, "two@shop.example")
    two = await _reset(strict, one, 4, "two@shop.example")
    one = await _reset(strict, two, 3, "one@shop.example")
    one = await _reset(strict, one, 3, "one@shop.example")
    number = await _ask(strict, ada)
    await _refused(strict, partial(_decide, one, number))
    # By a link of somebody else it is somebody else's.
    one = await _reset(strict, bob, 3, "one@shop.example")
    assert (await _decide(one, number)).status == 303
    assert (await get_member(strict.contexts[0], "M-1")).status == 2


async def test_who_was_reset_or_let_in_again_does_not_decide(strict: World, ada: Browser, bob: Browser) -> None:
    carl = await strict.administrator(email="carl@shop.example")
    number = await _ask(strict, ada)
    bob = await _reset(strict, ada, 2, "bob@shop.example")
    await _refused(strict, partial(_decide, bob, number))
    for what in ("disable", "enable"):
        assert (await ada.post("administrators/3", {"what": what})).status == 303
    strict.later(minutes=1)
    await carl.post("/portal/sign-in", {"email": "carl@shop.example", "password": PASSWORD})
    assert (await carl.post("/portal/code", {"code": strict.code(carl)})).target == "/portal"
    await _refused(strict, partial(_decide, carl, number))


async def test_who_was_shown_the_clients_secret_does_not_decide_what_the_client_asks(
    strict: World, ada: Browser, bob: Browser
) -> None:
    shown = await ada.post("credentials/reset")
    _, client_id, secret, _ = re.findall(r'data-copy="([^"]+)"', shown.source)
    command = IssueToken(grant_type="client_credentials", client_id=client_id, client_secret=secret)
    token = await issue_token(strict.services, command)
    server = await authenticate(strict.services, token.token)
    ctx = Context(services=strict.services, principal=server, source="graphql", request_id="-")
    asked = await adjust_points(ctx, AdjustPoints(relation_reference="M-1", points=Decimal(500), reason="goodwill"))
    number = int(asked.request_id or 0)
    sock = await _invited(strict, ada, "sock@shop.example")
    # The secret is not hers any more, but was when it was used.
    assert (await bob.post("credentials/reset")).status == 200
    for browser in (ada, sock):
        for what in ("approve", "reject"):
            await _refused(strict, partial(_decide, browser, number, what, "points"))
    assert (await _decide(bob, number, kind="points")).status == 303


@pytest.mark.parametrize(
    "change",
    [
        b"program: {approvals: []}",
        b"program: {adjustment_approval_from: 101}",
        b"program: {adjustment_approval_from: null}",
    ],
)
async def test_nobody_takes_an_approval_away_alone(strict: World, ada: Browser, bob: Browser, change: bytes) -> None:
    ctx = await strict.context(ada)
    server = replace(ctx, principal=replace(ctx.principal, kind=type(ctx.principal.kind).PROGRAM, actor="client:x"))
    before = await strict.contents()
    for one in (ctx, server):
        with pytest.raises(ApprovalNeeded):
            await apply_configuration(one, change)
    assert await strict.contents() == before
    # More of it needs none.
    assert (await apply_configuration(ctx, b"program: {adjustment_approval_from: 50}")).changed
    await apply_configuration(await strict.context(ada, "too slow"), change)
    [waiting] = await list_change_requests(strict.contexts[0], status="PENDING", first=2)
    assert (await _decide(bob, waiting.id)).status == 303
