"""How orders end: fulfilled, failed, cancelled; what comes back and is told, and refusals with nothing written."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.catalog_errors import OrderNotFound, OrderNotOpen
from domain.errors import BadRequest, Forbidden, KeyReused, TesseraError
from domain.store.catalog import read_stock
from domain.store.order import update_order
from resolvers.context import Context
from resolvers.erasure import erase_member
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.order import place_order
from resolvers.order_end import CancelOrder, FailOrder, FulfilOrder, cancel_order, fail_order, fulfil_order
from resolvers.order_record import (
    Order,
    get_order,
    get_order_code,
    list_order_details,
    page_orders_of_members,
)
from resolvers.program import apply_configuration
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import administrator, balance, enroll, entries, give, member_of, nothing_written, set_status
from tests.resolvers.wares import BOWL, CARD, GIFT, event, fill, last_audit, told

End = Callable[[Context, int], Awaitable[Order]]


async def _fulfil(ctx: Context, order_id: int) -> Order:
    return await fulfil_order(ctx, FulfilOrder(order=order_id))


async def _fail(ctx: Context, order_id: int) -> Order:
    return await fail_order(ctx, FailOrder(order=order_id, reason="Broken"))


async def _cancel(ctx: Context, order_id: int) -> Order:
    return await cancel_order(ctx, CancelOrder(order=order_id))


ENDS: tuple[End, ...] = (_fulfil, _fail, _cancel)


@pytest.fixture
async def counter(ann: Context) -> Context:
    """A caller of the program in which ANN has 100 points and may order; the books are checked afterwards."""
    await fill(ann)
    return ann


async def bowls(ctx: Context) -> int:
    return (await ctx.read(lambda tx: read_stock(tx, ctx.principal.program, ["BOWL"])))["BOWL"]


async def test_an_order_is_fulfilled_by_hand(shop: Shop, counter: Context) -> None:
    placed = await place_order(counter, BOWL)
    shop.later(hours=1)
    command = FulfilOrder(order=placed.id, code="GIVEN-1", reference="DHL 4711")
    done = await fulfil_order(administrator(counter, "root"), command)
    assert (done.status, done.ended_at, done.ended_by) == ("FULFILLED", shop.now, "admin:root")
    assert (done.partner_reference, done.has_code, done.reversal_id) == ("DHL 4711", True, None)
    assert await get_order_code(member_of(counter, "ANN"), placed.id) == "GIVEN-1"
    assert await told(counter) == [event("order.placed", placed.id), event("order.fulfilled", placed.id)]
    assert (await balance(counter, "ANN")).available == 80
    assert await bowls(counter) == 1
    newest = await last_audit(counter)
    assert (newest.action, newest.before, newest.after) == (
        "order.fulfilled",
        {"status": "PLACED"},
        {"status": "FULFILLED", "failure": None},
    )


@pytest.mark.parametrize(
    ("end", "failure", "topic"), [(_fail, "REFUSED", "failed"), (_cancel, "CANCELLED", "cancelled")]
)
async def test_what_fails_gives_back_points_and_stock(counter: Context, end: End, failure: str, topic: str) -> None:
    placed = await place_order(counter, BOWL)
    done = await end(counter, placed.id)
    assert (done.status, done.failure) == ("REVERSED", failure)
    assert await told(counter) == [event(f"order.{one}", placed.id) for one in ("placed", topic, "reversed")]
    assert (await balance(counter, "ANN")).available == 100
    assert await bowls(counter) == 2
    reversal = (await entries(counter, "ANN"))[0]
    assert (reversal.stored.id, reversal.points) == (done.reversal_id, Decimal(20))


async def test_points_come_back_to_their_lots(shop: Shop, counter: Context) -> None:
    await enroll(counter, "BOB")
    await give(counter, "BOB", 15, expires=date(2026, 3, 10))
    await give(counter, "BOB", 15, expires=date(2026, 4, 10))
    order = replace(BOWL, relation_reference="BOB")
    soon, late = await place_order(counter, order), await place_order(counter, replace(order, item="GIFT"))
    await _fail(counter, late.id)
    assert (await balance(counter, "BOB")).available == 10
    shop.now += timedelta(days=20)
    await apply_configuration(counter, b"version: 1\nprogram: {reversal_of_expired: forfeit}")
    await _fail(counter, soon.id)
    # What lapsed while it was ordered is forfeit, by the policy of reversals.
    assert (await balance(counter, "BOB")).available == 15


REFUSALS: list[tuple[Callable[[Context, int], Awaitable[Any]], type[TesseraError]]] = [
    (lambda ctx, one: fail_order(ctx, FailOrder(order=one, reason=" ")), BadRequest),
    (lambda ctx, one: fulfil_order(ctx, FulfilOrder(order=one, code="x" * 501)), BadRequest),
    (lambda ctx, one: fulfil_order(ctx, FulfilOrder(order=one + 1)), OrderNotFound),
    (lambda ctx, one: _fulfil(member_of(ctx, "ANN"), one), Forbidden),
    (lambda ctx, one: _fail(member_of(ctx, "ANN"), one), Forbidden),
    (lambda ctx, one: _cancel(member_of(ctx, "BOB"), one), OrderNotFound),
    (lambda ctx, one: _fulfil(administrator(ctx, "desk", "customer-executive"), one), Forbidden),
]


@pytest.mark.parametrize("number", range(len(REFUSALS)))
async def test_an_end_that_is_refused_writes_nothing(shop: Shop, counter: Context, number: int) -> None:
    refused, error = REFUSALS[number]
    await enroll(counter, "BOB")
    placed = await place_order(counter, BOWL)
    async with nothing_written(shop):
        with pytest.raises(error):
            await refused(counter, placed.id)
        for end in ENDS:
            with pytest.raises(OrderNotFound):
                await end(shop.contexts[1], placed.id)


@pytest.mark.parametrize("first", ENDS)
async def test_what_has_ended_ends_no_other_way(shop: Shop, counter: Context, first: End) -> None:
    placed = await place_order(counter, GIFT)
    await first(counter, placed.id)
    async with nothing_written(shop):
        for end in ENDS:
            with pytest.raises(OrderNotOpen):
                await end(counter, placed.id)


async def test_a_code_that_was_given_is_not_cancelled(shop: Shop, counter: Context) -> None:
    given = await place_order(counter, CARD)
    async with nothing_written(shop):
        for end in ENDS:
            with pytest.raises(OrderNotOpen):
                await end(counter, given.id)


async def test_a_key_ends_an_order_once(shop: Shop, counter: Context) -> None:
    placed = await place_order(counter, GIFT)
    command = FulfilOrder(order=placed.id, code="C", idempotency_key="K")
    first = await fulfil_order(counter, command)
    async with nothing_written(shop):
        again = await fulfil_order(counter, command)
        with pytest.raises(KeyReused):
            await fulfil_order(counter, replace(command, code="D"))
    assert (first.replayed, again.replayed, again.status) == (False, True, "FULFILLED")


async def test_a_member_cancels_its_own_unless_a_partner_has_it(shop: Shop, counter: Context) -> None:
    placed, other = [await place_order(counter, GIFT) for _ in range(2)]
    assert (await _cancel(member_of(counter, "ANN"), placed.id)).status == "REVERSED"
    program = counter.principal.program
    await counter.write(lambda tx: update_order(tx, program, other.id, fulfilment="webhook", attempts=1))
    async with nothing_written(shop):
        with pytest.raises(OrderNotOpen):
            await _cancel(member_of(counter, "ANN"), other.id)


@pytest.mark.parametrize("status", [2, 3, 4, 5, 6])
async def test_in_every_status_an_order_ends(counter: Context, status: int) -> None:
    orders = [await place_order(counter, GIFT) for _ in range(3)]
    await set_status(counter, "ANN", status)
    for end, order in zip(ENDS, orders, strict=True):
        assert (await end(counter, order.id)).status != "PLACED"
    assert (await balance(counter, "ANN")).available == 90


async def test_orders_follow_their_member_into_a_merge_and_out_of_it(counter: Context) -> None:
    await enroll(counter, "BOB", 50)
    bob = replace(GIFT, relation_reference="BOB", item="ONCE")
    open_order, given = (
        await place_order(counter, bob),
        await place_order(counter, replace(CARD, relation_reference="BOB")),
    )
    merge = await merge_members(counter, MergeMembers(victim="BOB", survivor="ANN"))
    ann = member_of(counter, "ANN")
    assert await get_order_code(ann, given.id) == await get_order_code(counter, given.id)
    survivor = merge.survivor_id
    assert [one.id for one in (await page_orders_of_members(ann, [survivor], first=10))[survivor]] == [
        given.id,
        open_order.id,
    ]
    # The limit counts what both ordered.
    with pytest.raises(TesseraError, match="1383"):
        await place_order(counter, replace(bob, relation_reference="ANN"))
    await _cancel(ann, open_order.id)
    assert (await balance(counter, "ANN")).available == 120
    await undo_merge(counter, merge.id)
    assert (await get_order(member_of(counter, "BOB"), given.id)).status == "FULFILLED"


async def test_of_an_erased_member_the_numbers_stay_and_the_rest_is_gone(shop: Shop, counter: Context) -> None:
    placed, failing, given = [
        await place_order(counter, one) for one in (BOWL, replace(GIFT, delivery="13 Elm Street"), CARD)
    ]
    await _fail(counter, failing.id)
    assert (await list_order_details(counter, [failing.id]))[failing.id].reason == "Broken"
    assert (await list_order_details(counter, [placed.id]))[placed.id].delivery == "12 Elm Street"
    await erase_member(counter, "ANN")
    details = await list_order_details(counter, [placed.id, failing.id, given.id])
    assert {(one.delivery, one.reason) for one in details.values()} == {(None, None)}
    assert await get_order_code(counter, given.id) is None
    done = await fulfil_order(counter, FulfilOrder(order=placed.id, code="LATE", reference="R"))
    assert (done.status, done.has_code, done.partner_reference) == ("FULFILLED", False, "R")


async def test_only_who_may_see_the_person_sees_where_it_goes(counter: Context) -> None:
    placed = await place_order(counter, BOWL)
    principal = replace(counter.principal, permissions=counter.principal.permissions - {"member:personal-information"})
    details = await list_order_details(replace(counter, principal=principal), [placed.id])
    assert details[placed.id].delivery is None
