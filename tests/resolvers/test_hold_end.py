"""The end of a hold: settled, cancelled, lapsed, and what its lots are then."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from domain.errors import (
    BadRequest,
    Forbidden,
    InvalidRequest,
    KeyReused,
    PointsNotPositive,
    RedemptionNotFound,
    RequestNotPending,
)
from resolvers.context import Context
from resolvers.expiry import expire_due
from resolvers.hold import (
    CancelHold,
    SettleHold,
    cancel_hold,
    create_hold,
    get_hold,
    list_holds,
    settle_hold,
)
from resolvers.redemption import RedeemPoints, ReverseRedemption, redeem_points, reverse_redemption
from resolvers.statement import (
    StatementQuery,
    get_categorized_statement,
    get_expiry_schedule,
    get_statement_summary,
)
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import (
    HOLD_ORDER,
    enroll,
    entries,
    figures,
    give,
    member_of,
    nothing_written,
    outcome,
    verified,
)

ORDER = HOLD_ORDER
MICROSECOND = timedelta(microseconds=1)


async def test_a_hold_takes_points_and_its_settlement_spends_them(shop: Shop, ann: Context) -> None:
    hold = await create_hold(ann, ORDER)
    assert (hold.status, hold.points, hold.merchant, hold.processed_at) == ("PENDING", Decimal(30), "Shop", None)
    assert hold.expires_at == shop.now + timedelta(days=3)
    assert await figures(ann, "ANN") == (70, 30)
    assert (await get_statement_summary(ann, "ANN")).redeem == 30
    shop.later(days=1)
    settled = await settle_hold(ann, SettleHold(hold_id=hold.id, loyalty_txn_type=19))
    assert settled.hold == replace(hold, status="SETTLED", settled_points=Decimal(30), processed_at=shop.now)
    redemption = settled.redemption
    assert (redemption.external_reference, redemption.points) == (hold.external_reference, Decimal(30))
    assert (redemption.loyalty_txn_type, redemption.amount, redemption.merchant) == (19, Decimal("9.9"), "Shop")
    assert await figures(ann, "ANN") == (70, 0)
    spent = (await entries(ann, "ANN"))[0]
    assert (spent.stored.kind, spent.stored.related_id) == ("redemption", hold.entry_id)


async def test_a_part_is_settled_and_the_rest_goes_back(ann: Context) -> None:
    hold = await create_hold(ann, ORDER)
    settled = await settle_hold(ann, SettleHold(hold_id=hold.id, points=Decimal(12)))
    part = Decimal(12)
    assert (settled.redemption.points, settled.redemption.amount, settled.hold.settled_points) == (part, None, part)
    assert await figures(ann, "ANN") == (88, 0)


async def test_a_settled_hold_is_reversed_like_any_redemption(ann: Context) -> None:
    hold = await create_hold(ann, ORDER)
    order = ReverseRedemption(
        relation_reference="ANN", external_reference=str(hold.external_reference), merchant_name="Shop"
    )
    with pytest.raises(RedemptionNotFound):
        await reverse_redemption(ann, order)
    await settle_hold(ann, SettleHold(hold_id=hold.id))
    await reverse_redemption(ann, order)
    assert await figures(ann, "ANN") == (100, 0)
    assert (await get_hold(ann, hold.id)).status == "SETTLED"


async def test_a_cancelled_hold_gives_everything_back(shop: Shop, ann: Context) -> None:
    hold = await create_hold(ann, ORDER)
    shop.later(hours=1)
    cancelled = await cancel_hold(ann, CancelHold(hold_id=hold.id))
    assert cancelled == replace(hold, status="CANCELLED", processed_at=shop.now)
    assert await figures(ann, "ANN") == (100, 0)


@pytest.mark.parametrize("end", ["settle", "cancel"])
async def test_what_has_ended_does_not_end_again(shop: Shop, ann: Context, end: str) -> None:
    hold = await create_hold(ann, ORDER)
    if end == "settle":
        await settle_hold(ann, SettleHold(hold_id=hold.id))
    else:
        await cancel_hold(ann, CancelHold(hold_id=hold.id))
    async with nothing_written(shop):
        with pytest.raises(RequestNotPending):
            await settle_hold(ann, SettleHold(hold_id=hold.id))
        with pytest.raises(RequestNotPending):
            await cancel_hold(ann, CancelHold(hold_id=hold.id, idempotency_key="K"))


@pytest.mark.parametrize("with_job", [False, True])
async def test_a_hold_lapses_at_the_exact_microsecond(shop: Shop, ann: Context, with_job: bool) -> None:
    hold = await create_hold(ann, ORDER)
    shop.now = hold.expires_at - MICROSECOND
    assert await expire_due(shop.services) == 0
    assert (await get_hold(ann, hold.id)).status == "PENDING"
    assert await figures(ann, "ANN") == (70, 30)
    shop.now = hold.expires_at
    if with_job:
        assert await expire_due(shop.services) == 1
        assert await expire_due(shop.services) == 0
    else:
        async with nothing_written(shop):
            for work in (settle_hold(ann, SettleHold(hold_id=hold.id)), cancel_hold(ann, CancelHold(hold_id=hold.id))):
                assert await outcome(work) == "127"
    lapsed = await get_hold(ann, hold.id)
    assert (lapsed.status, lapsed.processed_at) == ("EXPIRED", hold.expires_at)
    assert [one.status for one in (await list_holds(ann, "ANN")).holds] == ["EXPIRED"]
    assert await figures(ann, "ANN") == (100, 0)
    shop.later(days=5)
    await redeem_points(ann, RedeemPoints(relation_reference="ANN", points=Decimal(100), use_defaults=True))
    assert (await get_hold(ann, hold.id)).processed_at == hold.expires_at
    assert [one.stored.kind for one in await entries(ann, "ANN")] == ["redemption", "release", "hold", "bonus"]


@pytest.mark.parametrize("end", ["settle", "a part", "cancel", "lapse"])
async def test_a_lot_that_expires_while_it_is_held_is_spent_but_not_revived(shop: Shop, end: str) -> None:
    ctx = shop.contexts[0]
    await enroll(ctx, "ANN", 40, expires=date(2026, 3, 2))
    await give(ctx, "ANN", 10)
    hold = await create_hold(ctx, replace(ORDER, validity_days=3))
    assert await figures(ctx, "ANN") == (20, 30)
    shop.later(days=2)
    assert await figures(ctx, "ANN") == (10, 30)
    await _adds_up(ctx)
    expired = {"settle": 10, "a part": 28, "cancel": 40, "lapse": 40}[end]
    if end == "settle":
        assert (await settle_hold(ctx, SettleHold(hold_id=hold.id))).redemption.points == 30
    elif end == "a part":
        await settle_hold(ctx, SettleHold(hold_id=hold.id, points=Decimal(12)))
    elif end == "cancel":
        await cancel_hold(ctx, CancelHold(hold_id=hold.id))
    else:
        shop.later(days=1)
    assert await figures(ctx, "ANN") == (10, 0)
    assert (await get_statement_summary(ctx, "ANN")).expired_points == expired
    before = await _adds_up(ctx)
    await expire_due(shop.services)
    assert await _adds_up(ctx) == before
    assert (await get_statement_summary(ctx, "ANN")).expired_points == expired
    await verified(shop)


async def _adds_up(ctx: Context) -> dict[str, Decimal]:
    """The points of each category from the second of March on; they end at the balance."""
    query = StatementQuery(relation_reference="ANN", date_from=date(2026, 3, 2))
    points: dict[str, Decimal] = {}
    for row in await get_categorized_statement(ctx, query):
        points[row.category] = points.get(row.category, Decimal(0)) + row.points
    assert points["ClosingBalance"] == (await get_statement_summary(ctx, "ANN")).point_balance
    return points


async def test_the_expiry_schedule_shows_what_is_held_as_blocked(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await enroll(ctx, "ANN", 40, expires=date(2026, 3, 2))

    async def period() -> list[int]:
        [one] = (await get_expiry_schedule(ctx, "ANN", 2026)).periods
        return [int(x) for x in (one.accrual, one.redeemed, one.blocked, one.expired, one.available)]

    hold = await create_hold(ctx, ORDER)
    assert await period() == [40, 0, 30, 0, 10]
    shop.later(days=2)
    assert await period() == [40, 0, 30, 10, 0]
    shop.now = hold.expires_at
    assert await period() == [40, 0, 0, 40, 0]
    await expire_due(shop.services)
    assert await period() == [40, 0, 0, 40, 0]
    await verified(shop)


async def test_a_settlement_that_is_refused_writes_nothing(shop: Shop, ann: Context) -> None:
    hold = await create_hold(ann, ORDER)
    good = SettleHold(hold_id=hold.id)
    async with nothing_written(shop):
        for change, error in (
            ({"idempotency_key": ""}, InvalidRequest),
            ({"points": Decimal("Infinity")}, BadRequest),
            ({"points": Decimal(0)}, PointsNotPositive),
            ({"hold_id": hold.id + 1}, RedemptionNotFound),
            ({"points": Decimal("0.5")}, InvalidRequest),
            ({"points": Decimal(31)}, InvalidRequest),
            ({"loyalty_txn_type": 99}, InvalidRequest),
        ):
            with pytest.raises(error):
                await settle_hold(ann, replace(good, **change))
        with pytest.raises(Forbidden):
            await settle_hold(member_of(ann, "ANN"), good)
        with pytest.raises(RedemptionNotFound):
            await settle_hold(shop.contexts[1], good)


async def test_a_reference_that_was_taken_meanwhile_is_refused(shop: Shop, ann: Context) -> None:
    hold = await create_hold(ann, ORDER)
    taking = RedeemPoints(
        relation_reference="ANN", points=Decimal(1), use_defaults=True, external_reference=hold.external_reference
    )
    await redeem_points(ann, taking)
    async with nothing_written(shop):
        with pytest.raises(KeyReused):
            await settle_hold(ann, SettleHold(hold_id=hold.id))
    await cancel_hold(ann, CancelHold(hold_id=hold.id))


async def test_what_a_hold_gives_back_has_the_date_that_its_lot_has_by_then(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await enroll(ctx, "ANN", 40, expires=date(2026, 3, 2))
    order = RedeemPoints(relation_reference="ANN", points=Decimal(10), merchant_name="Shop")
    redeemed = await redeem_points(ctx, order)
    await create_hold(ctx, replace(ORDER, validity_days=3))
    shop.later(days=2)
    back = ReverseRedemption(
        relation_reference="ANN", external_reference=str(redeemed.external_reference), merchant_name="Shop"
    )
    await reverse_redemption(ctx, back)
    shop.later(days=1)
    assert await figures(ctx, "ANN") == (40, 0)
    await _adds_up(ctx)
    await expire_due(shop.services)
    assert await figures(ctx, "ANN") == (40, 0)
    await _adds_up(ctx)
    await verified(shop)
