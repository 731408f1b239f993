"""Deciding about held transactions: once, by whom, and what becomes of what hangs on them."""

from dataclasses import replace

import pytest

from domain.errors import (
    BadRequest,
    Forbidden,
    KeyReused,
    MemberSuspended,
    MergeRefused,
    RedemptionNotFound,
    RequestNotPending,
)
from resolvers.context import Context
from resolvers.erasure import erase_member
from resolvers.merge import MergeMembers, merge_members
from resolvers.program import apply_configuration
from resolvers.queue import poll_queue, submit_queue
from resolvers.queue_work import work_queue
from resolvers.review import approve_transaction, list_held, reject_transaction
from resolvers.transaction import (
    submit_transaction,
    submit_transactions,
)
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import (
    administrator,
    enroll,
    member_of,
    nothing_written,
    set_status,
)
from tests.resolvers.held import bob, buy, held, told

__all__ = ["bob"]


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
