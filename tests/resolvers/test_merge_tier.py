"""Tiers of members who become one, where postings decide: what both earned counts, and each bonus is given once."""

from decimal import Decimal

import pytest

from domain.member import ACTIVE, CANCELLED, MEMBERSHIP_BLOCKED
from resolvers.context import Context
from resolvers.member import get_member
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.program import apply_configuration
from resolvers.tier import assess_tiers
from resolvers.tier_standing import list_tier_changes, list_tier_progress
from resolvers.transaction import submit_transaction
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import enroll, entries, nothing_written, set_status
from tests.resolvers.test_refund import bought, refunded
from tests.resolvers.test_standing import TIERS

BEN_INTO_CLEO = MergeMembers(victim="BEN", survivor="CLEO")


@pytest.fixture(params=["lifetime", "rolling_365"])
async def ctx(ann: Context, request: pytest.FixtureRequest) -> Context:
    """A caller of a program in which BEN and CLEO have no points, and 100 points make a Gold for 30 days."""
    await apply_configuration(ann, TIERS.replace(b"rolling_365", request.param.encode()))
    for reference in ("BEN", "CLEO"):
        await enroll(ann, reference)
    return ann


async def buy(shop: Shop, ctx: Context, member: str, number: str, amount: int) -> None:
    dated = {"transaction_date": shop.now, "member_relation_reference": member}
    await submit_transaction(ctx, bought(number, amount, **dated))


async def give_back(shop: Shop, ctx: Context, member: str, number: str, amount: int) -> None:
    dated = {"transaction_date": shop.now, "member_relation_reference": member}
    await submit_transaction(ctx, refunded(number, amount, **dated))


async def tier(ctx: Context, reference: str) -> str | None:
    return (await get_member(ctx, reference)).tier


async def bonuses(ctx: Context, reference: str) -> list[int]:
    return [int(one.points) for one in await entries(ctx, reference) if one.stored.kind == "bonus"]


async def test_what_both_earned_counts_as_long_as_they_are_one(shop: Shop, ctx: Context) -> None:
    await buy(shop, ctx, "BEN", "A", 60)
    await buy(shop, ctx, "CLEO", "B", 45)
    cleo = await get_member(ctx, "CLEO")
    shop.later(days=1)
    merge = await merge_members(ctx, BEN_INTO_CLEO)
    # Up at once, and newly: neither of both was there before.
    assert (await tier(ctx, "CLEO"), await bonuses(ctx, "CLEO")) == ("Gold", [50])
    way = (await list_tier_progress(ctx, [cleo.id]))[cleo.id]
    assert (way.points, way.progress.next, way.progress.missing_points) == (Decimal(155), "Platinum", Decimal(845))
    shop.later(days=40)
    assert await assess_tiers(shop.services) == 1
    assert await tier(ctx, "BEN") == "Gold"
    await undo_merge(ctx, merge.id)
    assert (await tier(ctx, "BEN"), await tier(ctx, "CLEO")) == ("Silver", "Silver")
    history = (await list_tier_changes(ctx, [cleo.id]))[cleo.id]
    assert [(one.tier, one.source) for one in history] == [
        ("Silver", "merge"), ("Gold", "automatic"), ("Silver", "automatic"),
    ]  # fmt: skip
    # The bonus stays, so it is not given again.
    await buy(shop, ctx, "CLEO", "C", 5)
    assert (await tier(ctx, "CLEO"), await bonuses(ctx, "CLEO")) == ("Gold", [50])


async def test_the_better_tier_outlives_a_retention_where_it_is_earned(shop: Shop, ctx: Context) -> None:
    await buy(shop, ctx, "BEN", "A", 120)
    await buy(shop, ctx, "CLEO", "B", 10)
    shop.later(days=1)
    await merge_members(ctx, BEN_INTO_CLEO)
    shop.later(days=40)
    await assess_tiers(shop.services)
    await buy(shop, ctx, "CLEO", "C", 1)
    assert (await tier(ctx, "CLEO"), await bonuses(ctx, "CLEO")) == ("Gold", [])


async def test_of_one_tier_the_later_qualification_counts(shop: Shop, ctx: Context) -> None:
    await apply_configuration(ctx, TIERS.replace(b" 50}", b" 0}"))
    for member in ("CLEO", "BEN"):
        await buy(shop, ctx, member, member, 120)
        shop.later(days=1)
        await give_back(shop, ctx, member, member, 120)
        shop.later(days=9)
    await merge_members(ctx, BEN_INTO_CLEO)
    shop.later(days=15)
    await assess_tiers(shop.services)
    assert await tier(ctx, "CLEO") == "Gold"
    shop.later(days=10)
    await assess_tiers(shop.services)
    assert await tier(ctx, "CLEO") == "Silver"


