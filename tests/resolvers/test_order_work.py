"""Orders that partners fulfil: asked over HTTP, signed, again and again; and those whose time is over."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.store.catalog import read_stock
from resolvers.catalog_stock import ChangeStock, change_stock
from resolvers.configuration import apply_configuration
from resolvers.context import Context, Services
from resolvers.fulfilment_partner import SavePartner, remove_partner, save_partner
from resolvers.order import place_order
from resolvers.order_end import CancelOrder, FailOrder, FulfilOrder, cancel_order, fail_order, fulfil_order
from resolvers.order_record import Order, get_order, get_order_code, list_order_details
from resolvers.order_work import LEASE, work_orders
from tessera.webhook import LIMIT_S
from tests.receiver import Receiver, Reply, receiving
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import balance, enroll, member_of, nothing_written, outcome, verified
from tests.resolvers.wares import BOWL, GIFT, fill
from tests.resolvers.webhook import posting

HOOKED = b"""
version: 1
catalog:
  - {code: TEE, name: Shirt, kind: merchandise, points: 40, fulfilment: webhook, partner: Tailor, stock: counted}
"""
TEE = replace(GIFT, item="TEE", delivery="12 Elm Street")


@pytest.fixture
def tailor() -> Iterator[Receiver]:
    """A partner's server, which takes what it is asked until a test says otherwise."""
    with receiving(Receiver(reply=lambda _: says("pending"))) as receiver:
        yield receiver


@pytest.fixture
async def workshop(shop: Shop, tailor: Receiver) -> AsyncIterator[Context]:
    """A caller of the program in which ANN has 100 points and shirts are made; the books are checked afterwards."""
    posting(shop)
    ctx = shop.contexts[0]
    await enroll(ctx, "ANN", 100)
    await fill(ctx)
    await apply_configuration(ctx, HOOKED)
    await restock(ctx, 10)
    await save_partner(ctx, SavePartner(name="Tailor", url=tailor.url))
    yield ctx
    await verified(shop)


async def restock(ctx: Context, pieces: int) -> None:
    await change_stock(ctx, ChangeStock(item="TEE", quantity=pieces))


def says(status: str, http: int = 200, **told: Any) -> Reply:
    """An answer of a partner."""
    return Reply(status=http, body=orjson.dumps({"status": status, **told}))


async def work(shop: Shop) -> int:
    """Do what is due by now."""
    return await work_orders(shop.contexts[0].services)


async def shirts(ctx: Context) -> int:
    return (await ctx.read(lambda tx: read_stock(tx, ctx.principal.program, ["TEE"])))["TEE"]


async def again(ctx: Context, order: Order) -> Order:
    return await get_order(ctx, order.id)


async def test_a_partner_fulfils_at_once(shop: Shop, workshop: Context, tailor: Receiver) -> None:
    tailor.reply = lambda _: says("fulfilled", code="T-1", reference="R-9")
    secret = (await save_partner(workshop, SavePartner(name="Tailor", url=tailor.url, rotate_secret=True))).secret
    assert secret is not None
    order = await place_order(workshop, TEE)
    assert (await work(shop), await work(shop)) == (1, 0)
    done = await again(workshop, order)
    assert (done.status, done.partner_reference, done.attempts, done.ended_by) == (
        "FULFILLED",
        "R-9",
        1,
        "system:orders",
    )
    assert await get_order_code(member_of(workshop, "ANN"), order.id) == "T-1"
    [told] = tailor.verified(secret)
    assert told["type"] == "order.fulfil"
    assert told["data"] == {
        "order": str(order.external_reference),
        "item": "TEE",
        "item_name": "Shirt",
        "kind": "merchandise",
        "points": "40",
        "amount": None,
        "member": "ANN",
        "delivery": "12 Elm Street",
    }


async def test_a_partner_refuses_and_the_points_come_back(shop: Shop, workshop: Context, tailor: Receiver) -> None:
    for number, reply in enumerate(
        (says("failed", reason="No cloth"), says("failed", 422), says("failed", 500, reason="x" * 600))
    ):
        tailor.reply = lambda _, reply=reply: reply  # type: ignore[misc]  # of a loop
        order = await place_order(workshop, TEE)
        assert await work(shop) == 1
        done = await again(workshop, order)
        assert (done.status, done.failure, done.attempts) == ("REVERSED", "REFUSED", 1), number
        reason = (await list_order_details(workshop, [order.id]))[order.id].reason
        assert reason == ("No cloth", "The partner cannot fulfil it", "x" * 500)[number]
    assert (await balance(workshop, "ANN")).available == 100
    assert await shirts(workshop) == 10


