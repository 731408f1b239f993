"""Maker and checker: what a program has approved is asked for, decided by somebody else, and happens once."""

import asyncio
from decimal import Decimal

import pytest

from domain.errors import ApprovalNeeded
from resolvers.adjustment import AdjustPoints, adjust_points
from resolvers.bonus import PostBonus, post_bonus
from resolvers.change_request import list_change_requests, request_status_change
from resolvers.configuration import apply_configuration, get_configuration
from resolvers.context import Context
from resolvers.member import EnrollMember, UpdateMember, enroll_member, get_member, update_member
from resolvers.points_request import list_points_requests
from tests.portal.world import Browser, Shown, World

ALL = b"program: {approvals: [configuration, credential_reset, member_status], adjustment_approval_from: 100}"


@pytest.fixture
async def strict(world: World) -> World:
    """A program that has everything approved, and a member M-1."""
    await apply_configuration(world.contexts[0], ALL)
    await enroll_member(world.contexts[0], EnrollMember(values={"relation_reference": "M-1"}))
    return world


@pytest.fixture
async def bob(strict: World) -> Browser:
    """Another administrator."""
    return await strict.administrator("program-manager", email="bob@shop.example")


async def _decide(world: World, browser: Browser, what: str, kind: str = "changes", **form: str) -> Shown:
    """Decide about the oldest of a kind, decided already or not."""
    listed = list_points_requests if kind == "points" else list_change_requests
    oldest = (await listed(world.contexts[0], first=10))[-1]
    return await browser.post(f"approvals/{kind}/{oldest.id}", {"what": what, **form})


async def test_a_configuration_waits_for_somebody_else(strict: World, ada: Browser, bob: Browser) -> None:
    ctx = await strict.context(ada)
    before = await strict.contents()
    change = b"product_codes: [{code: BOOKS}]"
    with pytest.raises(ApprovalNeeded):
        await apply_configuration(ctx, change)
    assert await strict.contents() == before
    proposed = await apply_configuration(await strict.context(ada, "for the bookshop"), change)
    assert (proposed.changed, proposed.request_id is None) == (False, False)
    page = (await bob.get("approvals")).text
    assert "for the bookshop" in page
    assert "Added: BOOKS" in page
    [waiting] = await list_change_requests(strict.contexts[0], first=2)
    assert "BOOKS" in (await bob.get(f"approvals/changes/{waiting.id}")).text
    own = await _decide(strict, ada, "approve")
    assert (own.status, "does not decide" in own.text) == (403, True)
    assert (await _decide(strict, bob, "approve")).status == 303
    now = await get_configuration(ctx)
    assert [one["code"] for one in now.document["product_codes"]] == ["MUSIC", "BOOKS"]
    again = await _decide(strict, bob, "approve")
    assert (again.status, "127" in again.text) == (409, True)


async def test_the_programs_own_servers_cannot_go_round_it(strict: World) -> None:
    principal = type(strict.contexts[0].principal)
    ours = strict.contexts[0].principal
    server = principal(
        kind=type(ours.kind).PROGRAM,
        actor="client:x",
        program_id=ours.program_id,
        public_program_id=1,
        permissions=ours.permissions,
    )
    ctx = Context(services=strict.services, principal=server, source="graphql", request_id="-")
    with pytest.raises(ApprovalNeeded):
        await apply_configuration(ctx, b"program: {approvals: []}", prune=True)


async def test_what_another_change_overtook_is_not_approved(strict: World, ada: Browser, bob: Browser) -> None:
    await apply_configuration(await strict.context(ada, "first"), b"product_codes: [{code: A}]")
    await apply_configuration(strict.contexts[0], b"product_codes: [{code: B}]")
    before = await strict.contents()
    shown = await _decide(strict, bob, "approve")
    assert (shown.status, "1305" in shown.text) == (409, True)
    assert await strict.contents() == before


