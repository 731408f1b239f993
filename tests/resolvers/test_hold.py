"""Making holds and finding them: their time, their keys, each refusal with nothing written."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import (
    BadRequest,
    BelowMinimum,
    Forbidden,
    InsufficientPoints,
    InvalidRequest,
    KeyReused,
    LoginBlocked,
    MemberCancelled,
    MemberNotActive,
    MemberNotFound,
    MembershipBlocked,
    MemberSuspended,
    MerchantMissing,
    PendingRequestExists,
    PointsNotPositive,
    RedemptionNotFound,
    TesseraError,
)
from resolvers.context import Context
from resolvers.expiry import expire_due
from resolvers.hold import (
    PAY_WITH_REWARDS,
    CancelHold,
    Hold,
    SettleHold,
    cancel_hold,
    create_hold,
    get_hold,
    list_holds,
    settle_hold,
)
from resolvers.program import apply_configuration
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import HOLD_ORDER, enroll, give, member_of, nothing_written, set_status

ORDER = HOLD_ORDER
PAY = replace(ORDER, purpose=PAY_WITH_REWARDS)
MICROSECOND = timedelta(microseconds=1)


async def test_the_time_of_a_hold(shop: Shop, ann: Context) -> None:
    async def lasts(**asked: Any) -> timedelta:
        hold = await create_hold(ann, replace(ORDER, points=Decimal(1), **asked))
        await cancel_hold(ann, CancelHold(hold_id=hold.id))
        return hold.expires_at - shop.now

    for purpose, longest in (("HOLD", 366), (PAY_WITH_REWARDS, 90)):
        assert await lasts(purpose=purpose) == await lasts(purpose=purpose, validity_days=0) == timedelta(days=3)
        assert await lasts(purpose=purpose, validity_days=longest) == timedelta(days=longest)
        assert await lasts(purpose=purpose, until=shop.now + MICROSECOND) == MICROSECOND
        for wrong in (
            {"validity_days": longest + 1},
            {"validity_days": -1},
            {"until": shop.now},
            {"until": shop.now + timedelta(days=longest) + MICROSECOND},
            {"until": shop.now + timedelta(days=1), "validity_days": 1},
        ):
            with pytest.raises(InvalidRequest):
                await lasts(purpose=purpose, **wrong)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"relation_reference": None}, BadRequest),
        ({"idempotency_key": "x" * 101}, InvalidRequest),
        ({"points": Decimal("NaN")}, BadRequest),
        ({"amount": Decimal(-1)}, InvalidRequest),
        ({"merchant_name": " "}, MerchantMissing),
        ({"merchant_name": None, "points": Decimal(0)}, MerchantMissing),
        ({"points": Decimal(0)}, PointsNotPositive),
        ({"points": Decimal("0.000001"), "purpose": "?"}, PointsNotPositive),
        ({"purpose": "?"}, InvalidRequest),
        ({"purpose": PAY_WITH_REWARDS, "points": Decimal(10) ** 11}, InvalidRequest),
        ({"purpose": PAY_WITH_REWARDS, "points": Decimal(10) ** 11 - 1}, InsufficientPoints),
        ({"relation_reference": "NOBODY", "points": Decimal("0.5")}, MemberNotFound),
        ({"points": Decimal("0.5")}, InvalidRequest),
        ({"points": Decimal(1)}, BelowMinimum),
        ({"points": Decimal(101)}, InsufficientPoints),
    ],
)
async def test_a_hold_that_is_refused_writes_nothing(
    shop: Shop, ann: Context, change: dict[str, Any], error: type[TesseraError]
) -> None:
    await apply_configuration(ann, b"version: 1\nprogram: {redemption_minimum: 2}")
    async with nothing_written(shop):
        with pytest.raises(error):
            await create_hold(ann, replace(ORDER, **change))


@pytest.mark.parametrize(
    ("status", "error"),
    [(2, MemberSuspended), (3, LoginBlocked), (4, MemberCancelled), (5, MemberNotActive), (6, MembershipBlocked)],
)
async def test_the_status_decides_who_may_hold_but_not_how_it_ends(
    shop: Shop, ann: Context, status: int, error: type[TesseraError]
) -> None:
    holds = [await create_hold(ann, replace(ORDER, points=Decimal(10))) for _ in range(2)]
    await set_status(ann, "ANN", status)
    async with nothing_written(shop):
        with pytest.raises(error):
            await create_hold(ann, replace(ORDER, points=Decimal("0.5")))
    await settle_hold(ann, SettleHold(hold_id=holds[0].id))
    await cancel_hold(ann, CancelHold(hold_id=holds[1].id))


async def test_a_repeat_is_answered_even_after_the_end_of_the_hold(shop: Shop, ann: Context) -> None:
    order = replace(ORDER, until=shop.now + timedelta(days=1), idempotency_key="K")
    first = await create_hold(ann, order)
    shop.now += timedelta(days=2)
    again = await create_hold(ann, order)
    assert (again.id, again.status, again.replayed) == (first.id, "EXPIRED", True)


async def test_one_payment_may_be_pending_beside_many_holds(shop: Shop, ann: Context) -> None:
    for _ in range(2):
        await create_hold(ann, replace(ORDER, points=Decimal(10)))
    first = await create_hold(ann, replace(PAY, points=Decimal(10)))
    async with nothing_written(shop):
        with pytest.raises(PendingRequestExists):
            await create_hold(ann, replace(PAY, points=Decimal(1000), idempotency_key="K"))
    shop.now = first.expires_at
    assert (await create_hold(ann, replace(PAY, points=Decimal(10), idempotency_key="K"))).status == "PENDING"


async def test_a_member_sees_and_cancels_its_own_holds_only(shop: Shop, ann: Context) -> None:
    await enroll(ann, "BEN", 50)
    theirs = await create_hold(ann, replace(ORDER, relation_reference="BEN"))
    app = member_of(ann, "ANN")
    own = await create_hold(app, replace(PAY, relation_reference=None))
    async with nothing_written(shop):
        for caller, number in ((app, theirs.id), (shop.contexts[1], own.id), (app, 10**9)):
            with pytest.raises(RedemptionNotFound):
                await get_hold(caller, number)
            with pytest.raises(RedemptionNotFound):
                await cancel_hold(caller, CancelHold(hold_id=number))
        with pytest.raises(Forbidden):
            await list_holds(app, "BEN")
        with pytest.raises(Forbidden):
            await create_hold(app, replace(ORDER, relation_reference="BEN"))
    assert await get_hold(app, own.id) == own
    assert (await cancel_hold(app, CancelHold(hold_id=own.id))).status == "CANCELLED"


async def test_holds_are_listed_by_what_they_are_now(shop: Shop, ann: Context) -> None:
    async def hold(**change: Any) -> Hold:
        return await create_hold(ann, replace(ORDER, points=Decimal(10), **change))

    settled, cancelled, booked = await hold(), await hold(), await hold(validity_days=1)
    await settle_hold(ann, SettleHold(hold_id=settled.id))
    await cancel_hold(ann, CancelHold(hold_id=cancelled.id))
    shop.later(days=1)
    await expire_due(shop.services)
    lapsed, pending = await hold(validity_days=1), await hold(validity_days=9, purpose=PAY_WITH_REWARDS)
    shop.later(days=1)
    for status, expected in (
        ("PENDING", [pending.id]),
        ("SETTLED", [settled.id]),
        ("CANCELLED", [cancelled.id]),
        ("EXPIRED", [lapsed.id, booked.id]),
        (None, [pending.id, lapsed.id, booked.id, cancelled.id, settled.id]),
    ):
        page = await list_holds(ann, "ANN", status=status)
        assert ([one.id for one in page.holds], page.count) == (expected, len(expected))
        assert all(status in {None, one.status} for one in page.holds)
    page = await list_holds(ann, "ANN", skip=1, limit=2)
    assert ([one.id for one in page.holds], page.count) == ([lapsed.id, booked.id], 5)
    assert (await list_holds(ann, "ANN", purpose=PAY_WITH_REWARDS)).count == 1
    for wrong in ({"status": "LAPSED"}, {"skip": -1}, {"limit": 0}):
        with pytest.raises(InvalidRequest):
            await list_holds(ann, "ANN", **wrong)


async def test_a_key_makes_one_hold_and_another_body_is_refused(shop: Shop, ann: Context) -> None:
    order = replace(ORDER, idempotency_key="K")
    first = await create_hold(ann, order)
    async with nothing_written(shop):
        again = await create_hold(ann, replace(order, points=Decimal("30.00"), validity_days=0))
        assert again == replace(first, replayed=True)
        for change in ({"points": Decimal(31)}, {"merchant_name": "Other"}, {"validity_days": 4}):
            with pytest.raises(KeyReused):
                await create_hold(ann, replace(order, **change))
    settled = await settle_hold(ann, SettleHold(hold_id=first.id, idempotency_key="K"))
    async with nothing_written(shop):
        again_settled = await settle_hold(ann, SettleHold(hold_id=first.id, idempotency_key="K"))
        assert again_settled == replace(settled, replayed=True, hold=replace(settled.hold, replayed=True))
        assert (await create_hold(ann, order)).status == "SETTLED"


async def test_a_refusal_binds_its_key_for_a_day(shop: Shop, ann: Context) -> None:
    order = replace(ORDER, points=Decimal(200), idempotency_key="K")
    for is_replay in (False, True):
        with pytest.raises(InsufficientPoints) as refusal:
            await create_hold(ann, order)
        assert refusal.value.is_replay is is_replay
        await give(ann, "ANN", 100)
    shop.later(days=1)
    assert (await create_hold(ann, order)).points == 200


async def test_a_program_that_wants_keys_gets_them(shop: Shop, ann: Context) -> None:
    await apply_configuration(ann, b"version: 1\nprogram: {require_key: true}")
    async with nothing_written(shop):
        with pytest.raises(BadRequest):
            await create_hold(ann, ORDER)
    await create_hold(ann, replace(ORDER, idempotency_key="K"))
