"""What administrators do to members stands in the audit trail; merges and messages of a member are listed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.access import Permission
from domain.errors import Forbidden, InsufficientPoints, KeyReused
from domain.member import MASK
from resolvers.adjustment import AdjustPoints, adjust_points
from resolvers.bonus import PostBonus, post_bonus
from resolvers.configuration import apply_configuration
from resolvers.context import Context
from resolvers.erasure import erase_member
from resolvers.hold import CancelHold, cancel_hold, create_hold
from resolvers.member import EnrollMember, UpdateMember, enroll_member, get_member, update_member
from resolvers.member_trail import list_member_trail
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.merge_record import list_merges
from resolvers.message_record import list_messages
from resolvers.points_request import list_points_requests
from resolvers.redemption import RedeemPoints, ReverseRedemption, redeem_points, reverse_redemption
from resolvers.sub_relation import LinkSubRelation, UnlinkSubRelation, link_sub_relation, unlink_sub_relation
from resolvers.tier import SetTier, set_tier
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import HOLD_ORDER, administrator, enroll, give, nothing_written, verified


@pytest.fixture
async def desk(shop: Shop) -> AsyncIterator[Context]:
    """An administrator, from an address, of a program with ANN, who has 100 points, and BOB, who has 50."""
    await enroll(shop.contexts[0], "ANN", 100)
    await enroll(shop.contexts[0], "BOB", 50)
    principal = administrator(shop.contexts[0], "one").principal
    yield replace(shop.contexts[0], principal=replace(principal, address="192.0.2.7", browser="Test/1.0"))
    await verified(shop)


async def trail(ctx: Context, reference: str) -> list[tuple[str, Any, Any]]:
    """The trail of a member, oldest first: what was done, before and after."""
    member = await get_member(ctx, reference)
    found = await list_member_trail(ctx, member.id, first=100)
    assert all((one.actor, one.address, one.browser) == ("admin:one", "192.0.2.7", "Test/1.0") for one in found)
    return [(one.action, one.before, one.after) for one in reversed(found)]


async def test_an_enrolment_and_a_change_tell_what_was_and_is_but_nothing_of_the_person(desk: Context) -> None:
    values = {"relation_reference": "CID", "status": 1, "full_name": "Cid", "gender": "M", "passport": "P-1"}
    await enroll_member(desk, EnrollMember(values=values))
    changed = {"full_name": "Cid Campeador", "gender": "O", "status": 2}
    await update_member(desk, UpdateMember(relation_reference="CID", values=changed))
    enrolled, updated = await trail(desk, "CID")
    told = {"relation_reference": "CID", "status": 1, "full_name": MASK, "gender": "M", "passport": MASK}
    assert enrolled == ("member.enroll", None, told)
    assert updated == (
        "member.update",
        {"full_name": MASK, "gender": "M", "status": 1},
        {"full_name": MASK, "gender": "O", "status": 2},
    )


async def test_what_a_server_changes_is_in_its_own_history(shop: Shop, desk: Context) -> None:
    await update_member(shop.contexts[0], UpdateMember(relation_reference="ANN", values={"gender": "F"}))
    assert await trail(desk, "ANN") == []


async def test_each_movement_by_hand_is_told(desk: Context) -> None:
    ann = (await get_member(desk, "ANN")).id
    given = await adjust_points(desk, AdjustPoints(relation_reference="ANN", points=Decimal(5), reason="Late"))
    bonus = await post_bonus(desk, PostBonus(relation_reference="ANN", points=Decimal(7), idempotency_key="one"))
    await post_bonus(desk, PostBonus(relation_reference="ANN", points=Decimal(7), idempotency_key="one"))
    spent = await redeem_points(desk, RedeemPoints(relation_reference="ANN", points=Decimal(10), use_defaults=True))
    reverse = ReverseRedemption(
        relation_reference="ANN", external_reference=str(spent.external_reference), use_defaults=True
    )
    back = await reverse_redemption(desk, reverse)
    hold = await create_hold(desk, HOLD_ORDER)
    await cancel_hold(desk, CancelHold(hold_id=hold.id))
    assert back.member_id == ann
    assert await trail(desk, "ANN") == [
        told("points.adjust", 100, 105, points="5", entry=given.entry_id),
        told("points.award", 105, 112, points="7", bonus_type=2, entry=bonus.entry_id),
        told("points.redeem", 112, 102, points="10", entry=spent.entry_id, merchant="One"),
        told("redemption.reverse", 102, 112, points="10", redemption=spent.entry_id, entry=back.entry_id),
        told("hold.cancel", 82, 112, points="30", hold=hold.id),
    ]


def told(action: str, before: int, after: int, **more: Any) -> tuple[str, Any, Any]:
    """What stands in the trail of a movement."""
    return action, {"balance": str(before)}, {"balance": str(after), **more}


async def test_a_redemption_by_hand_is_told_once_and_a_refused_one_not_at_all(shop: Shop, desk: Context) -> None:
    order = RedeemPoints(relation_reference="ANN", points=Decimal(10), use_defaults=True, idempotency_key="R")
    first, again = await redeem_points(desk, order), await redeem_points(desk, order)
    assert (again.entry_id, again.replayed) == (first.entry_id, True)
    async with nothing_written(shop):
        with pytest.raises(InsufficientPoints):
            await redeem_points(desk, replace(order, points=Decimal(91), idempotency_key=None))
    reference = uuid4()
    chosen = replace(order, idempotency_key=None, external_reference=reference)
    await redeem_points(desk, chosen)
    async with nothing_written(shop):
        with pytest.raises(KeyReused):
            await redeem_points(desk, replace(chosen, points=Decimal(9), idempotency_key="other"))
    assert [(one[0], one[2]["balance"]) for one in await trail(desk, "ANN")] == [
        ("points.redeem", "90"),
        ("points.redeem", "80"),
    ]


async def test_a_purchase_that_is_due_is_written_off_before_it_is_told(shop: Shop, desk: Context) -> None:
    await give(shop.contexts[0], "ANN", 40, expires=date(2026, 3, 1))
    shop.later(days=1)
    await redeem_points(desk, RedeemPoints(relation_reference="ANN", points=Decimal(10), use_defaults=True))
    assert [one[1:] for one in await trail(desk, "ANN")][0][0] == {"balance": "100"}


async def test_cards_are_told_without_their_numbers(desk: Context) -> None:
    order = LinkSubRelation(relation_reference="ANN", card_number="4111111111111111", product_code="GOLD")
    linked = (await link_sub_relation(desk, order)).sub_relation
    await link_sub_relation(desk, replace(order, status="BLOCKED"))
    await unlink_sub_relation(desk, UnlinkSubRelation(sub_relation_id=linked.id))
    told = {"sub_relation": linked.id, "type": "CARD", "product_code": "GOLD", "status": None}
    assert await trail(desk, "ANN") == [
        ("sub-relation.link", None, told),
        ("sub-relation.link", told, told | {"status": "BLOCKED"}),
        ("sub-relation.unlink", told | {"status": "BLOCKED"}, None),
    ]


async def test_the_reason_of_a_tier_is_readable_until_the_member_is_erased(shop: Shop, desk: Context) -> None:
    tiers = b"version: 1\ntiers: {assessment: manual, levels: [{name: Gold, multiplier: 2}]}"
    await apply_configuration(shop.contexts[0], tiers)
    member = await get_member(desk, "ANN")
    await set_tier(desk, SetTier(tier="Gold", reason="Knows the owner", member_id=member.id))
    assert await trail(desk, "ANN") == [
        ("member.tier.set", {"tier": None}, {"tier": "Gold", "reason": "Knows the owner"})
    ]
    await erase_member(desk, "ANN")
    found = await list_member_trail(desk, member.id, first=10)
    assert [(one.action, one.after) for one in found] == [
        ("member.erase", {"status": 4}),
        ("member.tier.set", {"tier": "Gold", "reason": None}),
    ]


async def test_merges_are_listed_and_bring_the_trail_along(desk: Context) -> None:
    ann, bob = (await get_member(desk, "ANN")).id, (await get_member(desk, "BOB")).id
    await update_member(desk, UpdateMember(relation_reference="BOB", values={"gender": "M"}))
    merged = await merge_members(desk, MergeMembers(victim="BOB", survivor="ANN"))
    _, (action, before, after) = await trail(desk, "ANN")
    assert (action, before) == ("member.merge", {"victim_balance": "50", "survivor_balance": "100"})
    ids = {"victim_id": bob, "survivor_id": ann}
    assert after == ids | {"victim_balance": "0", "survivor_balance": "150"}
    [listed] = await list_merges(desk, ann)
    assert (listed.id, listed.victim_id, listed.survivor_id, int(listed.points)) == (merged.id, bob, ann, 50)
    await undo_merge(desk, merged.id)
    [_, (action, before, after)] = await trail(desk, "ANN")
    assert (action, before) == ("member.unmerge", {"victim_balance": "0", "survivor_balance": "150"})
    assert after == ids | {"victim_balance": "50", "survivor_balance": "100"}
    assert [one.undone_at is not None for one in await list_merges(desk, bob)] == [True]


async def test_pages_follow_each_other(desk: Context) -> None:
    for number in range(5):
        await adjust_points(desk, AdjustPoints(relation_reference="ANN", points=Decimal(1 + number), reason="x"))
    member = await get_member(desk, "ANN")
    first = await list_member_trail(desk, member.id, first=2)
    second = await list_member_trail(desk, member.id, first=2, before_seq=first[-1].seq)
    assert [one.after["points"] for one in (*first, *second)] == ["5", "4", "3", "2"]


async def test_requests_of_a_member_are_those_of_whom_it_answers_for_as_well(shop: Shop, desk: Context) -> None:
    await apply_configuration(shop.contexts[0], b"version: 1\nprogram: {adjustment_approval_from: 1}")
    for reference in ("ANN", "BOB"):
        await adjust_points(desk, AdjustPoints(relation_reference=reference, points=Decimal(3), reason="x"))
    ann, bob = (await get_member(desk, "ANN")).id, (await get_member(desk, "BOB")).id
    assert [one.member_id for one in await list_points_requests(desk, member_id=ann, first=10)] == [ann]
    await merge_members(desk, MergeMembers(victim="BOB", survivor="ANN"))
    assert [one.member_id for one in await list_points_requests(desk, member_id=ann, first=10)] == [bob, ann]


async def test_messages_are_listed_without_what_they_say(shop: Shop, desk: Context) -> None:
    # Who had an address is told at the old one that it has another now.
    for number in (1, 2, 3):
        values = {"email_id": f"ann{number}@shop.example"}
        await update_member(shop.contexts[0], UpdateMember(relation_reference="ANN", values=values))
    ann = (await get_member(desk, "ANN")).id
    found = await list_messages(desk, ann, first=1)
    older = await list_messages(desk, ann, first=10, before_id=found[0].id)
    assert [(one.channel, one.status, one.attempts) for one in (*found, *older)] == [("email", "WAITING", 0)] * 2
    assert not hasattr(found[0], "payload")
    foreign = administrator(shop.contexts[1], "two")
    assert list(await list_messages(foreign, ann, first=10)) == []


@pytest.mark.parametrize(
    ("listing", "permission"),
    [
        (lambda ctx: list_member_trail(ctx, 1, first=1), Permission.AUDIT_READ),
        (lambda ctx: list_merges(ctx, 1), Permission.MEMBER_MERGE),
        (lambda ctx: list_messages(ctx, 1, first=1), Permission.MEMBER_READ),
    ],
)
async def test_each_list_needs_its_permission(desk: Context, listing: Any, permission: Permission) -> None:
    principal = replace(desk.principal, permissions=desk.principal.permissions - {permission})
    with pytest.raises(Forbidden):
        await listing(replace(desk, principal=principal))
