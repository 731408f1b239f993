"""Submitting: the same rules alone and in bulk, refusals in order, keys that bind."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import KeyReused, TesseraError
from resolvers.context import Context
from resolvers.member import EnrollMember, UpdateMember, enroll_member, update_member
from resolvers.outbox import relay_outbox
from resolvers.program import apply_configuration
from resolvers.redemption import RedeemPoints, redeem_points
from resolvers.statement import get_statement_summary
from resolvers.transaction import SubmitTransaction, TransactionOutcome, submit_transaction, submit_transactions
from resolvers.verification import verify_ledger
from tests.resolvers.conftest import Shop

BUY = SubmitTransaction(
    transaction_id="T1",
    transaction_type="DR",
    amount=Decimal("29.50"),
    transaction_date=datetime(2026, 2, 3, 11, 16),  # noqa: DTZ001 - local time of the program
    member_relation_reference="ANN",
    product_code="MUSIC",
)


async def ann(context: Context, **values: Any) -> int:
    written = await enroll_member(context, EnrollMember(values={"relation_reference": "ANN", "status": 1, **values}))
    return written.member.id


async def balance(context: Context) -> Decimal:
    return (await get_statement_summary(context, "ANN")).point_balance


async def test_a_credit_that_no_balance_holds_is_refused_alone(shop: Shop) -> None:
    context = shop.contexts[0]
    await apply_configuration(context, TWO_GROUPS)
    await ann(context)
    most = Decimal(10) ** 15
    amounts = [most / 2 - 5, Decimal(5), most / 2, Decimal(2), Decimal("2.5"), Decimal("0.5")]
    rows = [replace(BUY, transaction_id=f"T{n}", amount=amount) for n, amount in enumerate(amounts)]
    told = await submit_transactions(context, rows)
    assert [one.code if isinstance(one, TesseraError) else str(one.points) for one in told] == [
        "999999999999990",
        "10",
        "998",
        "998",
        "998",
        "998",
    ]
    assert "the balance would pass" in str(told[2])
    assert await balance(context) == most
    rows = [replace(one, idempotency_key="K") for one in rows[2:3]]
    again = await submit_transactions(context, rows)
    assert [one.code for one in again if isinstance(one, TesseraError)] == ["998"]
    # Nothing was bound to the key, and there is room again once something was spent.
    spent = RedeemPoints(relation_reference="ANN", points=most, merchant_name="Shop", loyalty_txn_type=30)
    await redeem_points(context, spent)
    assert isinstance((await submit_transactions(context, rows))[0], TransactionOutcome)
    assert await verify_ledger(shop.services) == []


TWO_GROUPS = b"""
version: 1
rule_groups:
  - name: Base
    rules: [{name: One for one, award: {type: per_unit, of: transaction.amount, points: 1}}]
  - name: Extra
    category: bonus
    rules: [{name: Once more, award: {type: per_unit, of: transaction.amount, points: 1}}]
