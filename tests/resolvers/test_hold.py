"""Holds: made, settled, cancelled, lapsed; each refusal with nothing written; many at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import date, timedelta
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
    RequestNotPending,
    TesseraError,
)
from resolvers.context import Context
from resolvers.expiry import expire_due
from resolvers.hold import (
    PAY_WITH_REWARDS,
    CancelHold,
    CreateHold,
    Hold,
    SettleHold,
    cancel_hold,
    create_hold,
    get_hold,
    list_holds,
    settle_hold,
)
from resolvers.program import apply_configuration
from resolvers.redemption import RedeemPoints, ReverseRedemption, redeem_points, reverse_redemption
from resolvers.statement import get_statement_summary
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import enroll, entries, figures, give, member_of, nothing_written, set_status, verified

ORDER = CreateHold(relation_reference="ANN", points=Decimal(30), merchant_name="Shop", amount=Decimal("9.90"))
PAY = replace(ORDER, purpose=PAY_WITH_REWARDS)
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
async def ann(shop: Shop) -> AsyncIterator[Context]:
    """A caller of the program in which ANN has 100 points; the books are checked afterwards."""
    await enroll(shop.contexts[0], "ANN", 100)
    yield shop.contexts[0]
    await verified(shop)


async def outcome(work: Awaitable[Any]) -> str:
    try:
        await work
    except TesseraError as error:
        return error.code
    return "000"


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
    assert (spent.kind, spent.related_id) == ("redemption", hold.entry_id)


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
    assert [one.kind for one in await entries(ann, "ANN")] == ["redemption", "release", "hold", "bonus"]


@pytest.mark.parametrize("end", ["settle", "a part", "cancel", "lapse"])
async def test_a_lot_that_expires_while_it_is_held_is_spent_but_not_revived(shop: Shop, end: str) -> None:
    ctx = shop.contexts[0]
    await enroll(ctx, "ANN", 40, expires=date(2026, 3, 2))
    await give(ctx, "ANN", 10)
    hold = await create_hold(ctx, replace(ORDER, validity_days=3))
    assert await figures(ctx, "ANN") == (20, 30)
    shop.later(days=2)
    assert await figures(ctx, "ANN") == (10, 30)
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
    await expire_due(shop.services)
    assert (await get_statement_summary(ctx, "ANN")).expired_points == expired
    await verified(shop)


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
        ({"idempotency_key": "x" * 101}, BadRequest),
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


async def test_one_payment_may_be_pending_beside_many_holds(shop: Shop, ann: Context) -> None:
    for _ in range(2):
        await create_hold(ann, replace(ORDER, points=Decimal(10)))
    first = await create_hold(ann, replace(PAY, points=Decimal(10)))
    async with nothing_written(shop):
        with pytest.raises(PendingRequestExists):
            await create_hold(ann, replace(PAY, points=Decimal(1000), idempotency_key="K"))
    shop.now = first.expires_at
    assert (await create_hold(ann, replace(PAY, points=Decimal(10), idempotency_key="K"))).status == "PENDING"


async def test_a_settlement_that_is_refused_writes_nothing(shop: Shop, ann: Context) -> None:
    hold = await create_hold(ann, ORDER)
    good = SettleHold(hold_id=hold.id)
    async with nothing_written(shop):
        for change, error in (
            ({"idempotency_key": ""}, BadRequest),
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


async def test_of_fifty_holds_of_the_whole_balance_one_succeeds(ann: Context) -> None:
    order = replace(ORDER, points=Decimal(100))
    codes = Counter(await asyncio.gather(*(outcome(create_hold(ann, order)) for _ in range(50))))
    assert codes == {"000": 1, "121": 49}
    assert await figures(ann, "ANN") == (0, 100)


async def test_twenty_equal_keys_at_once_make_one_hold(ann: Context) -> None:
    order = replace(ORDER, idempotency_key="K")
    holds = await asyncio.gather(*(create_hold(ann, order) for _ in range(20)))
    assert len({one.id for one in holds}) == 1
    assert sorted(one.replayed for one in holds) == [False] + [True] * 19
    assert await figures(ann, "ANN") == (70, 30)


async def test_of_twenty_payments_at_once_one_is_pending(ann: Context) -> None:
    order = replace(PAY, points=Decimal(2))
    codes = Counter(await asyncio.gather(*(outcome(create_hold(ann, order)) for _ in range(20))))
    assert codes == {"000": 1, "126": 19}


async def test_of_settlements_and_cancellations_at_once_one_succeeds(ann: Context) -> None:
    hold = await create_hold(ann, ORDER)
    settle, cancel = SettleHold(hold_id=hold.id), CancelHold(hold_id=hold.id)
    ends = [work for _ in range(5) for work in (settle_hold(ann, settle), cancel_hold(ann, cancel))]
    codes = Counter(await asyncio.gather(*map(outcome, ends)))
    assert codes == {"000": 1, "127": 9}
    settled = (await get_hold(ann, hold.id)).status == "SETTLED"
    assert await figures(ann, "ANN") == ((70 if settled else 100), 0)
