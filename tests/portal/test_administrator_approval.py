"""Where a program has it so, what is done to administrators waits for another one, who gets the link."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from domain.access import system_principal
from domain.administrator import Grant
from domain.errors import ApprovalNeeded
from resolvers.administrator_link import invite_administrator
from resolvers.change_request import list_change_requests, request_status_change
from resolvers.configuration import apply_configuration
from resolvers.context import Context
from resolvers.member import EnrollMember, enroll_member
from resolvers.program import go_live
from tests.portal.world import Browser, Shown, World

TERMS = b"program: {approvals: [administrators, member_status]}"
EVE = "eve@shop.example"


@pytest.fixture
async def strict(world: World, ada: Browser) -> World:
    """A program that has administrators approved, with the role call-centre and somebody who has it, number 2."""
    assert (await ada.post("roles", {"name": "call-centre", "cell": ["Members:view"]})).status == 303
    await world.administrator("call-centre", email="carl@shop.example")
    await apply_configuration(world.contexts[0], TERMS)
    return world


@pytest.fixture
async def bob(strict: World) -> Browser:
    """Another administrator, whom the command line invited."""
    return await strict.administrator(email="bob@shop.example")


async def _decide(world: World, browser: Browser, what: str = "approve") -> Shown:
    [newest] = await list_change_requests(world.contexts[0], first=1)
    return await browser.post(f"approvals/changes/{newest.id}", {"what": what})


CHANGES: list[tuple[str, Mapping[str, Any]]] = [
    ("administrators", {"email": EVE, "role": "program-admin"}),
    ("administrators/2", {"what": "reset"}),
    ("administrators/2", {"what": "role", "role": "program-manager"}),
    ("administrators/2", {"what": "enable"}),
    ("roles", {"name": "call-centre", "cell": ["Members:view", "Administration:view"]}),
]


@pytest.mark.parametrize(("path", "form"), CHANGES)
async def test_it_waits_for_another_who_may_do_it(
    strict: World, ada: Browser, bob: Browser, path: str, form: Mapping[str, Any]
) -> None:
    manager = await strict.administrator("program-manager", email="dan@shop.example")
    before = await strict.contents()
    without = await ada.post(path, form)
    assert (without.status, "1391" in without.text) == (403, True), without.text
    assert await strict.contents() == before
    asked = await ada.post(path, {**form, "reason": "we grow"})
    assert (asked.status, asked.link_token) == (303, "")
    tables = [one for one in before if one.startswith(("administrator", "custom"))]
    waiting = await strict.contents()
    assert {name: waiting[name] for name in tables} == {name: before[name] for name in tables}
    assert "we grow" in (await bob.get("approvals")).text
    for browser in (ada, manager):
        assert (await _decide(strict, browser)).status == 403
    assert await strict.contents() == waiting
    done = await _decide(strict, bob)
    assert done.status in {200, 303}, done.text
    assert bool(done.link_token) == (path == "administrators" or form.get("what") == "reset")
    assert [row[7] for row in (await strict.contents())["change_request"]] == ["DONE"]
    after = await strict.contents()
    assert any(after[name] != before[name] for name in tables)
    assert (await _decide(strict, bob)).status == 409


async def test_the_link_is_for_who_approves_and_the_new_one_is_independent_of_who_asked(
    strict: World, ada: Browser, bob: Browser
) -> None:
    await enroll_member(strict.contexts[0], EnrollMember(values={"relation_reference": "M-1"}))
    await ada.post("administrators", {"email": EVE, "role": "program-admin", "reason": "we grow"})
    eve = await strict.through_link((await _decide(strict, bob)).link_token, EVE)
    await request_status_change(await strict.context(bob), "M-1", 2, "fraud")
    refused = await _decide(strict, eve)
    assert (refused.status, "1396" in refused.text) == (403, True)
    await request_status_change(await strict.context(ada), "M-1", 2, "fraud")
    assert (await _decide(strict, eve)).status == 303
    trail = (await ada.get("audit?action=administrator.invite")).text
    assert f"admin:bob@shop.example administrator.invite administrator:{EVE}" in trail


@pytest.mark.parametrize("what", ["disable", "remove"])
async def test_shutting_out_and_taking_a_role_wait_for_nobody(strict: World, ada: Browser, what: str) -> None:
    assert (await ada.post("administrators/2", {"what": what})).status == 303
    assert await list_change_requests(strict.contexts[0], first=1) == []


async def test_where_nobody_else_could_approve_it_is_not_asked_for(strict: World, ada: Browser) -> None:
    # Somebody who cannot, and somebody who is not independent.
    await apply_configuration(strict.contexts[0], b"program: {approvals: []}", prune=False)
    shown = await ada.post("administrators", {"email": "sock@shop.example", "role": "program-admin"})
    await strict.through_link(shown.link_token, "sock@shop.example")
    await apply_configuration(strict.contexts[0], TERMS)
    before = await strict.contents()
    shown = await ada.post("administrators", {"email": EVE, "role": "program-admin", "reason": "we grow"})
    assert (shown.status, "1391" in shown.text, "command line" in shown.text) == (403, True, True)
    assert await strict.contents() == before


async def test_the_sandbox_is_no_way_round_what_live_wants(world: World, ada: Browser) -> None:
    services = replace(world.services, environment="production")
    own = replace(world.contexts[0], services=services)
    await go_live(own)
    [live] = [row for row in (await world.contents())["program"] if "live" in row]
    principal = system_principal(live[0], 1, "live", "test")
    await apply_configuration(Context(services=services, principal=principal, source="test", request_id="-"), TERMS)
    ctx = replace(await world.context(ada), services=services)
    before = await world.contents()
    with pytest.raises(ApprovalNeeded):
        await invite_administrator(ctx, EVE, [Grant(public_program_id=1, role="program-admin")])
    assert await world.contents() == before
