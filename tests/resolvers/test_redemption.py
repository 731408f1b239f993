"""Redemptions at their edges: keys and references in every mixture, odd amounts, refusals that bind."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, select

from domain.access import MEMBER_PERMISSIONS, PrincipalKind
from domain.errors import (
    BadRequest,
    Forbidden,
    InsufficientPoints,
    InvalidRequest,
    KeyReused,
    PointsNotPositive,
    ReferenceOfAnother,
    TesseraError,
)
from domain.models import METADATA
from resolvers.context import Context
from resolvers.member import EnrollMember, UpdateMember, enroll_member, get_member, update_member
from resolvers.program import apply_configuration
from resolvers.redemption import (
    RedeemPoints,
    Redemption,
    ReverseRedemption,
    find_redemption_by_key,
    redeem_points,
    reverse_redemption,
)
from resolvers.statement import get_statement_summary
from resolvers.transaction import SubmitTransaction, submit_transaction
from resolvers.verification import verify_ledger
from tests.resolvers.conftest import Shop

ORDER = RedeemPoints(relation_reference="ANN", points=Decimal(10), merchant_name="Shop", loyalty_txn_type=30)


async def ann(shop: Shop, points: int = 100) -> Context:
    context = shop.contexts[0]
    await enroll_member(context, EnrollMember(values={"relation_reference": "ANN", "status": 1}))
    await submit_transaction(
        context,
        SubmitTransaction(
            transaction_id="T1",
            transaction_type="DR",
            amount=Decimal(points),
            transaction_date=datetime(2026, 2, 1, tzinfo=UTC),
            member_relation_reference="ANN",
        ),
    )
    return context


async def balance(context: Context) -> int:
    return int((await get_statement_summary(context, "ANN")).point_balance)


@pytest.mark.parametrize("amount", ["1e-7", "1e-40", "0", "5.00", "1E+2", "0.1"])
async def test_any_amount_keeps_the_chain(shop: Shop, amount: str) -> None:
    context = await ann(shop)
    await redeem_points(context, replace(ORDER, amount=Decimal(amount)))
    assert await verify_ledger(shop.services) == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"points": Decimal("NaN")}, BadRequest),
        ({"points": Decimal(10) ** 14}, BadRequest),
        ({"points": Decimal("0.000001")}, PointsNotPositive),
        ({"points": Decimal("10.001")}, InvalidRequest),
        ({"points": Decimal(10) ** 13}, InsufficientPoints),
        ({"amount": Decimal(-1)}, InvalidRequest),
        ({"loyalty_txn_type": 99}, InvalidRequest),
        ({"idempotency_key": "x" * 101}, InvalidRequest),
        ({"idempotency_key": "\x1fguid:x"}, InvalidRequest),
        ({"idempotency_key": "\x1fmember:ANN\x1fx"}, InvalidRequest),
        ({"idempotency_key": "caf\u00e9"}, InvalidRequest),
        ({"idempotency_key": " \t"}, InvalidRequest),
    ],
)
async def test_a_refusal_takes_nothing(shop: Shop, change: dict[str, Any], error: type[TesseraError]) -> None:
    await apply_configuration(shop.contexts[0], b"version: 1\nprogram: {points_decimals: 2}")
    context = await ann(shop)
    with pytest.raises(error):
        await redeem_points(context, replace(ORDER, **change))
    assert await balance(context) == 100


async def test_a_chosen_reference_serves_as_key_whatever_key_comes_with_it(shop: Shop) -> None:
    context = await ann(shop)
    guid = uuid4()
    first = await redeem_points(context, replace(ORDER, external_reference=guid, idempotency_key="K1"))
    for key in ("K1", None, "K2", "K3"):
        again = await redeem_points(context, replace(ORDER, external_reference=guid, idempotency_key=key))
        assert (again.external_reference, again.entry_id, again.replayed) == (guid, first.entry_id, True)
    for other in ({"points": Decimal(11)}, {"merchant_name": "Other"}):
        with pytest.raises(KeyReused):
            await redeem_points(context, replace(ORDER, external_reference=guid, **other))
    assert await balance(context) == 90


async def test_the_reference_of_another_posting_is_taken(shop: Shop) -> None:
    context = await ann(shop)
    first = await redeem_points(context, ORDER)
    await enroll_member(context, EnrollMember(values={"relation_reference": "BOB", "status": 1}))
    with pytest.raises(KeyReused):
        await redeem_points(
            context, replace(ORDER, relation_reference="BOB", external_reference=first.external_reference)
        )
    with pytest.raises(KeyReused):
        await redeem_points(context, replace(ORDER, external_reference=await _earning(context)))
    assert await balance(context) == 90


async def test_a_reference_that_stands_is_answered_whatever_became_of_the_member(shop: Shop) -> None:
    context = await ann(shop)
    order = replace(ORDER, points=Decimal(60), external_reference=uuid4())
    first = await redeem_points(context, replace(order, idempotency_key="K1"))
    other_body = replace(order, points=Decimal(70))
    before = await contents(shop)
    for key in ("K2", None):
        again = await redeem_points(context, replace(order, idempotency_key=key))
        assert (again.entry_id, again.replayed) == (first.entry_id, True)
        with pytest.raises(KeyReused):
            await redeem_points(context, replace(other_body, idempotency_key=key))
    with pytest.raises(KeyReused):
        # The key has an outcome already, and it is not this one.
        await redeem_points(context, replace(order, external_reference=uuid4(), idempotency_key="K1"))
    assert await contents(shop) == before
    await redeem_points(context, replace(ORDER, points=Decimal(1), idempotency_key="K2"))
    with pytest.raises(KeyReused):
        await redeem_points(context, replace(order, idempotency_key="K2"))
    member = await get_member(context, "ANN")
    await update_member(context, UpdateMember(member_id=member.id, values={"status": 2}))
    assert (await redeem_points(context, order)).replayed
    assert await balance(context) == 39


async def contents(shop: Shop) -> dict[str, list[Any]]:
    """Every row of every table: equal before and after where nothing was written."""

    def body(tx: Connection) -> dict[str, list[Any]]:
        tables = METADATA.sorted_tables
        return {one.name: [tuple(row) for row in tx.execute(select(one).order_by(*one.primary_key))] for one in tables}

    return await shop.services.db.read(body)


async def _earning(context: Context) -> UUID:
    outcome = await submit_transaction(
        context,
        SubmitTransaction(
            transaction_id="T2",
            transaction_type="DR",
            amount=Decimal("0.5"),
            transaction_date=datetime(2026, 2, 1, tzinfo=UTC),
            member_relation_reference="ANN",
        ),
    )
    await redeem_points(context, replace(ORDER, points=outcome.points, idempotency_key="spend"))
    return outcome.external_references[0]


async def test_a_replayed_refusal_says_that_it_is_one(shop: Shop) -> None:
    context = await ann(shop)
    greedy = replace(ORDER, points=Decimal(1000), idempotency_key="K")
    told = []
    for _ in range(2):
        with pytest.raises(InsufficientPoints) as refusal:
            await redeem_points(context, greedy)
        told.append(refusal.value.is_replay)
    assert told == [False, True]


async def test_a_lost_reference_is_found_by_its_key(shop: Shop) -> None:
    context = await ann(shop)
    first = await redeem_points(context, replace(ORDER, idempotency_key="K"))
    assert await find_redemption_by_key(context, "K") == first
    assert await find_redemption_by_key(context, "L") is None
    assert await find_redemption_by_key(shop.contexts[1], "K") is None


async def test_a_key_of_a_member_is_its_own(shop: Shop) -> None:
    context = await ann(shop)
    await enroll_member(context, EnrollMember(values={"relation_reference": "BEN", "status": 1}))
    own, other = app(context, "ANN"), app(context, "BEN")
    with pytest.raises(InsufficientPoints):
        await redeem_points(other, replace(ORDER, relation_reference=None, idempotency_key="order-1"))
    chosen = replace(ORDER, relation_reference=None, external_reference=uuid4())
    with pytest.raises(InsufficientPoints):
        await redeem_points(other, chosen)
    shops = await redeem_points(context, replace(ORDER, idempotency_key="order-1"))
    assert not shops.replayed
    anns = await redeem_points(own, replace(ORDER, idempotency_key=" order-1 ", points=Decimal(7)))
    assert not anns.replayed
    assert (await redeem_points(own, replace(ORDER, idempotency_key="order-1", points=Decimal(7)))).replayed
    assert not (await redeem_points(own, chosen)).replayed
    assert (await redeem_points(own, chosen)).replayed
    assert await balance(context) == 73

    assert await find_redemption_by_key(context, "order-1") == shops
    assert await find_redemption_by_key(context, "order-1", "ANN") == anns
    assert await find_redemption_by_key(context, "order-1", "BEN") is None
    assert await find_redemption_by_key(own, "order-1") == anns
    assert await find_redemption_by_key(other, "order-1") is None
    assert await find_redemption_by_key(context, str(chosen.external_reference), "ANN") is not None
    with pytest.raises(Forbidden):
        await find_redemption_by_key(other, "order-1", "ANN")
    assert await verify_ledger(shop.services) == []


async def test_a_key_of_the_program_is_found_for_its_member(shop: Shop) -> None:
    context = await ann(shop)
    made = await redeem_points(context, replace(ORDER, idempotency_key="till-1"))
    assert await find_redemption_by_key(app(context, "ANN"), " till-1\t") == made
    assert await find_redemption_by_key(app(context, "BEN"), "till-1") is None


async def test_a_member_updates_under_a_key_of_its_own(shop: Shop) -> None:
    context = await ann(shop)
    for caller, name in ((app(context, "ANN"), "Ann"), (context, "Anna")):
        update = UpdateMember(relation_reference="ANN", values={"full_name": name}, idempotency_key="u")
        assert not (await update_member(caller, update)).replayed
        assert (await update_member(caller, update)).replayed
    assert (await get_member(context, "ANN")).full_name == "Anna"


def app(context: Context, reference: str) -> Context:
    """What the member's own token may do."""
    principal = replace(
        context.principal, kind=PrincipalKind.MEMBER, member_reference=reference, permissions=MEMBER_PERMISSIONS
    )
    return replace(context, principal=principal)


