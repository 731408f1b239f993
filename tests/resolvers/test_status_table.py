"""The table of statuses, row by row: every operation does what the table says, on both databases."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.errors import TesseraError
from domain.member_status import STATUS_NAMES, STATUS_TABLE, Operation
from resolvers.batch import open_batch
from resolvers.batch_line import BatchLine
from resolvers.batch_post import Share, post_rows
from resolvers.context import Context
from resolvers.member import EnrollMember, UpdateMember, enroll_member, update_member
from resolvers.program import apply_configuration
from resolvers.redemption import (
    RedeemPoints,
    ReverseRedemption,
    check_availability,
    redeem_points,
    reverse_redemption,
)
from resolvers.transaction import SubmitTransaction, submit_transaction
from resolvers.verification import verify_ledger
from tests.resolvers.conftest import RULES, Shop, contents

Attempt = Callable[[Context, int], Awaitable[object]]


def purchase(status: int, name: str) -> SubmitTransaction:
    """A transaction of the member of this status."""
    return SubmitTransaction(
        transaction_id=f"{name}-{status}",
        transaction_type="DR",
        amount=Decimal(100),
        transaction_date=datetime(2026, 2, 1, tzinfo=UTC),
        member_relation_reference=f"M{status}",
    )


async def populate(context: Context) -> dict[int, str]:
    """A member of each status with points and a redemption; the references of the redemptions."""
    redeemed = {}
    for status in STATUS_NAMES:
        values = {"relation_reference": f"M{status}", "status": 1}
        await enroll_member(context, EnrollMember(values=values))
        await submit_transaction(context, purchase(status, "first"))
        made = await redeem_points(context, redemption(status))
        redeemed[status] = str(made.external_reference)
        if status != 1:
            await update_member(context, UpdateMember(values={"status": status}, relation_reference=f"M{status}"))
    return redeemed


def redemption(status: int) -> RedeemPoints:
    """A redemption of the member of this status."""
    return RedeemPoints(relation_reference=f"M{status}", points=Decimal(5), merchant_name="Shop", loyalty_txn_type=30)


async def walk(context: Context, operation: Operation, attempt: Attempt, *, accrue_cancelled: bool = False) -> None:
    """Try the operation on a member of each status; what is refused has written nothing."""
    for status, refusal in STATUS_TABLE[operation].items():
        before = await contents(context)
        try:
            await attempt(context, status)
            refused_with = None
        except TesseraError as error:
            refused_with = type(error)
            assert await contents(context) == before
        allowed = accrue_cancelled and status == 4
        assert refused_with is (None if allowed else refusal), (operation, status)


async def earn(context: Context, status: int) -> object:
    return await submit_transaction(context, purchase(status, "api"))


async def check(context: Context, status: int) -> object:
    return await check_availability(context, f"M{status}")


async def redeem(context: Context, status: int) -> object:
    return await redeem_points(context, redemption(status))


async def update(context: Context, status: int) -> object:
    return await update_member(context, UpdateMember(values={"full_name": "New"}, relation_reference=f"M{status}"))


def test_every_operation_has_a_row_with_every_status() -> None:
    assert set(STATUS_TABLE) == set(Operation)
    for by_status in STATUS_TABLE.values():
        assert list(by_status) == [1, 2, 3, 4, 5, 6]
        assert by_status[1] is None


async def test_each_row_holds_for_the_operations_there_are(shop: Shop) -> None:
    context = shop.contexts[0]
    redeemed = await populate(context)

    async def reverse(context: Context, status: int) -> object:
        return await reverse_redemption(
            context,
            ReverseRedemption(
                relation_reference=f"M{status}", external_reference=redeemed[status], merchant_name="Shop"
            ),
        )

    for operation, attempt in (
        (Operation.EARN, earn),
        (Operation.CHECK, check),
        (Operation.REDEEM, redeem),
        (Operation.REVERSE, reverse),
        (Operation.UPDATE, update),
    ):
        await walk(context, operation, attempt)
    assert await verify_ledger(shop.services) == []


async def test_a_row_of_a_file_is_refused_as_a_call_is(shop: Shop) -> None:
    context = shop.contexts[0]
    await populate(context)
    batch = await open_batch(context, file_type="TXN", file_name="July_TXN.csv", sha256="0" * 64)
    lines = [BatchLine(line=status + 1, command=purchase(status, "file")) for status in STATUS_NAMES]
    rows = await post_rows(context, batch.id, Share(lines=lines))
    expected = [None if one is None else one.code for one in STATUS_TABLE[Operation.EARN].values()]
    assert [None if row.code == "000" else row.code for row in rows] == expected
    assert [row.points for row in rows] == [100 if code is None else 0 for code in expected]


async def test_a_program_may_let_cancelled_members_earn(shop: Shop) -> None:
    context = shop.contexts[0]
    await populate(context)
    await apply_configuration(context, RULES.replace(b"redemption_minimum: 1", b"accrue_cancelled: true"))
    await walk(context, Operation.EARN, earn, accrue_cancelled=True)


async def test_a_refusal_by_status_binds_the_key_of_a_redemption(shop: Shop) -> None:
    context = shop.contexts[0]
    await populate(context)
    for status, refusal in STATUS_TABLE[Operation.REDEEM].items():
        for _ in range(2 if refusal else 0):
            with pytest.raises(TesseraError) as refused:
                await redeem_points(context, replace(redemption(status), idempotency_key=f"k{status}"))
            assert type(refused.value) is refusal
        if refusal is not None and status != 4:
            await update_member(context, UpdateMember(values={"status": 1}, relation_reference=f"M{status}"))
            with pytest.raises(refusal):
                await redeem_points(context, replace(redemption(status), idempotency_key=f"k{status}"))
