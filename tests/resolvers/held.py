"""What the tests of held transactions share: a program with thresholds, and BOB who buys in it."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest_asyncio

from resolvers.context import Context
from resolvers.member import get_member
from resolvers.program import apply_configuration
from resolvers.review import HeldTransaction, list_held
from resolvers.transaction import (
    SubmitTransaction,
    TransactionOutcome,
    page_transactions,
)
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import (
    FEBRUARY,
    enroll,
    verified,
)

RULES = b"""
version: 1
program: {time_zone: Europe/Berlin, accrual_cap_per_month: 1000}
expiry: {policy: months, months: 12, period_end: month}
product_codes: [{code: MUSIC}, {code: BOOK}, {code: GOLD}]
aggregates: [{key: bought, function: count, period: lifetime}]
rule_groups:
  - name: Base
    rules: [{name: One for one, award: {type: per_unit, of: transaction.amount, points: 1}}]
  - name: Extra
    category: bonus
    rules:
      - name: Ten more
        when: {attribute: transaction.amount, op: gte, value: 50}
        award: {type: flat, points: 10}
        expires: {months: 3}
fraud:
  earning:
    - {product_code: MUSIC, max_points: 100}
    - {product_code: BOOK, max_points: 55, action: hold_excess}
    - {product_code: GOLD, max_transactions: 2, per: day}
"""
RULES = RULES.replace(b"        expires: {months: 3}\n", b"").replace(
    b"points: 10}", b"points: 10, expires: {months: 3}}"
)


def buy(number: str, amount: str, code: str = "MUSIC", **more: Any) -> SubmitTransaction:
    """A purchase of BOB."""
    values: dict[str, Any] = {"transaction_type": "DR", "transaction_date": FEBRUARY}
    return SubmitTransaction(
        transaction_id=number,
        amount=Decimal(amount),
        member_relation_reference="BOB",
        product_code=code,
        **{**values, **more},
    )


def refund(number: str, amount: str, code: str = "MUSIC") -> SubmitTransaction:
    return buy(number, amount, code, transaction_type="CR")


@pytest_asyncio.fixture
async def bob(shop: Shop) -> AsyncIterator[Context]:
    """A caller of the program in which BOB is; the books are checked afterwards."""
    ctx = shop.contexts[0]
    await apply_configuration(ctx, RULES)
    await enroll(ctx, "BOB")
    yield ctx
    await verified(shop)


async def held(ctx: Context) -> list[HeldTransaction]:
    return await list_held(ctx, status="PENDING", first=100)


async def statuses(ctx: Context) -> dict[str, str]:
    """What became of BOB's transactions, by id and type."""
    member = await get_member(ctx, "BOB")
    rows = (await page_transactions(ctx, [member.id], first=100))[member.id]
    return {f"{one.transaction_id} {one.transaction_type}": one.status for one in rows}


def told(outcome: TransactionOutcome) -> tuple[int, str | None]:
    return int(outcome.points), outcome.hold


def points(one: HeldTransaction) -> tuple[int, int]:
    """What is held, and what was posted."""
    return int(one.points), int(one.posted)