async def test_nobody_gets_the_bonus_of_a_level_again_that_either_of_both_had(shop: Shop, ctx: Context) -> None:
    await buy(shop, ctx, "BEN", "A", 100)
    shop.later(days=1)
    await give_back(shop, ctx, "BEN", "A", 100)
    shop.later(days=40)
    await assess_tiers(shop.services)
    assert (await tier(ctx, "BEN"), await bonuses(ctx, "BEN")) == ("Silver", [50])
    merge = await merge_members(ctx, BEN_INTO_CLEO)
    await buy(shop, ctx, "BEN", "B", 100)
    assert (await tier(ctx, "CLEO"), await bonuses(ctx, "CLEO")) == ("Gold", [])
    shop.later(days=1)
    await undo_merge(ctx, merge.id)
    assert (await tier(ctx, "BEN"), await tier(ctx, "CLEO")) == ("Silver", "Gold")


async def test_a_level_that_came_with_a_merge_is_reached_by_earning_it(shop: Shop, ctx: Context) -> None:
    await buy(shop, ctx, "BEN", "A", 100)
    shop.later(days=1)
    merge = await merge_members(ctx, BEN_INTO_CLEO)
    assert (await tier(ctx, "CLEO"), await bonuses(ctx, "CLEO")) == ("Gold", [])
    shop.later(days=1)
    await undo_merge(ctx, merge.id)
    assert (await tier(ctx, "BEN"), await tier(ctx, "CLEO")) == ("Gold", "Silver")
    await buy(shop, ctx, "CLEO", "B", 100)
    assert (await tier(ctx, "CLEO"), await bonuses(ctx, "CLEO")) == ("Gold", [50])


async def test_who_may_not_earn_gets_no_bonus_with_a_merge_and_has_it_to_come(shop: Shop, ctx: Context) -> None:
    await buy(shop, ctx, "BEN", "A", 60)
    await buy(shop, ctx, "CLEO", "B", 60)
    await set_status(ctx, "CLEO", MEMBERSHIP_BLOCKED)
    shop.later(days=1)
    await merge_members(ctx, BEN_INTO_CLEO)
    assert (await tier(ctx, "CLEO"), await bonuses(ctx, "CLEO")) == ("Silver", [])
    await set_status(ctx, "CLEO", 1)
    await buy(shop, ctx, "BEN", "C", 1)
    assert (await tier(ctx, "CLEO"), await bonuses(ctx, "CLEO")) == ("Gold", [50])


async def test_the_job_gives_no_bonus_to_who_may_not_earn_and_sees_to_it_later(shop: Shop, ctx: Context) -> None:
    await buy(shop, ctx, "BEN", "A", 60)
    await buy(shop, ctx, "CLEO", "B", 45)
    await set_status(ctx, "CLEO", MEMBERSHIP_BLOCKED)
    await merge_members(ctx, BEN_INTO_CLEO)
    shop.later(days=40)
    async with nothing_written(shop):
        assert await assess_tiers(shop.services) == 0
    assert (await tier(ctx, "CLEO"), await bonuses(ctx, "CLEO")) == ("Silver", [])
    await set_status(ctx, "CLEO", ACTIVE)
    assert await assess_tiers(shop.services) == 1
    assert (await tier(ctx, "CLEO"), await bonuses(ctx, "CLEO")) == ("Gold", [50])


async def test_a_cancelled_member_is_assessed_where_the_program_lets_it_earn(shop: Shop, ctx: Context) -> None:
    await buy(shop, ctx, "BEN", "A", 110)
    shop.later(days=1)
    await give_back(shop, ctx, "BEN", "A", 110)
    await set_status(ctx, "BEN", CANCELLED)
    shop.later(days=40)
    assert await assess_tiers(shop.services) == 0
    # The bonus alone is not enough for a Gold.
    await apply_configuration(ctx, TIERS + b"program: {accrue_cancelled: true}\n")
    assert await assess_tiers(shop.services) == 1
    assert (await tier(ctx, "BEN"), await bonuses(ctx, "BEN")) == ("Silver", [50])
