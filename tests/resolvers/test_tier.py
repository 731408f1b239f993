"""Tiers given by hand, and what is read of every tier."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select

from domain.errors import (
    BadRequest,
    CancelledMemberUpdate,
    Forbidden,
    InvalidRequest,
    MemberNonexistent,
    MemberNotFound,
    MemberSuspended,
    TesseraError,
    TierNotManual,
)
from domain.models import audit_entry, outbox
from resolvers.configuration import apply_configuration
from resolvers.context import Context
from resolvers.erasure import erase_member
from resolvers.ledger import list_balances
from resolvers.member import get_member
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.tier import SetTier, assess_tiers, set_tier
from resolvers.tier_standing import list_tier_changes, list_tier_progress, list_tiers
from resolvers.transaction import submit_transaction
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import administrator, balance, enroll, entries, member_of, nothing_written, set_status
from tests.resolvers.test_refund import bought
from tests.resolvers.test_standing import TIERS

MANUAL = b"""
version: 1
product_codes: [{code: MUSIC}]
tiers:
  assessment: manual
  levels:
    - {name: Silver, from: 0}
    - {name: Gold, from: 100, multiplier: 2, upgrade_bonus: 50}
    - {name: Platinum, from: 1000, multiplier: 3, upgrade_bonus: 500}
