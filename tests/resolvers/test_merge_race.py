"""Merges that happen while the victim moves: whatever was answered stands on who answers for it then."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from sqlalchemy import text

from domain.errors import ServiceUnavailable, TesseraError
from resolvers.bonus import PostBonus, post_bonus
from resolvers.context import Context
from resolvers.member import EnrollMember, enroll_member
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.redemption import RedeemPoints, redeem_points
from resolvers.statement import get_statement_summary
from resolvers.transaction import submit_transaction
from resolvers.verification import verify_ledger
from tests.resolvers.conftest import Shop
from tests.resolvers.test_redemption import ORDER
from tests.resolvers.test_transaction import BUY

ROUNDS = 12


async def move(context: Context, what: str, victim: str, number: int) -> Decimal:
    """Earn or spend in the victim's name; what it changes."""
    key = f"{what}-{victim}-{number}"
    if what == "purchase":
        command = replace(BUY, transaction_id=key, member_relation_reference=victim, amount=Decimal(10))
        return (await submit_transaction(context, command)).points
    if what == "redemption":
        order: RedeemPoints = replace(ORDER, relation_reference=victim, points=Decimal(1), idempotency_key=key)
        await redeem_points(context, order)
        return Decimal(-1)
    bonus = PostBonus(relation_reference=victim, points=Decimal(3), idempotency_key=key)
    await post_bonus(context, bonus)
    return Decimal(3)


@pytest.mark.parametrize("what", ["purchase", "redemption", "bonus"])
async def test_what_moves_while_members_are_merged_is_the_survivors(shop: Shop, what: str) -> None:
    context = shop.contexts[0]
    for number in range(ROUNDS):
        victim, survivor = f"V{number}", f"S{number}"
        for reference in (victim, survivor):
            await enroll_member(context, EnrollMember(values={"relation_reference": reference, "status": 1}))
        await submit_transaction(
            context, replace(BUY, transaction_id=victim, member_relation_reference=victim, amount=Decimal(100))
        )
        merge = merge_members(context, MergeMembers(victim=victim, survivor=survivor))
        moves = [move(context, what, victim, one) for one in range(8)]
        moved = await asyncio.gather(*moves[:4], merge, *moves[4:])
        changed = sum(one for one in moved if isinstance(one, Decimal))
        assert (await get_statement_summary(context, survivor)).point_balance == 100 + changed
    assert await verify_ledger(context.services) == []


async def test_what_moves_while_members_are_parted_is_lost_to_nobody(shop: Shop) -> None:
    context = shop.contexts[0]
    for number in range(ROUNDS):
        victim, survivor = f"V{number}", f"S{number}"
        for reference in (victim, survivor):
            await enroll_member(context, EnrollMember(values={"relation_reference": reference, "status": 1}))
        merge = await merge_members(context, MergeMembers(victim=victim, survivor=survivor))
        moves = [move(context, "purchase", victim, one) for one in range(8)]
        await asyncio.gather(*moves[:4], undo_merge(context, merge.id), *moves[4:])
        balances = [(await get_statement_summary(context, one)).point_balance for one in (victim, survivor)]
        assert sum(balances) == 8 * 10
    assert await verify_ledger(context.services) == []


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_merges_and_purchases_never_wait_for_each_other_in_a_circle(shop: Shop) -> None:
    context = shop.contexts[0]
    names = [f"M{number}" for number in range(6)]
    for name in names:
        await enroll_member(context, EnrollMember(values={"relation_reference": name, "status": 1}))
        await submit_transaction(context, replace(BUY, transaction_id=name, member_relation_reference=name))

    async def merge_and_part(victim: str, survivor: str) -> None:
        for _ in range(4):
            # Others may have merged one of them meanwhile, or the points may be spent.
            with suppress(TesseraError):
                merge = await merge_members(context, MergeMembers(victim=victim, survivor=survivor))
                await undo_merge(context, merge.id)

    async def buy(number: int) -> None:
        # Who is merged and parted again and again is asked to come back, as clients do.
        while True:
            with suppress(ServiceUnavailable):
                await move(context, "purchase", names[number % 6], number)
                return

    moves = [buy(number) for number in range(60)]
    pairs = [merge_and_part(victim, survivor) for victim, survivor in pairwise([*names, names[0]])]
    await asyncio.gather(*moves[:20], *pairs, *moves[20:])
    assert await verify_ledger(context.services) == []
    # The server tells of them no later than a second after.
    await asyncio.sleep(1.5)
    counted = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert await context.read(lambda tx: tx.scalar(counted)) == 0
