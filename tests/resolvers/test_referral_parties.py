"""Referrals of many at once, and of members who were merged, may not earn, or have tiers."""

import asyncio
import json
from typing import Any

import pytest

from domain.errors import TesseraError
from resolvers.context import Context
from resolvers.member import get_member
from resolvers.merge import MergeMembers, merge_members
from resolvers.program import apply_configuration
from resolvers.referral import list_referrals
from resolvers.transaction import submit_transaction, submit_transactions
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import enroll, set_status, verified
from tests.resolvers.referral import ON_PURCHASE, allow, bonus, bring, code_of, purchase, rewarded_events


@pytest.fixture
async def ctx(shop: Shop) -> Context:
    """A program that rewards activations, and ANN, who is active."""
    await allow(shop.contexts[0])
    await enroll(shop.contexts[0], "ANN")
    return shop.contexts[0]


@pytest.mark.parametrize("cause", ["activation", "first_transaction"])
async def test_of_sixteen_at_once_the_referrer_is_rewarded_for_five(shop: Shop, ctx: Context, cause: str) -> None:
    await allow(ctx, reward_on=cause, max_per_referrer=5)
    code = await code_of(ctx, "ANN")
    brought = [f"M{number}" for number in range(16)]
    if cause == "activation":
        for reference in brought[:8]:
            await bring(ctx, reference, code)
        works: list[Any] = [set_status(ctx, one, 1) for one in brought[:8]]
        works += [bring(ctx, one, code, status=1) for one in brought[8:]]
    else:
        for reference in brought:
            await bring(ctx, reference, code, status=1)
        works = [submit_transaction(ctx, purchase(one)) for one in brought]
    # The referrer moves its own points meanwhile.
    own = [submit_transaction(ctx, purchase("ANN", f"T-ANN-{number}")) for number in range(4)]
    await asyncio.gather(*works, *own)
    assert await bonus(ctx, "ANN") == [500]
    assert await bonus(ctx, *brought) == [40] * 16
    assert len(await rewarded_events(shop)) == 16
    await verified(shop)


@pytest.mark.parametrize("cause", ["activation", "first_transaction"])
async def test_one_who_was_brought_is_rewarded_once_by_many_at_once(shop: Shop, ctx: Context, cause: str) -> None:
    await allow(ctx, reward_on=cause)
    await bring(ctx, "BOB", await code_of(ctx, "ANN"))
    if cause == "activation":
        await asyncio.gather(*(set_status(ctx, "BOB", 1) for _ in range(8)))
    else:
        await asyncio.gather(*(submit_transaction(ctx, purchase("BOB", f"T{number}")) for number in range(8)))
    assert await bonus(ctx, "ANN", "BOB") == [100, 40]
    await verified(shop)


async def test_chains_of_referrals_at_once_end_without_a_circle(shop: Shop, ctx: Context) -> None:
    await allow(ctx, **ON_PURCHASE)
    chain = ["ANN", *(f"M{number}" for number in range(8))]
    for before, after in zip(chain, chain[1:], strict=False):
        await bring(ctx, after, await code_of(ctx, before), status=1)
    runs = [
        [purchase(after), purchase(before, f"{after} again")] for before, after in zip(chain, chain[1:], strict=False)
    ]
    told = await asyncio.gather(*(submit_transactions(ctx, run) for run in reversed(runs)))
    assert not [one for run in told for one in run if isinstance(one, TesseraError)]
    assert await bonus(ctx, *chain) == [100, *[140] * 7, 40]
    await verified(shop)


@pytest.mark.parametrize("cause", ["activation", "first_transaction"])
async def test_a_referrer_who_may_not_earn_takes_nothing_away(ctx: Context, cause: str) -> None:
    await allow(ctx, reward_on=cause)
    await bring(ctx, "BOB", await code_of(ctx, "ANN"))
    await set_status(ctx, "ANN", 2)
    await set_status(ctx, "BOB", 1)
    await submit_transaction(ctx, purchase("BOB"))
    assert await bonus(ctx, "ANN", "BOB") == [0, 40]


async def test_a_referrer_without_room_takes_nothing_away(shop: Shop, ctx: Context) -> None:
    await submit_transaction(ctx, purchase("ANN", amount=10**15 - 99))
    await bring(ctx, "BOB", await code_of(ctx, "ANN"), status=1)
    assert await bonus(ctx, "ANN", "BOB") == [0, 40]
    await verified(shop)


async def test_who_answers_for_a_merged_referrer_is_rewarded_and_counted(shop: Shop, ctx: Context) -> None:
    await allow(ctx, max_per_referrer=2)
    code = await code_of(ctx, "ANN")
    await bring(ctx, "BOB", code)
    await bring(ctx, "CY", code, status=1)
    await enroll(ctx, "NEW")
    await merge_members(ctx, MergeMembers(victim="ANN", survivor="NEW"))
    await set_status(ctx, "BOB", 1)
    await bring(ctx, "DEE", code, status=1)
    assert await bonus(ctx, "NEW", "BOB", "CY", "DEE") == [100, 40, 40, 40]
    new = await get_member(ctx, "NEW")
    figures = (await list_referrals(ctx, [new.id]))[new.id]
    assert (figures.count, figures.rewarded, int(figures.points)) == (3, 3, 200)
    await verified(shop)


@pytest.mark.parametrize("cause", ["activation", "first_transaction"])
@pytest.mark.parametrize(("victim", "survivor"), [("ANN", "BOB"), ("BOB", "ANN")])
async def test_who_turned_out_to_be_one_person_referred_nobody(
    shop: Shop, ctx: Context, cause: str, victim: str, survivor: str
) -> None:
    await allow(ctx, reward_on=cause)
    await bring(ctx, "BOB", await code_of(ctx, "ANN"))
    await merge_members(ctx, MergeMembers(victim=victim, survivor=survivor))
    await set_status(ctx, survivor, 1)
    await submit_transaction(ctx, purchase(survivor))
    assert await bonus(ctx, survivor) == [0]
    assert not await rewarded_events(shop)
    await verified(shop)


@pytest.mark.parametrize("cause", ["activation", "first_transaction"])
async def test_referrals_lead_to_tiers(shop: Shop, ctx: Context, cause: str) -> None:
    levels = [{"name": "Silver", "from": 0}, {"name": "Gold", "from": 100, "upgrade_bonus": 7}]
    tiers = {"assessment": "automatic", "levels": levels}
    await apply_configuration(ctx, json.dumps({"version": 1, "tiers": tiers}).encode())
    await allow(ctx, reward_on=cause, referee_points=99)
    await bring(ctx, "BOB", await code_of(ctx, "ANN"), status=1)
    if cause == "first_transaction":
        await submit_transaction(ctx, purchase("BOB", amount=0))
    assert [(await get_member(ctx, one)).tier for one in ("ANN", "BOB")] == ["Gold", "Silver"]
    assert await bonus(ctx, "ANN", "BOB") == [107, 99]
    await verified(shop)
