"""Referrals: points for both sides exactly once, on activation or on the first purchase."""

import pytest

from domain.errors import TesseraError
from resolvers.context import Context
from resolvers.member import ImportMember, get_member, import_members
from resolvers.referral import list_referrals
from resolvers.transaction import submit_transaction, submit_transactions
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import balance, enroll, entries, set_status, verified
from tests.resolvers.referral import ON_PURCHASE, allow, bonus, bring, code_of, purchase, rewarded_events


@pytest.fixture
async def ctx(shop: Shop) -> Context:
    """A program that rewards activations, and ANN, who is active."""
    await allow(shop.contexts[0])
    await enroll(shop.contexts[0], "ANN")
    return shop.contexts[0]


async def test_an_activation_rewards_both_once(shop: Shop, ctx: Context) -> None:
    code = await code_of(ctx, "ANN")
    at_once = await bring(ctx, "BOB", f" {code.lower()} ", status=1)
    later = await bring(ctx, "CY", code)
    assert await bonus(ctx, "ANN", "BOB", "CY") == [100, 40, 0]
    await set_status(ctx, "CY", 1)
    await set_status(ctx, "CY", 2)
    await set_status(ctx, "CY", 1)
    assert await bonus(ctx, "ANN", "BOB", "CY") == [200, 40, 40]
    ann = await get_member(ctx, "ANN")
    assert {at_once.referred_by, later.referred_by} == {ann.id}
    assert [one.detail for one in await entries(ctx, "ANN")] == [
        {"referral": "referrer", "referee_id": one.id} for one in (later, at_once)
    ]
    assert [(one.detail, one.narration) for one in await entries(ctx, "BOB")] == [
        ({"referral": "referee"}, "Referral bonus")
    ]
    assert await rewarded_events(shop) == [
        {"referee_id": one.id, "referrer_id": ann.id, "referee_points": 40, "referrer_points": 100}
        for one in (at_once, later)
    ]
    figures = (await list_referrals(ctx, [ann.id]))[ann.id]
    assert (figures.count, figures.rewarded, int(figures.points)) == (2, 2, 200)
    await verified(shop)


async def test_rows_of_a_file_activate_like_single_changes(shop: Shop, ctx: Context) -> None:
    code = await code_of(ctx, "ANN")
    for reference in ("BOB", "CY", "DEE"):
        await bring(ctx, reference, code)
    rows = [
        ImportMember(values={"relation_reference": "BOB"}, action="REACTIVATE"),
        # Whoever is suspended gets nothing, and whoever became active before that keeps what it got.
        ImportMember(values={"relation_reference": "ANN"}, action="SUSPEND"),
        ImportMember(values={"relation_reference": "CY", "status": "1"}),
        ImportMember(values={"relation_reference": "CY"}, action="SUSPEND"),
        ImportMember(values={"relation_reference": "ANN"}, action="REACTIVATE"),
        ImportMember(values={"relation_reference": "DEE", "full_name": "Dee"}),
    ]
    await ctx.write(lambda tx: import_members(tx, ctx, ctx.program(tx), rows))
    assert await bonus(ctx, "ANN", "BOB", "CY", "DEE") == [100, 40, 40, 0]
    await verified(shop)


async def test_the_first_purchase_rewards_both_whatever_it_earned(shop: Shop, ctx: Context) -> None:
    await allow(ctx, **ON_PURCHASE)
    code = await code_of(ctx, "ANN")
    await bring(ctx, "BOB", code, status=1)
    assert await bonus(ctx, "ANN", "BOB") == [0, 0]
    told = await submit_transaction(ctx, purchase("BOB", "T1", 0))
    assert (int(told.points), await bonus(ctx, "ANN", "BOB")) == (0, [100, 40])
    await submit_transactions(ctx, [purchase("BOB", "T2"), purchase("ANN", "T3")])
    assert await bonus(ctx, "ANN", "BOB") == [100, 40]
    await verified(shop)


async def test_a_refund_of_the_first_purchase_takes_no_referral_back(shop: Shop, ctx: Context) -> None:
    await allow(ctx, **ON_PURCHASE)
    await bring(ctx, "BOB", await code_of(ctx, "ANN"), status=1)
    # A refund alone is no purchase: it waits for its own, which comes second.
    await submit_transaction(ctx, purchase("BOB", "T1", 10, "CR"))
    assert await bonus(ctx, "ANN", "BOB") == [0, 0]
    await submit_transaction(ctx, purchase("BOB", "T1", 10))
    assert await bonus(ctx, "ANN", "BOB") == [100, 40]
    assert (await balance(ctx, "BOB")).available == 40
    await submit_transaction(ctx, purchase("BOB", "T2", 10))
    assert await bonus(ctx, "ANN", "BOB") == [100, 40]
    await verified(shop)


async def test_a_purchase_of_before_was_the_first_one(ctx: Context) -> None:
    code = await code_of(ctx, "ANN")
    await bring(ctx, "BOB", code)
    await submit_transaction(ctx, purchase("BOB", "T1"))
    await allow(ctx, **ON_PURCHASE)
    await submit_transaction(ctx, purchase("BOB", "T2"))
    await set_status(ctx, "BOB", 1)
    assert await bonus(ctx, "ANN", "BOB") == [0, 0]


async def test_a_refused_purchase_rewards_nobody(ctx: Context) -> None:
    await allow(ctx, **ON_PURCHASE)
    await bring(ctx, "BOB", await code_of(ctx, "ANN"), status=2)
    with pytest.raises(TesseraError):
        await submit_transaction(ctx, purchase("BOB"))
    assert await bonus(ctx, "ANN", "BOB") == [0, 0]
    await set_status(ctx, "BOB", 1)
    await submit_transaction(ctx, purchase("BOB"))
    assert await bonus(ctx, "ANN", "BOB") == [100, 40]


async def test_in_one_run_the_most_referrals_of_a_referrer_count(shop: Shop, ctx: Context) -> None:
    await allow(ctx, **ON_PURCHASE, max_per_referrer=2)
    code = await code_of(ctx, "ANN")
    brought = ["BOB", "CY", "DEE", "EVE"]
    for reference in brought:
        await bring(ctx, reference, code)
    runs = [[purchase("BOB"), purchase("BOB", "T2"), purchase("ANN"), purchase("CY"), purchase("DEE")]]
    for run in [*runs, [purchase("EVE")]]:
        await submit_transactions(ctx, run)
    # Beyond them only who was brought is rewarded.
    assert await bonus(ctx, "ANN", *brought) == [200, 40, 40, 40, 40]
    assert [one["referrer_points"] for one in await rewarded_events(shop)] == [100, 100, 0, 0]
    ann = await get_member(ctx, "ANN")
    figures = (await list_referrals(ctx, [ann.id]))[ann.id]
    assert (figures.count, figures.rewarded, int(figures.points)) == (4, 4, 200)
    await verified(shop)
