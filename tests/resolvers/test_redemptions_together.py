"""Redemptions that arrive at once share round trips and commits, and nothing else."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from domain.errors import KeyReused
from resolvers.redemption import Redemption, redeem_points
from resolvers.transaction import SubmitTransaction, submit_transaction
from resolvers.verification import verify_ledger
from tests.resolvers.conftest import Shop
from tests.resolvers.test_redemption import ORDER, ann, balance


async def test_of_redemptions_that_go_together_each_meets_its_own_fault(shop: Shop) -> None:
    context = await ann(shop)
    purchase = SubmitTransaction(
        transaction_id="T2",
        transaction_type="DR",
        amount=Decimal(50),
        transaction_date=datetime(2026, 2, 1, tzinfo=UTC),
        member_relation_reference="ANN",
    )
    earned = await submit_transaction(context, purchase)
    single = replace(ORDER, points=Decimal(1))
    # Another posting has its reference, which the database finds when all are half done.
    taken = replace(single, external_reference=earned.external_references[0])
    outcomes = await asyncio.gather(
        *(redeem_points(context, taken if number == 17 else single) for number in range(30)), return_exceptions=True
    )
    assert [type(one) for one in outcomes] == [KeyReused if number == 17 else Redemption for number in range(30)]
    assert await balance(context) == 100 + 50 - 29
    assert await verify_ledger(context.services) == []


async def test_a_caller_that_gives_up_takes_nobody_along(shop: Shop) -> None:
    context = await ann(shop)
    orders = [replace(ORDER, points=Decimal(1), idempotency_key=f"K{number}") for number in range(20)]
    tasks = [asyncio.create_task(redeem_points(context, order)) for order in orders]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(isinstance(task.result(), Redemption) for task in tasks[1::2])
    # What was given up may be done or not; asked for again it is done once.
    for order in orders:
        await redeem_points(context, order)
    assert await balance(context) == 100 - 20
    assert await verify_ledger(context.services) == []


async def test_the_same_key_at_once_is_one_redemption(shop: Shop) -> None:
    context = await ann(shop)
    for number in range(3):
        order = replace(ORDER, points=Decimal(1), idempotency_key=f"K{number}")
        answers = await asyncio.gather(*(redeem_points(context, order) for _ in range(25)))
        assert len({answer.entry_id for answer in answers}) == 1
        assert sum(answer.replayed for answer in answers) == 24
    assert await balance(context) == 100 - 3
