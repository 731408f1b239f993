"""Placing orders: what is paid, given and told, and each refusal with nothing written."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.catalog_errors import (
    CatalogItemClosed,
    CatalogItemNotFound,
    NotEligible,
    OrderLimitReached,
    OutOfStock,
    PriceChanged,
)
from domain.errors import (
    BadRequest,
    BelowMinimum,
    Forbidden,
    HeldForReview,
    InsufficientPoints,
    InvalidRequest,
    KeyReused,
    LoginBlocked,
    MemberCancelled,
    MemberNotActive,
    MemberNotFound,
    MembershipBlocked,
    MemberSuspended,
    TesseraError,
)
from domain.store.catalog import read_stock
from resolvers.context import Context
from resolvers.order import place_order
from resolvers.order_record import get_order, get_order_code
from resolvers.program import apply_configuration
from resolvers.redemption import ReverseRedemption, list_redemptions, reverse_redemption
from resolvers.snapshot import FreezeSegment, freeze_segment
from resolvers.tier import SetTier, set_tier
from tests.resolvers.conftest import Shop, contents
from tests.resolvers.desk import (
    administrator,
    balance,
    enroll,
    entries,
    member_of,
    nothing_written,
    outcome,
    set_status,
)
from tests.resolvers.wares import BOWL, CARD, CODES, GIFT, event, fill, last_audit, told


@pytest.fixture
async def counter(ann: Context) -> Context:
    """A caller of the program in which ANN has 100 points and may order; the books are checked afterwards."""
    await fill(ann)
    return ann


async def test_an_order_by_hand_is_paid_and_waits(shop: Shop, counter: Context) -> None:
    order = await place_order(counter, replace(BOWL, points=Decimal(20)))
    assert (order.item, order.item_name, order.kind, order.status) == ("BOWL", "Bowl", "merchandise", "PLACED")
    assert (order.points, order.amount, order.has_code, order.failure) == (Decimal(20), None, False, None)
    assert (order.placed_at, order.answer_by) == (shop.now, shop.now + timedelta(days=30))
    assert (await balance(counter, "ANN")).available == 80
    debit = (await entries(counter, "ANN"))[0]
    assert (debit.points, debit.narration) == (Decimal(-20), "Ordered: Bowl")
    redemption = (await list_redemptions(counter, [order.external_reference]))[order.external_reference]
    assert (redemption.entry_id, redemption.points) == (order.entry_id, Decimal(20))
    assert (redemption.loyalty_txn_type, redemption.merchant, redemption.amount) == (30, "One", None)
    assert await told(counter) == [event("order.placed", order.id)]
    assert await counter.read(lambda tx: read_stock(tx, counter.principal.program, ["BOWL"])) == {"BOWL": 1}


async def test_an_order_of_a_pool_has_its_code_at_once_and_nothing_else_tells_it(shop: Shop, counter: Context) -> None:
    order = await place_order(member_of(counter, "ANN"), replace(CARD, relation_reference=None))
    assert (order.status, order.points) == ("FULFILLED", Decimal(30))
    assert (order.amount, order.has_code) == (Decimal(3), True)
    assert await get_order_code(member_of(counter, "ANN"), order.id) == CODES[0]
    assert await told(counter) == [event("order.placed", order.id), event("order.fulfilled", order.id)]
    [redemption] = (await list_redemptions(counter, [order.external_reference])).values()
    assert redemption.amount == Decimal(3)
    rows = await contents(counter)
    stored = b"\n".join(
        one if isinstance(one, bytes) else str(one).encode() for t in rows.values() for r in t for one in r
    )
    assert not [one for one in [*CODES, "12 Elm"] if one.encode() in stored], "codes are sealed at rest"
    assert CODES[0] not in repr(order)


async def test_codes_that_lapse_first_are_given_first(counter: Context) -> None:
    given = [await place_order(counter, CARD) for _ in range(3)]
    assert [await get_order_code(counter, one.id) for one in given] == CODES
    assert await outcome(place_order(counter, CARD)) == OutOfStock.code


REFUSALS: list[tuple[dict[str, Any], type[TesseraError]]] = [
    ({"relation_reference": None}, BadRequest),
    ({"idempotency_key": "x" * 101}, InvalidRequest),
    ({"delivery": "a\x00b"}, BadRequest),
    ({"delivery": "x" * 501}, BadRequest),
    ({"relation_reference": "NOBODY"}, MemberNotFound),
    ({"item": "NOTHING"}, CatalogItemNotFound),
    ({"points": Decimal(9)}, PriceChanged),
    ({"item": "OFF"}, CatalogItemClosed),
    ({"item": "LATER"}, CatalogItemClosed),
    ({"item": "GOLD"}, NotEligible),
    ({"item": "STAFF"}, NotEligible),
]


@pytest.mark.parametrize(("change", "error"), REFUSALS)
async def test_an_order_that_is_refused_writes_nothing(
    shop: Shop, counter: Context, change: dict[str, Any], error: type[TesseraError]
) -> None:
    async with nothing_written(shop):
        with pytest.raises(error):
            await place_order(counter, replace(GIFT, **change))


@pytest.mark.parametrize(
    ("section", "item", "error"),
    [
        (b"program: {redemption_minimum: 11}", "GIFT", BelowMinimum),
        (b"fraud: {redemption: {max_points: 9}}", "GIFT", HeldForReview),
        (b"fraud: {redemption: {max_per_day: 0}}", "GIFT", HeldForReview),
        (b"program: {redemption_rate: 34}", "CARD", InsufficientPoints),
        (b"program: {require_key: true}", "GIFT", BadRequest),
    ],
)
async def test_an_order_is_held_to_what_redemptions_are_held_to(
    shop: Shop, counter: Context, section: bytes, item: str, error: type[TesseraError]
) -> None:
    await apply_configuration(counter, b"version: 1\n" + section)
    async with nothing_written(shop):
        with pytest.raises(error):
            await place_order(counter, replace(GIFT, item=item))


@pytest.mark.parametrize(
    ("status", "error"),
    [(2, MemberSuspended), (3, LoginBlocked), (4, MemberCancelled), (5, MemberNotActive), (6, MembershipBlocked)],
)
async def test_the_status_decides_who_orders(
    shop: Shop, counter: Context, status: int, error: type[TesseraError]
) -> None:
    await set_status(counter, "ANN", status)
    async with nothing_written(shop):
        with pytest.raises(error):
            await place_order(counter, replace(GIFT, points=Decimal(1)))


async def test_what_is_gone_is_refused_and_nothing_written(shop: Shop, counter: Context) -> None:
    await place_order(counter, BOWL)
    await place_order(counter, BOWL)
    async with nothing_written(shop):
        with pytest.raises(OutOfStock):
            await place_order(counter, BOWL)


async def test_a_limit_is_of_the_member_and_of_the_month(shop: Shop, counter: Context) -> None:
    await enroll(counter, "BOB", 50)
    order = replace(GIFT, item="ONCE")
    await place_order(counter, order)
    async with nothing_written(shop):
        with pytest.raises(OrderLimitReached):
            await place_order(counter, order)
    await place_order(counter, replace(order, relation_reference="BOB"))
    shop.now += timedelta(days=31)
    await place_order(counter, order)


async def test_tiers_and_segments_let_their_members_in(counter: Context) -> None:
    await set_tier(counter, SetTier(relation_reference="ANN", tier="Gold", reason="Friend"))
    await freeze_segment(counter, FreezeSegment(segment="Staff", replaces=True, members=["ANN"]))
    assert (await place_order(counter, replace(GIFT, item="GOLD"))).status == "PLACED"
    assert (await place_order(counter, replace(GIFT, item="STAFF"))).status == "PLACED"


async def test_a_key_orders_once_and_a_refusal_stays_with_its_key(shop: Shop, counter: Context) -> None:
    order = replace(BOWL, idempotency_key="K")
    first = await place_order(counter, order)
    async with nothing_written(shop):
        again = await place_order(counter, order)
        with pytest.raises(KeyReused):
            await place_order(counter, replace(order, delivery="Elsewhere"))
        with pytest.raises(KeyReused):
            await place_order(counter, replace(order, item="GIFT"))
    assert (again.id, first.replayed, again.replayed) == (first.id, False, True)
    dear = replace(CARD, idempotency_key="L", relation_reference="BOB")
    await enroll(counter, "BOB", 29)
    assert await outcome(place_order(counter, dear)) == InsufficientPoints.code
    await enroll(counter, "EVE")
    await apply_configuration(counter, b"version: 1\nprogram: {redemption_rate: 1}")
    async with nothing_written(shop):
        assert await outcome(place_order(counter, dear)) == InsufficientPoints.code
    assert (await place_order(counter, replace(dear, idempotency_key="M"))).points == 3


async def test_members_order_for_themselves_and_see_their_own(shop: Shop, counter: Context) -> None:
    await enroll(counter, "BOB", 50)
    order, bob = await place_order(counter, GIFT), member_of(counter, "BOB")
    async with nothing_written(shop):
        assert await outcome(place_order(bob, GIFT)) == Forbidden.code
        assert await outcome(get_order(bob, order.id)) == "1386"
        assert await outcome(get_order_code(bob, order.id)) == "1386"
        assert await outcome(get_order(shop.contexts[1], order.id)) == "1386"
    seen = await get_order(member_of(counter, "ANN"), order.id)
    assert (seen.placed_by, seen.ended_by, seen.fulfilment, seen.attempts) == (None, None, None, None)
    assert (await get_order(counter, order.id)).placed_by == "test"


async def test_an_order_on_behalf_stands_in_the_audit_trail(shop: Shop, counter: Context) -> None:
    order = await place_order(administrator(counter, "root"), BOWL)
    newest = await last_audit(counter)
    assert (newest.actor, newest.action) == ("admin:root", "order.place")
    told = {"member": order.member_id, "item": "BOWL", "points": "20", "status": "PLACED"}
    assert newest.after == told | {"balance": str(int(newest.before["balance"]) - 20)}
    assert await outcome(place_order(administrator(counter, "desk", "customer-executive"), BOWL)) == Forbidden.code
    assert await outcome(get_order_code(administrator(counter, "desk", "customer-executive"), order.id)) == "403"


async def test_the_redemption_of_an_order_is_reversed_by_its_order_alone(shop: Shop, counter: Context) -> None:
    order = await place_order(counter, GIFT)
    command = ReverseRedemption(
        relation_reference="ANN", external_reference=str(order.external_reference), use_defaults=True
    )
    async with nothing_written(shop):
        assert await outcome(reverse_redemption(counter, command)) == "1388"


async def test_another_programs_members_and_items_are_nobodys(shop: Shop, counter: Context) -> None:
    other = shop.contexts[1]
    async with nothing_written(shop):
        assert await outcome(place_order(other, GIFT)) == MemberNotFound.code
    await enroll(other, "ANN", 100)
    async with nothing_written(shop):
        assert await outcome(place_order(other, GIFT)) == CatalogItemNotFound.code
