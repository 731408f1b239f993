"""Transactions over a threshold: held, whole or in part, until somebody decides."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from domain.errors import (
    BadRequest,
    DuplicateRecord,
    Forbidden,
    KeyReused,
    MemberSuspended,
    MergeRefused,
    RedemptionNotFound,
    RequestNotPending,
)
from resolvers.context import Context
from resolvers.erasure import erase_member
from resolvers.member import get_member
from resolvers.merge import MergeMembers, merge_members
from resolvers.program import apply_configuration
from resolvers.queue import poll_queue, submit_queue
from resolvers.queue_work import work_queue
from resolvers.review import HeldTransaction, approve_transaction, list_held, reject_transaction
from resolvers.transaction import (
    SubmitTransaction,
    TransactionOutcome,
    page_transactions,
    submit_transaction,
    submit_transactions,
)
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import (
    FEBRUARY,
    administrator,
    enroll,
    entries,
    figures,
    member_of,
    nothing_written,
    set_status,
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


async def test_over_the_threshold_nothing_is_posted_before_it_is_approved(shop: Shop, bob: Context) -> None:
    assert told(await submit_transaction(bob, buy("T1", "90"))) == (100, None)
    assert told(await submit_transaction(bob, buy("T2", "91", idempotency_key="k"))) == (0, "ON HOLD")
    assert await figures(bob, "BOB") == (100, 0)
    [one] = await held(bob)
    assert (one.transaction_id, *points(one), one.is_partial) == ("T2", 101, 0, False)
    assert (await statuses(bob))["T2 DR"] == "HELD"
    # It is one transaction like others: its key and its id are taken.
    again = await submit_transaction(bob, buy("T2", "91", idempotency_key="k"))
    assert (told(again), again.replayed) == ((0, "ON HOLD"), True)
    with pytest.raises(DuplicateRecord):
        await submit_transaction(bob, buy("T2", "91"))

    shop.later(days=40)
    approved = await approve_transaction(administrator(bob, "ada"), one.id)
    assert (approved.status, *points(approved), approved.decided_by) == ("APPROVED", 101, 101, "admin:ada")
    assert await figures(bob, "BOB") == (201, 0)
    assert (await statuses(bob))["T2 DR"] == "POSTED"
    newest = (await entries(bob, "BOB"))[0]
    assert newest.transaction_date == FEBRUARY
    assert await held(bob) == []


async def test_what_is_over_is_held_alone_where_the_program_says_so(bob: Context) -> None:
    # 52 and 10 more: the first 55 are posted, 7 of the second group wait.
    assert told(await submit_transaction(bob, buy("T1", "52", "BOOK"))) == (55, "PARTIAL HOLD")
    [one] = await held(bob)
    assert (*points(one), one.is_partial) == (7, 55, True)
    assert (await statuses(bob))["T1 DR"] == "POSTED"
    approved = await approve_transaction(bob, one.id)
    assert points(approved) == (7, 62)
    assert await figures(bob, "BOB") == (62, 0)
    earned = [(int(entry.points), entry.bucket) for entry in await entries(bob, "BOB")]
    assert sorted(earned) == [(3, "bonus"), (7, "bonus"), (52, "spend")]
    # The lots of the held part have the terms of their rule.
    expiries = {int(entry.points): entry.expires_at for entry in await entries(bob, "BOB")}
    assert expiries[3] == expiries[7] != expiries[52]


async def test_too_many_in_a_day_are_held(bob: Context) -> None:
    later = FEBRUARY.replace(day=2)
    given = [buy("T1", "1", "GOLD"), buy("T2", "1", "GOLD"), buy("T3", "1", "GOLD"), buy("T4", "1", "BOOK")]
    given += [buy("T5", "1", "GOLD", transaction_date=later), buy("T6", "1", "GOLD", transaction_date=later)]
    outcomes = await submit_transactions(bob, given)
    assert [one.hold for one in outcomes if isinstance(one, TransactionOutcome)] == [
        None, None, "ON HOLD", None, None, None,
    ]  # fmt: skip
    # Those of another run count as well, held ones too.
    assert (await submit_transaction(bob, buy("T7", "1", "GOLD"))).hold == "ON HOLD"
    assert (await submit_transaction(bob, buy("T8", "1", "GOLD", transaction_date=later))).hold == "ON HOLD"
    assert (await submit_transaction(bob, buy("T9", "1", "GOLD", transaction_date=later.replace(day=3)))).hold is None
    for one in await held(bob):
        await approve_transaction(bob, one.id)
    assert await figures(bob, "BOB") == (9, 0)


async def test_the_cap_counts_what_is_held_in_part_and_not_what_is_held_whole(bob: Context) -> None:
    assert told(await submit_transaction(bob, buy("WHOLE", "95"))) == (0, "ON HOLD")
    for number in range(9):
        await submit_transaction(bob, buy(f"A{number}", "90"))
    assert await figures(bob, "BOB") == (900, 0)
    assert told(await submit_transaction(bob, buy("PART", "90", "BOOK"))) == (55, "PARTIAL HOLD")
    # 45 wait and have their room: nothing is left of the 1000.
    assert told(await submit_transaction(bob, buy("LATE", "20"))) == (0, None)
    part, whole = await held(bob)
    assert (points(part), points(whole)) == ((45, 55), (105, 0))
    await reject_transaction(bob, part.id, "too much")
    assert told(await submit_transaction(bob, buy("MORE", "20"))) == (20, None)
    # What was held whole is evaluated when it is approved: 25 are left of the cap.
    assert (await approve_transaction(bob, whole.id)).posted == 25
    assert await figures(bob, "BOB") == (1000, 0)


async def test_a_refund_of_what_is_held_waits_for_the_decision(shop: Shop, bob: Context) -> None:
    await submit_transactions(bob, [buy("T1", "200"), buy("T2", "200")])
    for number in ("T1", "T2"):
        parked = await submit_transaction(bob, refund(number, "50"))
        assert told(parked) == (0, None)
        assert parked.is_parked
    second, first = await held(bob)
    # Longer than refunds wait for purchases that never came.
    shop.later(days=200)
    assert (await approve_transaction(bob, first.id)).status == "APPROVED"
    available, _ = await figures(bob, "BOB")
    # 200, and 10 that have expired by now; less a quarter of both, the half rounded up.
    assert available == 200 - 50 - 3
    await reject_transaction(bob, second.id, "a ghost")
    assert await figures(bob, "BOB") == (available, 0)
    found = await statuses(bob)
    assert found == {"T1 DR": "POSTED", "T1 CR": "POSTED", "T2 DR": "REJECTED", "T2 CR": "LAPSED"}
    # The shop may go on refunding what was rejected; there is nothing to take back.
    late = await submit_transaction(bob, refund("T2", "50"))
    assert told(late) == (0, None)
    assert late.is_parked
    with pytest.raises(DuplicateRecord):
        await submit_transaction(bob, buy("T2", "200"))


@pytest.mark.parametrize("is_approved_first", [True, False])
async def test_refunds_of_a_part_come_out_even_whenever_it_is_approved(bob: Context, is_approved_first: bool) -> None:
    await submit_transaction(bob, buy("T1", "90", "BOOK"))
    [one] = await held(bob)
    if is_approved_first:
        await approve_transaction(bob, one.id)
    for amount in ("30", "31"):
        await submit_transaction(bob, refund("T1", amount, "BOOK"))
    if not is_approved_first:
        approved = await approve_transaction(bob, one.id)
        assert approved.posted > 0
    before = (await figures(bob, "BOB"))[0]
    # 29 of 90 are left of the purchase, and so much of its 100 points.
    assert 31 <= before <= 33
    await submit_transaction(bob, refund("T1", "29", "BOOK"))
    assert await figures(bob, "BOB") == (0, 0)


async def test_a_rejected_part_is_never_posted_and_what_was_stays(bob: Context) -> None:
    await submit_transaction(bob, buy("T1", "90", "BOOK"))
    [one] = await held(bob)
    rejected = await reject_transaction(bob, one.id, " a trick ")
    assert (rejected.status, rejected.reason, *points(rejected)) == ("REJECTED", "a trick", 45, 55)
    await submit_transaction(bob, refund("T1", "90", "BOOK"))
    assert await figures(bob, "BOB") == (0, 0)


async def test_a_decision_settles_the_item_of_the_queue(bob: Context) -> None:
    batch = await submit_queue(bob, [buy("T1", "200"), buy("T2", "90", "BOOK"), buy("T3", "200"), buy("T4", "5")])
    await work_queue(bob.services)

    async def shown() -> list[tuple[str, int, str]]:
        items = (await poll_queue(bob, batch.batch_id)).items
        return [(one.status, int(one.points), str(one.error or "")) for one in items]

    assert await shown() == [
        ("ON HOLD", 0, ""), ("PARTIAL HOLD", 55, ""), ("ON HOLD", 0, ""), ("SUCCESS", 5, ""),
    ]  # fmt: skip
    third, second, first = await held(bob)
    await approve_transaction(bob, first.id)
    await approve_transaction(bob, second.id)
    await reject_transaction(bob, third.id, "no")
    assert await shown() == [
        ("SUCCESS", 210, ""),
        ("SUCCESS", 100, ""),
        ("FAILED", 0, "129 Held for review (rejected)"),
        ("SUCCESS", 5, ""),
    ]


async def test_a_decision_is_made_once_and_replayed_under_its_key(shop: Shop, bob: Context) -> None:
    await submit_transactions(bob, [buy("T1", "200"), buy("T2", "200")])
    second, first = await held(bob)
    assert not (await approve_transaction(bob, first.id, "k")).replayed
    async with nothing_written(shop):
        again = await approve_transaction(bob, first.id, "k")
        assert (again.replayed, again.status) == (True, "APPROVED")
        with pytest.raises(KeyReused):
            await approve_transaction(bob, second.id, "k")
        with pytest.raises(RequestNotPending):
            await approve_transaction(bob, first.id)
        with pytest.raises(RequestNotPending):
            await reject_transaction(bob, first.id, "r")
        with pytest.raises(BadRequest):
            await reject_transaction(bob, second.id, "  ")


async def test_who_may_not_approve_sees_and_decides_nothing(shop: Shop, bob: Context) -> None:
    await submit_transaction(bob, buy("T1", "200"))
    [one] = await held(bob)
    callers = [member_of(bob, "BOB"), administrator(bob, "eve", "customer-executive")]
    async with nothing_written(shop):
        for ctx in callers:
            for work in (
                approve_transaction(ctx, one.id),
                reject_transaction(ctx, one.id, "r"),
                list_held(ctx, first=1),
            ):
                with pytest.raises(Forbidden):
                    await work
        other = shop.contexts[1]
        assert await list_held(other, first=10) == []
        for ctx, number in ((other, one.id), (bob, one.id + 1000)):
            with pytest.raises(RedemptionNotFound):
                await approve_transaction(ctx, number)
            with pytest.raises(RedemptionNotFound):
                await reject_transaction(ctx, number, "r")


async def test_who_may_not_earn_by_then_gets_nothing_and_it_stays_held(shop: Shop, bob: Context) -> None:
    await submit_transaction(bob, buy("T1", "200"))
    [one] = await held(bob)
    await set_status(bob, "BOB", 2)
    async with nothing_written(shop):
        with pytest.raises(MemberSuspended):
            await approve_transaction(bob, one.id)
    await set_status(bob, "BOB", 1)
    assert (await approve_transaction(bob, one.id)).posted == 210


async def test_nobody_is_merged_while_a_transaction_waits(shop: Shop, bob: Context) -> None:
    await enroll(bob, "EVE")
    await submit_transaction(bob, buy("T1", "200"))
    async with nothing_written(shop):
        with pytest.raises(MergeRefused):
            await merge_members(bob, MergeMembers(victim="BOB", survivor="EVE"))
    [one] = await held(bob)
    await reject_transaction(bob, one.id, "r")
    await merge_members(bob, MergeMembers(victim="BOB", survivor="EVE"))


async def test_an_erased_member_gets_nothing_and_its_reasons_are_gone(bob: Context) -> None:
    await submit_transactions(bob, [buy("T1", "200"), buy("T2", "200")])
    second, first = await held(bob)
    await reject_transaction(bob, first.id, "BOB again")
    await erase_member(bob, "BOB")
    with pytest.raises(Exception, match="113"):
        await approve_transaction(bob, second.id)
    rejected = await reject_transaction(bob, second.id, "gone")
    assert rejected.reason is None
    assert [one.reason for one in await list_held(bob, first=10)] == [None, None]


async def test_without_thresholds_and_with_other_ones_nothing_waits(bob: Context) -> None:
    await apply_configuration(bob, b"version: 1\nfraud: {earning: []}")
    assert told(await submit_transaction(replace(bob), buy("T1", "200"))) == (210, None)
