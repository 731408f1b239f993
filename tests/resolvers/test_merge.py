"""Duplicates: two members become one account, their references go on to work, and what is unspent goes back."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import MergeRefused, TesseraError
from resolvers.context import Context
from resolvers.member import EnrollMember, UpdateMember, enroll_member, get_member, update_member
from resolvers.merge import MergeMembers, merge_members, preview_merge, undo_merge
from resolvers.merge_record import Merge
from resolvers.redemption import (
    RedeemPoints,
    Redemption,
    Reversal,
    ReverseRedemption,
    check_availability,
    redeem_points,
    reverse_redemption,
)
from resolvers.statement import get_statement_summary
from resolvers.transaction import submit_transaction
from resolvers.verification import verify_ledger
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import nothing_written
from tests.resolvers.test_refund import bought, refunded

BOTH = MergeMembers(victim="OLD", survivor="NEW")


@pytest.fixture
async def ctx(shop: Shop) -> Context:
    for reference in ("OLD", "NEW"):
        values = {"relation_reference": reference, "status": 1, "email_id": f"{reference}@example.org"}
        await enroll_member(shop.contexts[0], EnrollMember(values=values))
    await buy(shop.contexts[0], "OLD", 100)
    await buy(shop.contexts[0], "NEW", 10)
    return shop.contexts[0]


async def buy(ctx: Context, reference: str, amount: int) -> None:
    await submit_transaction(ctx, bought(f"of {reference}", amount, member_relation_reference=reference))


async def redeem(ctx: Context, reference: str, points: int) -> Redemption:
    order = RedeemPoints(relation_reference=reference, points=Decimal(points), merchant_name="Shop")
    return await redeem_points(ctx, order)


async def available(ctx: Context, reference: str) -> int:
    return int(await check_availability(ctx, reference))


async def refusal(merging: Awaitable[Merge | Reversal]) -> str:
    with pytest.raises(TesseraError) as raised:
        await merging
    return raised.value.code


async def test_two_become_one_and_both_references_work(shop: Shop, ctx: Context) -> None:
    preview = await preview_merge(ctx, BOTH)
    assert (int(preview.points), preview.lots, preview.refused) == (100, 1, None)
    assert await available(ctx, "OLD") == 100
    merge = await merge_members(ctx, BOTH)
    assert int(merge.points) == 100
    assert await available(ctx, "OLD") == await available(ctx, "NEW") == 110
    assert (await get_member(ctx, "OLD")).relation_reference == "NEW"
    await redeem(ctx, "OLD", 105)
    await submit_transaction(ctx, bought("after", 20, member_relation_reference="OLD"))
    assert await available(ctx, "NEW") == 25
    changed = await update_member(ctx, UpdateMember(relation_reference="OLD", values={"full_name": "One"}))
    assert changed.member.relation_reference == "NEW"
    summary = await get_statement_summary(ctx, "NEW")
    assert summary.point_balance == 25
    assert summary.other_accrued == 100
    assert await verify_ledger(shop.services) == []


async def test_a_merge_of_a_merge_is_followed_to_its_end(shop: Shop, ctx: Context) -> None:
    await enroll_member(ctx, EnrollMember(values={"relation_reference": "LAST", "status": 1}))
    await merge_members(ctx, BOTH)
    await merge_members(ctx, MergeMembers(victim="NEW", survivor="LAST"))
    assert await available(ctx, "OLD") == await available(ctx, "LAST") == 110
    assert await refusal(merge_members(ctx, BOTH)) == "998"
    assert await verify_ledger(shop.services) == []


async def test_what_the_victim_redeemed_comes_back_to_the_survivor(shop: Shop, ctx: Context) -> None:
    redeemed = await redeem(ctx, "OLD", 60)
    await merge_members(ctx, BOTH)
    back = ReverseRedemption(
        relation_reference="NEW", external_reference=str(redeemed.external_reference), merchant_name="Shop"
    )
    assert int((await reverse_redemption(ctx, back)).points) == 60
    assert await available(ctx, "NEW") == 110
    assert await refusal(reverse_redemption(ctx, replace(back, relation_reference="OLD"))) == "122"
    assert await verify_ledger(shop.services) == []


async def test_what_the_victim_bought_can_be_refunded_and_then_the_merge_stays(shop: Shop, ctx: Context) -> None:
    merge = await merge_members(ctx, BOTH)
    outcome = await submit_transaction(ctx, refunded("of OLD", 50, member_relation_reference="OLD"))
    assert int(outcome.points) == -50
    async with nothing_written(shop):
        with pytest.raises(MergeRefused, match="refunded from lots"):
            await undo_merge(ctx, merge.id)
    assert await available(ctx, "NEW") == 60
    assert await verify_ledger(shop.services) == []


async def test_a_refund_takes_what_the_purchase_itself_became_first(shop: Shop, ctx: Context) -> None:
    """Through two merges, though other points of the survivor expire sooner."""
    await enroll_member(ctx, EnrollMember(values={"relation_reference": "LAST", "status": 1}))
    early = bought("early", 40, member_relation_reference="LAST", transaction_date=shop.now - timedelta(days=200))
    await submit_transaction(ctx, early)
    await merge_members(ctx, BOTH)
    last = await merge_members(ctx, MergeMembers(victim="NEW", survivor="LAST"))
    await submit_transaction(ctx, refunded("of OLD", 70, member_relation_reference="OLD"))
    shop.later(days=200)
    # The 40 have expired, whole; 30 of the purchase are left, and the 10 of the other.
    assert await available(ctx, "LAST") == 40
    assert await verify_ledger(shop.services) == []
    assert await refusal(undo_merge(ctx, last.id)) == "1310"


async def test_debts_move_as_well(shop: Shop, ctx: Context) -> None:
    await redeem(ctx, "OLD", 100)
    await submit_transaction(ctx, refunded("of OLD", 30, member_relation_reference="OLD"))
    merge = await merge_members(ctx, BOTH)
    assert int(merge.points) == -30
    assert int((await get_statement_summary(ctx, "NEW")).point_balance) == -20
    await undo_merge(ctx, merge.id)
    assert int((await get_statement_summary(ctx, "OLD")).point_balance) == -30
    assert await available(ctx, "NEW") == 10
    assert await verify_ledger(shop.services) == []


async def test_a_merge_is_undone_while_nothing_of_it_was_spent(shop: Shop, ctx: Context) -> None:
    merge = await merge_members(ctx, BOTH)
    await undo_merge(ctx, merge.id)
    assert (await available(ctx, "OLD"), await available(ctx, "NEW")) == (100, 10)
    assert await refusal(undo_merge(ctx, merge.id)) == "1310"
    again = await merge_members(ctx, BOTH)
    await redeem(ctx, "NEW", 20)
    before = await available(ctx, "NEW")
    assert await refusal(undo_merge(ctx, again.id)) == "1310"
    assert await available(ctx, "OLD") == await available(ctx, "NEW") == before
    assert await verify_ledger(shop.services) == []


async def test_a_refused_merge_changes_nothing(shop: Shop, ctx: Context) -> None:
    for command, code in (
        (MergeMembers(victim="", survivor="NEW"), "999"),
        (MergeMembers(victim="NEW", survivor="NEW"), "998"),
        (MergeMembers(victim="NOBODY", survivor="NEW"), "103"),
        (MergeMembers(victim="OLD", survivor="NOBODY"), "103"),
    ):
        assert await refusal(merge_members(ctx, command)) == code
    assert await refusal(undo_merge(ctx, 99)) == "123"
    theirs = shop.contexts[1]
    assert await refusal(merge_members(theirs, BOTH)) == "103"
    assert (await available(ctx, "OLD"), await available(ctx, "NEW")) == (100, 10)


async def test_of_several_that_merge_the_same_members_at_once_one_does(shop: Shop, ctx: Context) -> None:
    tried = await asyncio.gather(*(merge_members(ctx, BOTH) for _ in range(8)), return_exceptions=True)
    done = [one for one in tried if isinstance(one, Merge)]
    refused = [one.code for one in tried if isinstance(one, TesseraError)]
    assert (len(done), refused) == (1, ["998"] * 7)
    await undo_merge(ctx, done[0].id)
    assert (await available(ctx, "OLD"), await available(ctx, "NEW")) == (100, 10)
    assert await verify_ledger(shop.services) == []


async def test_one_key_merges_once_however_often_it_is_sent_at_once(shop: Shop, ctx: Context) -> None:
    command = replace(BOTH, idempotency_key="K")
    merges: list[Merge] = await asyncio.gather(*(merge_members(ctx, command) for _ in range(10)))
    assert len({one.id for one in merges}) == 1
    assert sum(not one.replayed for one in merges) == 1
    assert await available(ctx, "NEW") == 110
    assert await verify_ledger(shop.services) == []