"""


async def test_alone_and_in_bulk_earn_alike(shop: Shop) -> None:
    rows = [replace(BUY, transaction_id=f"T{n}", amount=Decimal(n) / 3 * 2) for n in range(10)]
    totals = []
    for context in shop.contexts:
        await ann(context)
    for row in rows:
        await submit_transaction(shop.contexts[0], row)
    await submit_transactions(shop.contexts[1], rows)
    for context in shop.contexts:
        totals.append(await balance(context))
    assert totals[0] == totals[1] > 0
    assert await verify_ledger(shop.services) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"transaction_id": ""}, "999"),
        ({"amount": Decimal("NaN")}, "999"),
        ({"transaction_date": datetime(1, 1, 1)}, "999"),  # noqa: DTZ001
        ({"transaction_date": datetime(9999, 12, 31)}, "999"),  # noqa: DTZ001
        ({"amount": Decimal(-1)}, "998"),
        ({"transaction_type": "XX"}, "998"),
        ({"attributes": {"quantity": "many"}, "product_code": "NO"}, "106"),
        ({"attributes": {"colour": "red"}}, "106"),
        ({"product_code": "NO", "member_relation_reference": "BOB"}, "105"),
        ({"sub_product_code": "LP"}, "105"),
        ({"member_relation_reference": "BOB"}, "103"),
        ({"transaction_id": "T0"}, "1201"),
        ({"amount": Decimal(10) ** 14 * 9, "attributes": {"quantity": 1}}, "000"),
    ],
)
async def test_a_refusal_has_its_code_and_posts_nothing(shop: Shop, change: dict[str, Any], code: str) -> None:
    context = shop.contexts[0]
    await ann(context)
    await submit_transaction(context, replace(BUY, transaction_id="T0"))
    before = await balance(context)
    outcome = (await submit_transactions(context, [replace(BUY, **change)]))[0]
    assert (outcome.code if isinstance(outcome, TesseraError) else "000") == code
    if code != "000":
        assert await balance(context) == before


@pytest.mark.parametrize(("status", "code"), [(1, None), (2, "114"), (3, None), (4, "113"), (5, None), (6, "115")])
async def test_status_decides_who_earns(shop: Shop, status: int, code: str | None) -> None:
    await ann(shop.contexts[0], status=status)
    outcome = (await submit_transactions(shop.contexts[0], [BUY]))[0]
    assert (outcome.code if isinstance(outcome, TesseraError) else None) == code
    assert await balance(shop.contexts[0]) == (0 if code else 30)


async def test_a_key_replays_across_states_and_twice_in_one_run(shop: Shop) -> None:
    context = shop.contexts[0]
    member_id = await ann(context)
    keyed = replace(BUY, idempotency_key="k")
    first, second = await submit_transactions(context, [keyed, keyed])
    assert isinstance(first, TransactionOutcome)
    assert isinstance(second, TransactionOutcome)
    assert (first.replayed, second.replayed, first.id) == (False, True, second.id)
    await update_member(context, UpdateMember(values={"status": 4}, member_id=member_id))
    again = await submit_transaction(context, keyed)
    assert (again.replayed, again.points, again.external_references) == (
        True,
        first.points,
        first.external_references,
    )
    with pytest.raises(KeyReused):
        await submit_transaction(context, replace(keyed, amount=Decimal(1)))
    assert await balance(context) == 30


async def test_a_business_refusal_binds_its_key_for_a_day(shop: Shop) -> None:
    context = shop.contexts[0]
    member_id = await ann(context, status=2)
    keyed = replace(BUY, idempotency_key="k")
    for _ in range(2):
        outcome = (await submit_transactions(context, [keyed]))[0]
        assert isinstance(outcome, TesseraError)
        assert outcome.code == "114"
        await update_member(context, UpdateMember(values={"status": 1}, member_id=member_id))
    shop.later(hours=25)
    assert (await submit_transaction(context, keyed)).points == 30


async def test_what_is_past_its_date_is_posted_and_expired_in_one_step(shop: Shop) -> None:
    await ann(shop.contexts[0])
    long_ago = replace(BUY, transaction_date=datetime(2020, 2, 29, 23, 30, tzinfo=UTC))
    assert (await submit_transaction(shop.contexts[0], long_ago)).points == 30
    summary = await get_statement_summary(shop.contexts[0], "ANN")
    assert [int(one) for one in (summary.spend, summary.expired_points, summary.point_balance)] == [30, 30, 0]
    assert await verify_ledger(shop.services) == []


async def test_every_event_gets_one_number_without_a_gap(shop: Shop) -> None:
    await ann(shop.contexts[0])
    rows = [replace(BUY, transaction_id=f"T{n}") for n in range(25)]
    await submit_transactions(shop.contexts[0], rows)
    assert await relay_outbox(shop.services, limit=7) > 25
    assert await relay_outbox(shop.services) == 0


async def test_an_id_that_looks_like_another_is_the_same_or_refused(shop: Shop) -> None:
    context = shop.contexts[0]
    await ann(context)
    first = await submit_transaction(context, BUY)
    before = await balance(context)
    ids = [" T1", "T1 ", "\u00a0T1", "T1\u200b", "T1\n", " ", "T\x001"]
    told = [await submit_transactions(context, [replace(BUY, transaction_id=one)]) for one in ids]
    codes = [one[0].code for one in told if isinstance(one[0], TesseraError)]
    assert codes == ["1201", "1201", "1201", "998", "1201", "999", "998"]
    assert await balance(context) == before == first.points
    # So a refund with a blank finds its purchase.
    refund = replace(BUY, transaction_id="T1 ", transaction_type="CR")
    assert (await submit_transaction(context, refund)).points == -before
