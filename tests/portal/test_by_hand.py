"""Whatever an administrator does on a member's pages stands in the trail, with what was before and what is after."""

import re
from decimal import Decimal

import pytest

from resolvers.bonus import PostBonus, post_bonus
from resolvers.configuration import apply_configuration
from resolvers.hold import CreateHold, create_hold
from resolvers.ledger import page_entries
from resolvers.member import EnrollMember, enroll_member, get_member
from resolvers.member_trail import list_member_trail
from resolvers.merge_record import list_merges
from resolvers.sub_relation import list_sub_relations
from resolvers.verification import verify_ledger
from tests.portal.world import Browser, World

SHOP = b"""
catalog: [{code: MUG, name: A mug, kind: merchandise, points: 40, fulfilment: manual}]
tiers: {assessment: manual, levels: [{name: Gold, multiplier: 2}]}
"""


@pytest.fixture
async def ann(world: World) -> int:
    """ANN with 100 points in a program with a catalogue and tiers by hand, and ANNE with 30."""
    await apply_configuration(world.contexts[0], SHOP)
    for reference, points in (("ANN", 100), ("ANNE", 30)):
        await enroll_member(world.contexts[0], EnrollMember(values={"relation_reference": reference, "status": 1}))
        await post_bonus(world.contexts[0], PostBonus(relation_reference=reference, points=Decimal(points)))
    return (await get_member(world.contexts[0], "ANN")).id


async def act(world: World, ada: Browser, ann: int) -> None:
    """Everything that the pages of a member can do, once."""
    ctx, at = world.contexts[0], f"members/{ann}"
    await done(ada, f"{at}/adjust", {"direction": "give", "points": "25", "reason": "Goodwill", "key": "1"})
    await done(ada, f"{at}/award", {"points": "7", "bonus_type": "2", "key": "2"})
    await done(ada, f"{at}/redeem", {"points": "40", "merchant_name": "Shop", "key": "3"})
    entries = (await page_entries(ctx, [ann], first=10))[ann]
    spent = next(one.stored.id for one in entries if one.stored.kind == "redemption")
    await done(ada, f"{at}/entries/{spent}/reverse", {"key": "4"})
    await done(ada, f"{at}/profile", {"attribute:gender": "F"})
    await done(ada, f"{at}/links", {"sub_relation_identifier": "APP-1", "sub_relation_type": "DEVICE"})
    await done(ada, f"{at}/links", {"sub_relation_identifier": "APP-1", "status": "LOST"})
    [linked] = await list_sub_relations(ctx, "ANN")
    await done(ada, f"{at}/links/{linked.id}/unlink", {})
    await done(ada, f"{at}/tier", {"tier": "Gold", "reason": "Knows the owner"})
    hold = await create_hold(ctx, CreateHold(relation_reference="ANN", points=Decimal(30), merchant_name="Shop"))
    await done(ada, f"{at}/holds/{hold.id}/cancel", {"key": "5"})
    placed = await done(ada, "orders", {"relation_reference": "ANN", "item": "MUG", "key": "6"})
    order = re.sub(r".*/orders/", "orders/", placed)
    assert f'{order}"' in (await ada.get(f"{at}/orders")).source
    await done(ada, order, {"what": "cancel", "key": "7"})
    await done(ada, f"{at}/merge", {"other": "ANNE", "key": "8"})
    [merged] = await list_merges(ctx, ann)
    await done(ada, f"{at}/merges/{merged.id}/undo", {})
    await done(ada, f"{at}/status", {"status": "2"})
    await done(ada, f"{at}/erase", {"confirm": "ANN"})


async def done(ada: Browser, path: str, form: dict[str, str]) -> str:
    """Send a form that is not refused; where it leads."""
    shown = await ada.post(path, form)
    assert shown.status == 303, (path, shown.text)
    return shown.target


Told = dict[str, object]

TRAIL: list[tuple[str, Told | None, Told | None]] = [
    ("points.adjust", {"balance": "100"}, {"balance": "125", "points": "25"}),
    ("points.award", {"balance": "125"}, {"balance": "132", "points": "7"}),
    ("points.redeem", {"balance": "132"}, {"balance": "92", "points": "40", "merchant": "Shop"}),
    ("redemption.reverse", {"balance": "92"}, {"balance": "132", "points": "40"}),
    ("member.update", {}, {"gender": "F"}),
    ("sub-relation.link", None, {"type": "DEVICE", "status": None}),
    ("sub-relation.link", {"status": None}, {"type": "DEVICE", "status": "LOST"}),
    ("sub-relation.unlink", {"type": "DEVICE", "status": "LOST"}, None),
    ("member.tier.set", {"tier": None}, {"tier": "Gold"}),
    ("hold.cancel", {"balance": "102"}, {"balance": "132", "points": "30"}),
    ("order.place", {"balance": "132"}, {"balance": "92", "points": "40", "item": "MUG"}),
    ("order.cancelled", {"balance": "92", "status": "PLACED"}, {"balance": "132", "status": "REVERSED"}),
    (
        "member.merge",
        {"survivor_balance": "132", "victim_balance": "30"},
        {"survivor_balance": "162", "victim_balance": "0"},
    ),
    (
        "member.unmerge",
        {"survivor_balance": "162", "victim_balance": "0"},
        {"survivor_balance": "132", "victim_balance": "30"},
    ),
    ("member.update", {"status": 1}, {"status": 2}),
    ("member.erase", {"status": 2}, {"status": 4}),
]


def fits(told: Told | None, wanted: Told | None) -> bool:
    """Whether the trail tells at least what is wanted."""
    return told is None if wanted is None else told is not None and wanted.items() <= told.items()


async def test_every_action_tells_what_was_and_what_is(world: World, ada: Browser, ann: int) -> None:
    await act(world, ada, ann)
    assert await verify_ledger(world.services) == []
    trail = list(reversed(await list_member_trail(world.contexts[0], ann, first=100)))
    assert {(one.actor, one.address) for one in trail} == {("admin:ada@shop.example", "127.0.0.1")}
    assert [one.action for one in trail] == [action for action, _, _ in TRAIL]
    for one, (action, before, after) in zip(trail, TRAIL, strict=True):
        assert fits(one.before, before), (action, one.before)
        assert fits(one.after, after), (action, one.after)
    shown = await ada.get(f"members/{ann}/audit")
    assert all(text in shown.text for text in ("Balance 132", "Survivor balance 162", "Points: redeem"))
