"""What is done to a member by hand: points move once, refusals write nothing, approval and the second factor count."""

from decimal import Decimal
from typing import Any

import pytest

from resolvers.bonus import PostBonus, post_bonus
from resolvers.change_request import list_change_requests
from resolvers.ledger import list_balances, page_entries
from resolvers.member import EnrollMember, Member, enroll_member, get_member
from resolvers.program import apply_configuration
from resolvers.verification import verify_ledger
from tests.portal.world import RULES, Browser, World

GIVE = {"direction": "give", "points": "25", "reason": "Goodwill", "key": "k-1"}
AWARD = {"points": "7", "bonus_type": "2", "narration": "Birthday", "key": "k-1"}
REDEEM = {"points": "40", "loyalty_txn_type": "30", "merchant_name": "Shop", "key": "k-1"}


@pytest.fixture
async def ann(world: World) -> Member:
    """A member with 100 points."""
    ctx = world.contexts[0]
    member = (await enroll_member(ctx, EnrollMember(values={"relation_reference": "ANN", "status": 1}))).member
    await post_bonus(ctx, PostBonus(relation_reference="ANN", points=Decimal(100)))
    return member


async def available(world: World, member: Member) -> int:
    """The points that a member may spend; the books hold."""
    assert await verify_ledger(world.services) == []
    return int((await list_balances(world.contexts[0], [member.id]))[member.id].available)


@pytest.mark.parametrize(
    ("action", "form", "after"),
    [
        ("adjust", GIVE, 125),
        ("adjust", GIVE | {"direction": "take"}, 75),
        ("award", AWARD, 107),
        ("redeem", REDEEM, 60),
    ],
)
async def test_points_move_once_for_a_form(
    world: World, ada: Browser, ann: Member, action: str, form: dict[str, str], after: int
) -> None:
    page = f"members/{ann.id}/{action}"
    key = (await ada.get(page)).values("key")
    assert len(key[0]) > 20
    assert (await ada.post(page, form)).status == 303
    assert (await ada.post(page, form)).status == 303
    assert await available(world, ann) == after
    assert (await ada.post(page, form | {"key": key[0]})).status == 303
    assert await available(world, ann) == after + (after - 100)


@pytest.mark.parametrize(
    ("action", "form", "code"),
    [
        ("adjust", GIVE | {"points": "many"}, "999"),
        ("adjust", GIVE | {"points": "-5"}, "998"),
        ("adjust", GIVE | {"points": "0"}, "998"),
        ("adjust", GIVE | {"points": "0.5"}, "998"),
        ("adjust", GIVE | {"points": "1" * 18}, "999"),
        ("adjust", GIVE | {"reason": " "}, "999"),
        ("adjust", GIVE | {"direction": "lend"}, "998"),
        ("adjust", GIVE | {"expires": "soon"}, "999"),
        ("adjust", GIVE | {"expires": "2020-01-01"}, "998"),
        ("award", AWARD | {"points": ""}, "999"),
        ("award", AWARD | {"bonus_type": "9"}, "998"),
        ("award", AWARD | {"points": "-1"}, "120"),
        ("redeem", REDEEM | {"points": "NaN"}, "999"),
        ("redeem", REDEEM | {"amount": "a lot"}, "999"),
        ("redeem", REDEEM | {"loyalty_txn_type": "77"}, "998"),
        ("status", {"status": "9"}, "998"),
    ],
)
async def test_a_refused_form_keeps_what_was_typed_and_writes_nothing(
    world: World, ada: Browser, ann: Member, action: str, form: dict[str, str], code: str
) -> None:
    before = await world.contents()
    shown = await ada.post(f"members/{ann.id}/{action}", form)
    assert shown.status >= 400
    assert f"<code>{code}</code>" in shown.source
    assert shown.values("key") == ([form["key"]] if "key" in form else [])
    assert shown.values("points") == ([form["points"]] if "points" in form else [])
    assert await world.contents() == before


@pytest.mark.parametrize(
    ("action", "form"),
    [("adjust", GIVE | {"direction": "take", "points": "101"}), ("redeem", REDEEM | {"points": "101"})],
)
async def test_more_than_there_is_is_refused(
    world: World, ada: Browser, ann: Member, action: str, form: dict[str, str]
) -> None:
    before = await world.contents("idempotency")
    shown = await ada.post(f"members/{ann.id}/{action}", form)
    assert (shown.status, "<code>121</code>" in shown.source) == (422, True)
    assert await world.contents("idempotency") == before