async def test_a_reversal_is_for_the_same_merchant_or_names_none(shop: Shop) -> None:
    context = await ann(shop)

    async def order() -> Redemption:
        return await redeem_points(context, ORDER)

    reverse = ReverseRedemption(relation_reference="ANN", external_reference=str((await order()).external_reference))
    with pytest.raises(ReferenceOfAnother):
        await reverse_redemption(context, replace(reverse, merchant_name="Elsewhere"))
    await reverse_redemption(context, replace(reverse, merchant_name=" sHOP "))
    short = replace(reverse, external_reference=str((await order()).external_reference), use_defaults=True)
    await reverse_redemption(context, short)
    braced = replace(reverse, external_reference="{" + str((await order()).external_reference) + "}")
    with pytest.raises(InvalidRequest):
        await reverse_redemption(context, replace(braced, merchant_name="Shop"))
    assert await balance(context) == 90


async def test_a_member_changes_nothing_that_earns(shop: Shop) -> None:
    context = await ann(shop)
    own = app(context, "ANN")
    for key, value in (("passport", "P1"), ("status", 4), ("relation_reference", "EVE"), ("unknown", 1)):
        with pytest.raises(Forbidden):
            await update_member(own, UpdateMember(values={key: value}))
    await update_member(own, UpdateMember(values={"full_name": "Ann"}))
    ann_now = await get_member(context, "ANN")
    assert (ann_now.full_name, ann_now.status, ann_now.attributes) == ("Ann", 1, {})