"""
GOLD = SetTier(relation_reference="ANN", tier="Gold", reason="a loyal friend")


@pytest.fixture
async def ctx(shop: Shop, ann: Context) -> Context:
    """A caller of the program in which ANN has 100 points and tiers are given by hand."""
    await apply_configuration(ann, MANUAL)
    return ann


async def bonuses(ctx: Context) -> list[int]:
    return [int(one.points) for one in await entries(ctx, "ANN") if "tier" in (one.detail or {})]


async def test_a_tier_given_by_hand_gives_each_level_its_bonus_once(shop: Shop, ctx: Context) -> None:
    done = await set_tier(ctx, replace(GOLD, tier="Platinum"))
    assert (done.changed, int(done.bonus)) == (True, 550)
    member = await get_member(ctx, "ANN")
    assert (member.tier, member.tier_since, member.tier_qualified_at) == ("Platinum", shop.now, shop.now)
    for tier in (None, "Gold", "Platinum"):
        shop.later(days=1)
        assert await set_tier(ctx, replace(GOLD, tier=tier)) == replace(done, bonus=Decimal(0))
    assert await bonuses(ctx) == [550]
    history = (await list_tier_changes(ctx, [member.id]))[member.id]
    assert [(one.tier, one.source) for one in history] == [
        ("Platinum", "manual"), ("Gold", "manual"), (None, "manual"), ("Platinum", "manual"),
    ]  # fmt: skip


async def test_the_same_tier_again_writes_nothing_and_ten_at_once_give_one_bonus(shop: Shop, ctx: Context) -> None:
    done = await asyncio.gather(*(set_tier(ctx, GOLD) for _ in range(10)))
    assert [one.changed for one in done].count(True) == 1
    assert await bonuses(ctx) == [50]
    assert (await entries(ctx, "ANN"))[0].narration == "Bonus for the tier Gold"
    async with nothing_written(shop):
        assert (await set_tier(ctx, GOLD)).changed is False


async def test_a_tier_given_by_hand_stands_in_the_trail_and_is_told(shop: Shop, ctx: Context) -> None:
    await set_tier(ctx, GOLD)

    def told(tx: Connection) -> tuple[Any, Any]:
        trail = tx.execute(select(audit_entry).where(audit_entry.c.action == "member.tier.set")).one()
        return trail, tx.execute(select(outbox.c.payload).where(outbox.c.topic == "member.tier_changed")).scalar()

    trail, event = await ctx.read(told)
    member = await get_member(ctx, "ANN")
    assert (trail.actor, trail.subject, trail.before) == ("test", f"member:{member.id}", {"tier": None})
    assert trail.after["tier"] == "Gold"
    # An erasure could not take it out of the trail again.
    assert "friend" not in str(trail.after)
    assert '"Gold"' in str(event)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"tier": "Copper"}, InvalidRequest),
        ({"relation_reference": None}, BadRequest),
        ({"member_id": 1}, BadRequest),
        ({"reason": " "}, BadRequest),
        ({"reason": "x" * 501}, BadRequest),
        ({"relation_reference": "NOBODY"}, MemberNotFound),
        ({"relation_reference": None, "member_id": 999}, MemberNonexistent),
    ],
)
async def test_what_makes_no_sense_is_refused(
    shop: Shop, ctx: Context, change: dict[str, Any], refusal: type[TesseraError]
) -> None:
    async with nothing_written(shop):
        with pytest.raises(refusal):
            await set_tier(ctx, replace(GOLD, **change))


async def test_a_member_gives_no_tier_and_neither_does_another_program(shop: Shop, ctx: Context) -> None:
    await apply_configuration(shop.contexts[1], MANUAL)
    async with nothing_written(shop):
        for caller, refusal in ((member_of(ctx, "ANN"), Forbidden), (shop.contexts[1], MemberNotFound)):
            with pytest.raises(refusal):
                await set_tier(caller, GOLD)
    assert (await set_tier(administrator(ctx, "eve", "customer-executive"), GOLD)).changed


@pytest.mark.parametrize("document", [b"version: 1\ntiers: {assessment: off}", TIERS])
async def test_where_tiers_are_off_or_automatic_nobody_gives_one(shop: Shop, ctx: Context, document: bytes) -> None:
    await apply_configuration(ctx, document)
    async with nothing_written(shop):
        with pytest.raises(TierNotManual):
            await set_tier(ctx, GOLD)


async def test_who_may_not_earn_gets_no_tier_with_a_bonus(shop: Shop, ctx: Context) -> None:
    await set_status(ctx, "ANN", 2)
    async with nothing_written(shop):
        with pytest.raises(MemberSuspended):
            await set_tier(ctx, GOLD)
    assert (await set_tier(ctx, replace(GOLD, tier="Silver"))).changed
    await set_status(ctx, "ANN", 4)
    async with nothing_written(shop):
        with pytest.raises(CancelledMemberUpdate):
            await set_tier(ctx, replace(GOLD, tier=None))


async def test_a_tier_is_told_with_its_factor_and_the_end_of_its_retention(shop: Shop, ctx: Context) -> None:
    member = await get_member(ctx, "ANN")
    assert await list_tiers(ctx, [member.id]) == {}
    await set_tier(ctx, GOLD)
    by_hand = (await list_tiers(ctx, [member.id]))[member.id]
    assert (by_hand.name, by_hand.since, by_hand.multiplier) == ("Gold", shop.now, Decimal(2))
    assert by_hand.qualified_until is None
    await apply_configuration(ctx, TIERS)
    automatic = (await list_tiers(ctx, [member.id]))[member.id]
    assert automatic.qualified_until == shop.now + timedelta(days=30)
    assert await list_tiers(shop.contexts[1], [member.id]) == {}
    await apply_configuration(ctx, b"version: 1\ntiers: {assessment: off}")
    assert await list_tiers(ctx, [member.id]) == {}
    assert await list_tier_progress(ctx, [member.id]) == {}


@pytest.mark.parametrize(("window", "counted"), [(b"lifetime", 310), (b"rolling_365", 210)])
async def test_progress_counts_what_the_assessment_counts(
    shop: Shop, ann: Context, window: bytes, counted: int
) -> None:
    await apply_configuration(ann, TIERS.replace(b"rolling_365", window))
    shop.later(days=300)
    # 160 beside the 100 of February, which still count in both windows: enough for Gold and its 50.
    await submit_transaction(ann, bought("A", 160, transaction_date=shop.now))
    shop.later(days=200)
    member = await get_member(ann, "ANN")
    way = (await list_tier_progress(ann, [member.id]))[member.id]
    assert (way.points, way.aggregate) == (Decimal(counted), None)
    assert (way.progress.next, way.progress.missing_points) == ("Platinum", Decimal(1000 - counted))
    assert way.progress.fraction == Decimal(counted) / 1000
    assert list(await list_tier_progress(member_of(ann, "ANN"), [member.id])) == [member.id]
    await enroll(ann, "BOB")
    assert await list_tier_progress(member_of(ann, "BOB"), [member.id]) == {}


async def test_progress_by_an_aggregate_shows_what_it_stands_at(shop: Shop, ann: Context) -> None:
    document = b"""
