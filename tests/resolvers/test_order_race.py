"""Many at once: the last piece, the last code, one limit, one key, one end."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select

from domain.models import catalog_order, voucher_code
from resolvers.context import Context
from resolvers.order import PlaceOrder, place_order
from resolvers.order_end import CancelOrder, FailOrder, FulfilOrder, cancel_order, fail_order, fulfil_order
from resolvers.order_record import get_order, get_order_code
from tests.resolvers.desk import balance, enroll, outcome
from tests.resolvers.wares import BOWL, CARD, GIFT, fill

MANY = 50


async def customers(ctx: Context, number: int = MANY) -> list[str]:
    """So many members with the points of a few orders."""
    names = [f"M{one:02}" for one in range(number)]
    for one in names:
        await enroll(ctx, one, 100)
    return names


async def orders(ctx: Context) -> list[tuple[str, int]]:
    """The status and member of all orders."""

    def body(tx: Connection) -> list[tuple[str, int]]:
        query = select(catalog_order.c.status, catalog_order.c.member_id)
        return [(row.status, row.member_id) for row in tx.execute(query)]

    return await ctx.read(body)


@pytest.mark.parametrize("order", [CARD, BOWL])
async def test_of_fifty_one_gets_the_last_one(ann: Context, order: PlaceOrder) -> None:
    await fill(ann, ["LAST"], bowls=1)
    names = await customers(ann)
    codes = Counter(
        await asyncio.gather(*(outcome(place_order(ann, replace(order, relation_reference=one))) for one in names))
    )
    assert codes == {"000": 1, "1384": MANY - 1}
    assert len(await orders(ann)) == 1
    spent = sum([100 - (await balance(ann, one)).available for one in names])
    assert spent == (30 if order is CARD else 20)


async def test_fifty_members_get_fifty_different_codes(ann: Context) -> None:
    await fill(ann, [f"CODE-{one}" for one in range(MANY)])
    names = await customers(ann)
    placed = await asyncio.gather(*(place_order(ann, replace(CARD, relation_reference=one)) for one in names))
    assert {await get_order_code(ann, one.id) for one in placed} == {f"CODE-{one}" for one in range(MANY)}
    given = await ann.read(lambda tx: list(tx.scalars(select(voucher_code.c.order_id))))
    assert sorted(given) == sorted(one.id for one in placed)


async def test_one_member_orders_no_more_than_its_limit_and_its_points_allow(ann: Context) -> None:
    await fill(ann)
    once = replace(GIFT, item="ONCE")
    assert Counter(await asyncio.gather(*(outcome(place_order(ann, once)) for _ in range(20)))) == {
        "000": 1,
        "1383": 19,
    }
    codes = Counter(await asyncio.gather(*(outcome(place_order(ann, GIFT)) for _ in range(20))))
    assert codes == {"000": 9, "121": 11}
    assert (await balance(ann, "ANN")).available == 5


async def test_equal_keys_at_once_order_once(ann: Context) -> None:
    await fill(ann)
    placed = await asyncio.gather(*(place_order(ann, replace(CARD, idempotency_key="K")) for _ in range(20)))
    assert len({one.id for one in placed}) == 1
    assert sorted(one.replayed for one in placed) == [False] + [True] * 19


async def test_of_ends_at_once_one_succeeds(ann: Context) -> None:
    await fill(ann)
    order = await place_order(ann, BOWL)
    ends = [
        work
        for _ in range(5)
        for work in (
            fulfil_order(ann, FulfilOrder(order=order.id)),
            fail_order(ann, FailOrder(order=order.id, reason="No")),
            cancel_order(ann, CancelOrder(order=order.id)),
        )
    ]
    assert Counter(await asyncio.gather(*map(outcome, ends))) == {"000": 1, "1387": 14}
    is_given = (await get_order(ann, order.id)).status == "FULFILLED"
    assert (await balance(ann, "ANN")).available == (80 if is_given else 100)


async def test_a_code_that_comes_back_goes_to_who_waits_for_it(ann: Context) -> None:
    """Whoever finds the last code in other hands waits; it is not told that there is none."""
    await fill(ann, ["LAST"])
    names = await customers(ann, 10)
    poor = [replace(CARD, relation_reference="POOR") for _ in range(10)]
    await enroll(ann, "POOR")
    rich = [replace(CARD, relation_reference=one) for one in names]
    codes = Counter(
        await asyncio.gather(*(outcome(place_order(ann, one)) for pair in zip(poor, rich, strict=True) for one in pair))
    )
    assert codes["000"] == 1
    assert codes["121"] + codes["1384"] == 19
