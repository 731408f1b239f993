"""Transactions over a threshold: held, whole or in part, until somebody decides."""

import pytest

from domain.errors import (
    DuplicateRecord,
)
from resolvers.context import Context
from resolvers.review import approve_transaction, reject_transaction
from resolvers.transaction import (
    TransactionOutcome,
    submit_transaction,
    submit_transactions,
)
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import (
    FEBRUARY,
    administrator,
    entries,
    figures,
)
from tests.resolvers.held import bob, buy, held, points, refund, statuses, told

__all__ = ["bob"]


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
    assert newest.stored.transaction_date == FEBRUARY
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
    earned = [(int(entry.points), entry.stored.bucket) for entry in await entries(bob, "BOB")]
    assert sorted(earned) == [(3, "bonus"), (7, "bonus"), (52, "spend")]
    # The lots of the held part have the terms of their rule.
    expiries = {int(entry.points): entry.stored.expires_at for entry in await entries(bob, "BOB")}
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