async def test_what_moves_points_needs_a_code_that_was_shown_just_now(world: World, ada: Browser, ann: Member) -> None:
    await enroll_member(world.contexts[0], EnrollMember(values={"relation_reference": "BOB"}))
    assert (await ada.post(f"members/{ann.id}/redeem", REDEEM)).status == 303
    redemption = await _newest(world, ann, "redemption")
    world.later(minutes=11)
    await ada.get()
    forms: list[tuple[str, dict[str, Any]]] = [
        ("adjust", GIVE),
        ("award", AWARD),
        ("redeem", REDEEM | {"key": "k-2"}),
        (f"entries/{redemption}/reverse", {}),
        ("merge", {"other": "BOB"}),
        ("erase", {"confirm": "ANN"}),
        ("tier", {"tier": "", "reason": "x"}),
    ]
    before = await world.contents("administrator_session")
    for action, form in forms:
        shown = await ada.post(f"members/{ann.id}/{action}", form)
        assert (action, shown.status, "<code>1390</code>" in shown.source) == (action, 403, True)
    assert await world.contents("administrator_session") == before
    assert "Authenticator code" in (await ada.get(f"members/{ann.id}/adjust")).text
    assert (await ada.post(f"members/{ann.id}/adjust", GIVE | {"proof": world.code(ada)})).status == 303
    assert await available(world, ann) == 85


async def _newest(world: World, member: Member, kind: str) -> int:
    found = await page_entries(world.contexts[0], [member.id], first=100)
    return next(one.stored.id for one in found[member.id] if one.stored.kind == kind)


async def test_an_adjustment_that_needs_approval_waits(world: World, ada: Browser, ann: Member) -> None:
    await apply_configuration(world.contexts[0], RULES.replace(b"currency: EUR", b"adjustment_approval_from: 20"))
    shown = await ada.post(f"members/{ann.id}/adjust", GIVE)
    assert shown.target.endswith("/requests")
    waits = await ada.get(shown.target)
    assert "Goodwill" in waits.text
    assert "Pending" in waits.text
    assert await available(world, ann) == 100


async def test_a_redemption_is_reversed_whole_and_once(world: World, ada: Browser, ann: Member) -> None:
    assert (await ada.post(f"members/{ann.id}/redeem", REDEEM)).status == 303
    path = f"members/{ann.id}/entries/{await _newest(world, ann, 'redemption')}/reverse"
    assert "Reverse a redemption" in (await ada.get(path)).text
    assert (await ada.post(path, {"key": "r-1"})).status == 303
    assert (await ada.post(path, {"key": "r-1"})).status == 303
    assert await available(world, ann) == 100
    before = await world.contents()
    again = await ada.post(path, {"key": "r-2"})
    assert (again.status, "<code>122</code>" in again.source) == (409, True)
    bonus = await _newest(world, ann, "bonus")
    assert (await ada.post(f"members/{ann.id}/entries/{bonus}/reverse", {"key": "r-3"})).status == 404
    assert await world.contents() == before


async def test_the_status_is_changed_and_a_canceled_one_never(world: World, ada: Browser, ann: Member) -> None:
    page = f"members/{ann.id}/status"
    assert (await ada.post(page, {"status": "2"})).status == 303
    assert (await get_member(world.contexts[0], "ANN")).status == 2
    assert "Status Suspended" in (await ada.get(f"members/{ann.id}/audit")).text
    assert (await ada.post(page, {"status": "4"})).status == 303
    before = await world.contents()
    refused = await ada.post(page, {"status": "1"})
    assert (refused.status, "<code>1204</code>" in refused.source) == (422, True)
    assert await world.contents() == before


async def test_a_status_that_needs_approval_waits_for_somebody_else(world: World, ada: Browser, ann: Member) -> None:
    await apply_configuration(world.contexts[0], RULES.replace(b"currency: EUR", b"approvals: [member_status]"))
    page = f"members/{ann.id}/status"
    before = await world.contents()
    assert (await ada.post(page, {"status": "2"})).status == 400
    assert await world.contents() == before
    assert (await ada.post(page, {"status": "2", "reason": "Fraud"})).status == 303
    assert (await get_member(world.contexts[0], "ANN")).status == 1
    bob = await world.administrator(email="bob@shop.example")
    [waiting] = await list_change_requests(world.contexts[0], first=10)
    decision = f"approvals/changes/{waiting.id}"
    assert (await ada.post(decision, {"what": "approve"})).status == 403
    assert (await get_member(world.contexts[0], "ANN")).status == 1
    assert (await bob.post(decision, {"what": "approve"})).status == 303
    assert (await get_member(world.contexts[0], "ANN")).status == 2
    assert (
        "admin:bob@shop.example Member: update Status Active Status Suspended"
        in (await ada.get(f"members/{ann.id}/audit")).text
    )