async def test_new_credentials_need_an_approval_for_each(strict: World, ada: Browser, bob: Browser) -> None:
    before = await strict.contents()
    refused = await ada.post("credentials/reset")
    assert (refused.status, "1391" in refused.text) == (403, True)
    assert await strict.contents() == before
    assert (await ada.post("credentials/request-reset", {"reason": "it leaked"})).status == 303
    assert (await ada.post("credentials/reset")).status == 403
    assert (await _decide(strict, bob, "approve")).status == 303
    issued = await ada.post("credentials/reset")
    assert (issued.status, "Client secret" in issued.text) == (200, True)
    assert (await ada.post("credentials/reset")).status == 403


async def test_a_members_status_waits_as_well(strict: World, ada: Browser, bob: Browser) -> None:
    ctx = await strict.context(ada)
    with pytest.raises(ApprovalNeeded):
        await update_member(ctx, UpdateMember(relation_reference="M-1", values={"status": 2}))
    await request_status_change(ctx, "M-1", 2, "fraud")
    assert (await get_member(ctx, "M-1")).status == 5
    assert (await _decide(strict, bob, "approve")).status == 303
    assert (await get_member(ctx, "M-1")).status == 2
    # The rest of a profile is changed as ever.
    await update_member(ctx, UpdateMember(relation_reference="M-1", values={"full_name": "Mo"}))


async def test_an_award_by_hand_is_no_way_round_the_limit(strict: World, ada: Browser) -> None:
    ctx = await strict.context(ada)
    before = await strict.contents()
    with pytest.raises(ApprovalNeeded):
        await post_bonus(ctx, PostBonus(relation_reference="M-1", points=Decimal(100)))
    assert await strict.contents() == before
    assert (await post_bonus(ctx, PostBonus(relation_reference="M-1", points=Decimal(99)))).points == 99
    # A server has no second pair of hands: what it gives is the program's own business.
    assert (await post_bonus(strict.contexts[0], PostBonus(relation_reference="M-1", points=Decimal(100)))).points


async def test_two_who_approve_at_once_have_it_happen_once(strict: World, ada: Browser, bob: Browser) -> None:
    carl = await strict.administrator("program-manager", email="carl@shop.example")
    await request_status_change(await strict.context(ada), "M-1", 2, "fraud")
    both = await asyncio.gather(*(_decide(strict, one, "approve") for one in (bob, carl)))
    assert sorted(one.status for one in both) == [303, 409]


async def test_a_rejection_says_why_and_a_change_can_be_taken_back(strict: World, ada: Browser, bob: Browser) -> None:
    ctx = await strict.context(ada)
    for _ in range(2):
        await request_status_change(ctx, "M-1", 2, "fraud")
    missing = await _decide(strict, bob, "reject")
    assert (missing.status, "999" in missing.text) == (400, True)
    assert (await _decide(strict, bob, "reject", reason="no proof")).status == 303
    newest = (await list_change_requests(strict.contexts[0], first=1))[0].id
    assert (await bob.post(f"approvals/changes/{newest}", {"what": "withdraw"})).status == 403
    assert (await ada.post(f"approvals/changes/{newest}", {"what": "withdraw"})).status == 303
    page = (await ada.get("approvals?status=all")).text
    assert "no proof" in page
    assert "Withdrawn" in page
    assert "Nothing waits" in (await ada.get("approvals")).text


async def test_an_adjustment_is_posted_by_somebody_else(strict: World, ada: Browser, bob: Browser) -> None:
    ctx = await strict.context(ada)
    command = AdjustPoints(relation_reference="M-1", points=Decimal(500), reason="goodwill", idempotency_key="k")
    assert (await adjust_points(ctx, command)).entry_id is None
    assert (await _decide(strict, ada, "approve", "points")).status == 403
    assert (await _decide(strict, bob, "approve", "points")).status == 303
    assert "Nothing waits" in (await bob.get("approvals")).text


async def test_another_programs_changes_are_not_to_be_seen(strict: World, ada: Browser) -> None:
    await request_status_change(await strict.context(ada), "M-1", 2, "fraud")
    eve = await strict.administrator(email="eve@shop.example", program=2)
    eve.base = "/portal/p/2/sandbox"
    assert "fraud" not in (await eve.get("approvals")).text
    assert (await _decide(strict, eve, "approve")).status == 404
