"""Refunds: what a `DR` earned is taken back in proportion, exactly, from whatever the member has left."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from domain.errors import InvalidRequest, TesseraError
from domain.ledger.refund import share
from resolvers.context import Context
from resolvers.ledger import list_entries_by_id
from resolvers.member import EnrollMember, enroll_member
from resolvers.redemption import RedeemPoints, check_availability, redeem_points
from resolvers.simulation import SimulateTransaction, simulate_transaction
from resolvers.statement import StatementQuery, get_statement_summary, list_statement
from resolvers.transaction import SubmitTransaction, page_transactions, submit_transaction, submit_transactions
from resolvers.verification import verify_ledger
from tests.resolvers.conftest import Shop

DAY = datetime(2026, 2, 3, 12, tzinfo=UTC)


def bought(number: str, amount: int | str, **changed: Any) -> SubmitTransaction:
    command = SubmitTransaction(
        transaction_id=number,
        transaction_type="DR",
        amount=Decimal(amount),
        transaction_date=DAY,
        member_relation_reference="ANN",
        product_code="MUSIC",
    )
    return replace(command, **changed)


def refunded(number: str, amount: int | str, **changed: Any) -> SubmitTransaction:
    return bought(number, amount, transaction_type="CR", **changed)


@pytest.fixture
async def ann(shop: Shop) -> Context:
    for context in shop.contexts:
        await enroll_member(context, EnrollMember(values={"relation_reference": "ANN", "status": 1}))
    return shop.contexts[0]


async def balance(context: Context) -> Decimal:
    summary = await get_statement_summary(context, "ANN")
    assert summary.point_balance == summary.spend + summary.bonus - summary.redeem - summary.expired_points
    return summary.point_balance


async def points_of(context: Context, *commands: SubmitTransaction) -> list[Any]:
    """The points of each transaction, or the code of its refusal."""
    outcomes = await submit_transactions(context, list(commands))
    return [one.code if isinstance(one, TesseraError) else int(one.points) for one in outcomes]


@given(
    earned=st.integers(0, 10**9),
    cents=st.lists(st.integers(0, 10**6), min_size=1, max_size=8),
)
def test_any_sequence_of_partial_refunds_equals_a_full_one(earned: int, cents: list[int]) -> None:
    parts = [Decimal(one) / 100 for one in cents]
    amount = sum(parts, Decimal(0))
    taken, before = 0, Decimal(0)
    for part in parts:
        step = share(earned, amount, before, part)
        assert 0 <= step <= earned
        taken += step
        before += part
    assert taken == (earned if amount else 0)


async def test_a_refund_takes_back_in_proportion_and_never_more_than_the_whole(shop: Shop, ann: Context) -> None:
    assert await points_of(ann, bought("T1", 10)) == [10]
    assert await points_of(ann, refunded("T1", "3.33")) == [-3]
    assert await points_of(ann, refunded("T1", "3.33")) == [-4]
    assert await points_of(ann, refunded("T1", 100)) == [-3]
    assert await points_of(ann, refunded("T1", 1)) == [0]
    assert await balance(ann) == 0
    assert await verify_ledger(shop.services) == []


async def test_one_run_and_many_end_alike(shop: Shop, ann: Context) -> None:
    rows = [
        refunded("T2", 4),
        bought("T1", 30),
        refunded("T1", 10),
        bought("T2", 8),
        bought("T3", 0),
        refunded("T1", 5),
        refunded("T3", 0),
    ]
    together = await points_of(shop.contexts[1], *rows)
    alone = [(await points_of(ann, row))[0] for row in rows]
    # A refund that came first is told when its purchase has come, which in one run is at once.
    assert (alone[0], together[0]) == (0, -4)
    assert alone[1:] == together[1:] == [30, -10, 8, 0, -5, 0]
    assert await balance(ann) == await balance(shop.contexts[1]) == 19
    assert await verify_ledger(shop.services) == []


async def test_a_refund_before_its_purchase_is_parked_and_applied_when_it_arrives(shop: Shop, ann: Context) -> None:
    parked = await submit_transaction(ann, refunded("T1", 4))
    assert parked.is_parked
    assert parked.points == 0
    assert await balance(ann) == 0
    # Another member's purchase of that id is none of it.
    await enroll_member(ann, EnrollMember(values={"relation_reference": "BEN", "status": 1}))
    assert await points_of(ann, bought("T1", 10, member_relation_reference="BEN")) == [10]
    assert await points_of(ann, bought("T2", 10)) == [10]
    later = await submit_transaction(shop.contexts[1], refunded("T1", 4))
    arrived = await submit_transaction(shop.contexts[1], bought("T1", 10))
    assert later.is_parked
    assert (int(arrived.points), int(arrived.taken_back)) == (10, -4)
    assert await balance(shop.contexts[1]) == 6
    assert await points_of(shop.contexts[1], refunded("T1", 10)) == [-6]
    assert await verify_ledger(shop.services) == []


async def test_the_purchase_tells_what_a_refund_that_had_waited_took_of_it(shop: Shop, ann: Context) -> None:
    await submit_transaction(ann, refunded("T1", 4))
    tried = await simulate_transaction(ann, SimulateTransaction(transaction=bought("T1", 10)))
    assert tried.points == 10
    assert [(one.kind, int(one.points)) for one in tried.postings] == [("earn", 10), ("refund", -4)]
    purchase = bought("T1", 10, idempotency_key="key")
    arrived, again = [await submit_transaction(ann, purchase) for _ in range(2)]
    entries = await list_entries_by_id(ann, arrived.entry_ids)
    told = [entries[one] for one in arrived.entry_ids]
    assert [(one.stored.kind, int(one.points)) for one in told] == [("earn", 10), ("refund", -4)]
    assert [one.stored.external_reference for one in told] == list(arrived.external_references)
    assert replace(again, ignored_keys=[]) == replace(arrived, replayed=True)
    # Of one run each tells its own.
    both: list[Any] = await submit_transactions(ann, [refunded("T2", 4), bought("T2", 10)])
    assert [(int(one.points), int(one.taken_back), len(one.entry_ids)) for one in both] == [(-4, 0, 1), (10, 0, 1)]
    (page,) = (await page_transactions(ann, [arrived.member_id], first=10)).values()
    assert sorted(int(one.points) for one in page) == [-4, -4, 10, 10]


async def test_a_refund_of_another_members_purchase_is_refused(shop: Shop, ann: Context) -> None:
    await enroll_member(ann, EnrollMember(values={"relation_reference": "BEN", "status": 1}))
    refund_of_ben = refunded("T1", 4, member_relation_reference="BEN")
    assert await points_of(ann, bought("T1", 10)) == [10]
    for together in ([refund_of_ben], [bought("T2", 5), refunded("T2", 1, member_relation_reference="BEN")]):
        assert (await points_of(ann, *together))[-1] == "998"
    with pytest.raises(InvalidRequest, match="transaction_id: a purchase of another member"):
        await submit_transaction(ann, refund_of_ben)
    rows = await ann.read(lambda tx: tx.execute(text("SELECT count(*) FROM member_transaction")).scalar())
    assert rows == 2
    assert await balance(ann) == 15


async def test_a_parked_refund_waits_no_longer_than_the_program_says(shop: Shop, ann: Context) -> None:
    await submit_transaction(ann, refunded("T1", 4))
    shop.later(days=90)
    assert await points_of(ann, bought("T1", 10)) == [10]
    assert await balance(ann) == 10
    await submit_transaction(ann, refunded("T2", 4))
    shop.later(days=89)
    assert await points_of(ann, bought("T2", 10, transaction_date=shop.now)) == [10]
    assert await balance(ann) == 16
    assert await verify_ledger(shop.services) == []


async def test_what_was_spent_already_becomes_a_debt_that_later_earnings_repay(shop: Shop, ann: Context) -> None:
    await submit_transactions(ann, [bought("T1", 100), bought("T2", 20)])
    await redeem_points(ann, RedeemPoints(relation_reference="ANN", points=Decimal(110), merchant_name="Shop"))
    assert await points_of(ann, refunded("T1", 100)) == [-100]
    assert await balance(ann) == -90
    assert await check_availability(ann, "ANN") == 0
    with pytest.raises(TesseraError) as refusal:
        await redeem_points(ann, RedeemPoints(relation_reference="ANN", points=Decimal(1), merchant_name="Shop"))
    assert refusal.value.code == "121"
    assert await points_of(ann, bought("T3", 50)) == [50]
    assert await balance(ann) == -40
    assert await points_of(ann, bought("T4", 60)) == [60]
    assert await balance(ann) == await check_availability(ann, "ANN") == 20
    # What repaid the debt never was a lot: only the rest can expire.
    shop.later(days=800)
    assert await balance(ann) == 0
    assert (await get_statement_summary(ann, "ANN")).expired_points == 20
    assert await verify_ledger(shop.services) == []


async def test_a_key_repeats_a_refund_without_taking_again(shop: Shop, ann: Context) -> None:
    await submit_transaction(ann, bought("T1", 100))
    once = refunded("T1", 40, idempotency_key="K")
    first = await submit_transaction(ann, once)
    again = await submit_transaction(ann, once)
    assert again == replace(first, replayed=True, ignored_keys=())
    assert await balance(ann) == 60
    assert await verify_ledger(shop.services) == []


async def test_the_statement_shows_the_refund_in_the_bucket_it_takes_back(shop: Shop, ann: Context) -> None:
    await submit_transactions(ann, [bought("T1", 100), refunded("T1", 30)])
    page = await list_statement(ann, StatementQuery(relation_reference="ANN"))
    shown = [(one.stored.kind, one.category, one.stored.loyalty_txn_type, int(one.points)) for one in page.entries]
    assert shown == [("refund", "Spend", 1, -30), ("earn", "Spend", 1, 100)]
    assert (await get_statement_summary(ann, "ANN")).spend == 70
    assert await verify_ledger(shop.services) == []


@pytest.mark.parametrize(("status", "code"), [(2, "114"), (4, "113"), (6, "115")])
async def test_a_refund_is_refused_by_status_like_an_earning(shop: Shop, status: int, code: str) -> None:
    context = shop.contexts[0]
    await enroll_member(context, EnrollMember(values={"relation_reference": "ANN", "status": status}))
    assert await points_of(context, refunded("T1", 1)) == [code]
    assert (await list_statement(context, StatementQuery(relation_reference="ANN"))).count == 0


async def test_the_key_of_a_purchase_may_name_what_waiting_refunds_took(ann: Context) -> None:
    await submit_transaction(ann, refunded("T-1", 30))
    outcome = await submit_transaction(ann, bought("T-1", 100, idempotency_key="key"))
    assert outcome.taken_back < 0
    assert await verify_ledger(ann.services) == []