version: 1
aggregates: [{key: buys, function: count, period: ytd}]
tiers: {assessment: automatic, basis: aggregate, aggregate: buys, levels: [{name: Fan, from_aggregate: 4}]}
"""
    await apply_configuration(ann, document)
    member = await get_member(ann, "ANN")
    for number in range(3):
        await submit_transaction(ann, bought(f"N{number}", 10, transaction_date=shop.now))
    way = (await list_tier_progress(ann, [member.id]))[member.id]
    # Looking does not count as buying.
    assert (way.points, way.aggregate, way.progress.missing_aggregate) == (None, Decimal(3), Decimal(1))
    assert way.progress.fraction == Decimal("0.75")


async def test_who_was_erased_is_assessed_no_more(shop: Shop, ann: Context) -> None:
    await apply_configuration(ann, TIERS)
    await submit_transaction(ann, bought("A", 10, transaction_date=shop.now))
    member = await get_member(ann, "ANN")
    await erase_member(ann, "ANN")
    # A lower threshold must not bring a bonus to somebody who is gone.
    await apply_configuration(ann, TIERS.replace(b"from: 1000", b"from: 101"))
    figures = await balance(ann, f"ERASED-{member.id}")
    shop.later(days=40)
    assert await assess_tiers(shop.services) == 0
    assert (await balance(ann, f"ERASED-{member.id}")).bonus == figures.bonus


async def test_a_merge_gives_the_better_tier_without_a_bonus_and_takes_it_back(shop: Shop, ctx: Context) -> None:
    await enroll(ctx, "BOB")
    await set_tier(ctx, GOLD)
    await set_tier(ctx, replace(GOLD, relation_reference="BOB", tier="Silver"))
    bob = await get_member(ctx, "BOB")
    shop.later(days=1)
    merge = await merge_members(ctx, MergeMembers(victim="ANN", survivor="BOB"))
    merged = await get_member(ctx, "ANN")
    assert (merged.id, merged.tier, merged.tier_since) == (bob.id, "Gold", shop.now)
    assert (await balance(ctx, "BOB")).bonus == 0
    # Gold was reached, by whichever of both: its bonus is not given again.
    assert (await set_tier(ctx, replace(GOLD, tier="Platinum"))).bonus == 500
    await set_tier(ctx, replace(GOLD, tier="Silver"))
    await undo_merge(ctx, merge.id)
    assert ((await get_member(ctx, "ANN")).tier, (await get_member(ctx, "BOB")).tier) == ("Gold", "Silver")


async def test_the_end_of_a_merge_leaves_a_tier_that_was_given_since(shop: Shop, ctx: Context) -> None:
    await enroll(ctx, "BOB")
    await set_tier(ctx, GOLD)
    shop.later(days=1)
    first = await merge_members(ctx, MergeMembers(victim="ANN", survivor="BOB"))
    shop.later(days=1)
    await undo_merge(ctx, first.id)
    assert (await get_member(ctx, "BOB")).tier is None
    shop.later(days=1)
    again = await merge_members(ctx, MergeMembers(victim="ANN", survivor="BOB"))
    shop.later(days=1)
    await set_tier(ctx, replace(GOLD, tier="Silver"))
    await undo_merge(ctx, again.id)
    assert (await get_member(ctx, "BOB")).tier == "Silver"


async def test_who_is_merged_into_another_is_assessed_no_more(shop: Shop, ann: Context) -> None:
    await apply_configuration(ann, TIERS)
    await enroll(ann, "BOB")
    await submit_transaction(ann, bought("A", 10, transaction_date=shop.now))
    member = await get_member(ann, "ANN")
    await merge_members(ann, MergeMembers(victim="ANN", survivor="BOB"))
    await apply_configuration(ann, TIERS.replace(b"from: 1000", b"from: 101"))
    figures = (await list_balances(ann, [member.id]))[member.id]
    shop.later(days=40)
    await assess_tiers(shop.services)
    assert (await list_balances(ann, [member.id]))[member.id].bonus == figures.bonus