async def test_a_partner_takes_its_time_and_answers_later(shop: Shop, workshop: Context, tailor: Receiver) -> None:
    gives, cannot = [await place_order(workshop, TEE) for _ in range(2)]
    assert await work(shop) == 2
    shop.later(days=2, hours=23)
    assert await work(shop) == 0, "who has taken an order is not asked again"
    assert len(tailor.received) == 2
    async with nothing_written(shop):
        assert await outcome(cancel_order(member_of(workshop, "ANN"), CancelOrder(order=gives.id))) == "1387"
    done = await fulfil_order(workshop, FulfilOrder(order=gives.external_reference, code="T-2"))
    assert (done.status, done.has_code) == ("FULFILLED", True)
    assert (await fail_order(workshop, FailOrder(order=cannot.external_reference, reason="No"))).status == "REVERSED"
    assert (await balance(workshop, "ANN")).available == 60


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(status=404, body=b"<html>"),
        Reply(status=302, headers={"location": "http://127.0.0.1:1/"}),
        Reply(status=200, body=b'{"status": "maybe"}'),
        Reply(status=200, body=b"[1]"),
        Reply(status=204),
        says("fulfilled", 500, code="T"),
        says("fulfilled", code=7),
        says("fulfilled", code="x" * 501),
        says("pending", 503),
    ],
)
async def test_what_says_nothing_is_asked_again_under_the_same_id(
    shop: Shop, workshop: Context, tailor: Receiver, reply: Reply
) -> None:
    tailor.reply = lambda _: reply
    order = await place_order(workshop, TEE)
    assert await work(shop) == 1
    assert (await again(workshop, order)).status == "PLACED"
    assert await work(shop) == 0, "it rests before it is asked again"
    tailor.reply = lambda _: says("fulfilled")
    shop.later(minutes=1)
    assert await work(shop) == 1
    done = await again(workshop, order)
    assert (done.status, done.has_code, done.attempts) == ("FULFILLED", False, 2)
    first, second = tailor.received
    assert (first.id, first.body) == (second.id, second.body)


async def test_a_partner_that_never_answers_has_the_points_for_three_days(
    shop: Shop, workshop: Context, tailor: Receiver
) -> None:
    tailor.reply = lambda _: Reply(status=503, headers={"retry-after": "3600"})
    order = await place_order(workshop, TEE)
    for _ in range(36):
        assert await work(shop) == 1
        shop.later(hours=2)
    assert (await again(workshop, order)).status == "PLACED"
    asked = len(tailor.received)
    assert asked == 36
    await work(shop)
    done = await again(workshop, order)
    assert (done.status, done.failure, len(tailor.received)) == ("REVERSED", "NO_ANSWER", asked)
    async with nothing_written(shop):
        assert await outcome(fulfil_order(workshop, FulfilOrder(order=order.external_reference))) == "1387"
    assert (await balance(workshop, "ANN")).available == 100


async def test_an_order_by_hand_has_the_time_that_its_item_gives(shop: Shop, workshop: Context) -> None:
    limited, patient = await place_order(workshop, BOWL), await place_order(workshop, GIFT)
    shop.later(days=29, hours=23)
    assert await work(shop) == 0
    shop.later(hours=1)
    assert await work(shop) == 1
    assert (await again(workshop, limited)).failure == "NO_ANSWER"
    shop.later(days=1000)
    assert await work(shop) == 0
    assert (await again(workshop, patient)).status == "PLACED"


async def test_nobody_is_asked_who_is_switched_off_or_gone(shop: Shop, workshop: Context, tailor: Receiver) -> None:
    await save_partner(workshop, SavePartner(name="Tailor", url=tailor.url, enabled=False))
    order = await place_order(workshop, TEE)
    await work(shop)
    assert tailor.received == []
    # Nobody has it yet.
    assert (await cancel_order(workshop, CancelOrder(order=order.id))).failure == "CANCELLED"
    order = await place_order(workshop, TEE)
    await remove_partner(workshop, "Tailor")
    await work(shop)
    await save_partner(workshop, SavePartner(name="Tailor", url=tailor.url))
    shop.later(minutes=5)
    await work(shop)
    assert (len(tailor.received), (await again(workshop, order)).attempts) == (1, 1)


async def test_a_process_that_dies_while_it_asks_leaves_the_order_to_others(
    shop: Shop, workshop: Context, tailor: Receiver
) -> None:
    tailor.reply = lambda _: Reply(hangs=True)
    order = await place_order(workshop, TEE)
    dying = asyncio.create_task(work(shop))
    await asyncio.to_thread(tailor.wait_for, 1)
    assert await work(shop) == 0, "it is leased"
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    tailor.reply = lambda _: says("fulfilled", code="ONCE")
    tailor.go_on.set()
    shop.later(minutes=1, seconds=1)
    assert await work(shop) == 1
    assert await get_order_code(workshop, order.id) == "ONCE"
    assert len({one.id for one in tailor.received}) == 1


async def test_an_order_that_ends_while_the_partner_is_asked_stays_as_it_ended(
    shop: Shop, workshop: Context, tailor: Receiver
) -> None:
    order = await place_order(workshop, TEE)
    loop = asyncio.get_running_loop()

    def slow(_: object) -> Reply:
        ending = fail_order(workshop, FailOrder(order=order.id, reason="Found no cloth"))
        asyncio.run_coroutine_threadsafe(ending, loop).result(30)
        return says("fulfilled", code="LATE")

    tailor.reply = slow
    assert await work(shop) == 1
    done = await again(workshop, order)
    assert (done.status, done.has_code, (await balance(workshop, "ANN")).available) == ("REVERSED", False, Decimal(100))


async def test_processes_at_once_ask_once_for_each_order(shop: Shop, workshop: Context, tailor: Receiver) -> None:
    tailor.reply = lambda _: says("fulfilled")
    await enroll(workshop, "BOB", 400)
    for _ in range(10):
        await place_order(workshop, replace(TEE, relation_reference="BOB"))
    services: Services = workshop.services
    assert sum(await asyncio.gather(*(work_orders(services) for _ in range(5)))) == 10
    assert len({one.id for one in tailor.received}) == len(tailor.received) == 10


def test_the_time_of_a_lease_is_longer_than_an_answer_may_take() -> None:
    assert timedelta(seconds=2 * LIMIT_S) < LEASE
