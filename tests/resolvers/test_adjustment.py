"""Adjustments, with and without approval; each refusal writes nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from domain.errors import (
    BadRequest,
    Forbidden,
    InsufficientPoints,
    InvalidRequest,
    KeyReused,
    MemberCancelled,
    MemberNotFound,
    RedemptionNotFound,
    RequestNotPending,
    TesseraError,
)
from domain.models import audit_entry
from resolvers.adjustment import AdjustPoints, adjust_points
from resolvers.bonus import PostBonus, post_bonus
from resolvers.configuration import apply_configuration
from resolvers.context import Context
from resolvers.merge import MergeMembers, merge_members
from resolvers.points_request import (
    PointsRequest,
    approve_adjustment,
    list_points_requests,
    reject_adjustment,
)
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import (
    administrator,
    enroll,
    entries,
    figures,
    member_of,
    nothing_written,
    set_status,
    verified,
)

ORDER = AdjustPoints(relation_reference="ANN", points=Decimal(25), reason="Goodwill")
BONUS = PostBonus(relation_reference="ANN", points=Decimal(15))


@pytest.fixture
async def ann(shop: Shop) -> AsyncIterator[Context]:
    """An administrator of the program in which ANN has 100 points; the books are checked afterwards."""
    await enroll(shop.contexts[0], "ANN", 100)
    yield administrator(shop.contexts[0], "one")
    await verified(shop)


@pytest.fixture
async def with_approval(shop: Shop) -> None:
    """Programs in which adjustments of 50 points and more need a second administrator."""
    for context in shop.contexts:
        await apply_configuration(context, b"version: 1\nprogram: {adjustment_approval_from: 50}")


async def audited(shop: Shop) -> list[tuple[str, Any]]:
    """The audit trail of adjustments: action and what is told of it."""
    query = select(audit_entry.c.action, audit_entry.c.after).order_by(audit_entry.c.seq)
    rows = await shop.services.db.read(lambda tx: tx.execute(query).all())
    return [(row.action, row.after["points"]) for row in rows if row.action.startswith("points.")]


async def test_an_adjustment_gives_or_takes_and_says_why(shop: Shop, ann: Context) -> None:
    up = await adjust_points(ann, ORDER)
    down = await adjust_points(ann, replace(ORDER, points=Decimal(-125), reason="Keyed twice"))
    assert (up.points, down.points, up.request_id) == (Decimal(25), Decimal(-125), None)
    shown = {one.stored.id: one for one in await entries(ann, "ANN")}
    first, second = shown[up.entry_id or 0], shown[down.entry_id or 0]
    assert (first.stored.kind, first.stored.bucket, first.category, first.stored.loyalty_txn_type) == (
        "adjustment",
        "other",
        "Adjustment",
        9,
    )
    assert (second.stored.bucket, second.note, second.narration) == ("redeem", "Keyed twice", "Keyed twice")
    assert first.stored.expires_at == datetime(2027, 3, 31, 22, tzinfo=UTC)
    assert await figures(ann, "ANN") == (0, 0)
    assert await audited(shop) == [("points.adjust", "25"), ("points.adjust", "-125")]


async def test_an_adjustment_may_have_its_own_last_day(shop: Shop, ann: Context) -> None:
    await adjust_points(ann, replace(ORDER, expires=date(2026, 3, 1)))
    shop.now = datetime(2026, 3, 1, 22, 59, 59, 999999, tzinfo=UTC)
    assert await figures(ann, "ANN") == (125, 0)
    shop.now = datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert await figures(ann, "ANN") == (100, 0)


async def test_a_repeat_is_answered_even_after_the_last_day(shop: Shop, ann: Context) -> None:
    order = replace(ORDER, expires=date(2026, 3, 1), idempotency_key="K")
    first = await adjust_points(ann, order)
    shop.now = datetime(2026, 4, 1, tzinfo=UTC)
    assert await adjust_points(ann, order) == replace(first, replayed=True)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"relation_reference": None}, BadRequest),
        ({"reason": None}, BadRequest),
        ({"reason": "  "}, BadRequest),
        ({"reason": "x" * 501}, BadRequest),
        ({"points": Decimal("NaN")}, BadRequest),
        ({"points": Decimal(10) ** 16}, BadRequest),
        ({"points": Decimal(0)}, InvalidRequest),
        ({"points": Decimal("0.5")}, InvalidRequest),
        ({"points": Decimal(-1), "expires": date(2027, 1, 1)}, InvalidRequest),
        ({"expires": date(2026, 2, 28)}, InvalidRequest),
        ({"expires": date(9999, 1, 1)}, BadRequest),
        ({"relation_reference": "NOBODY"}, MemberNotFound),
        ({"points": Decimal(-101)}, InsufficientPoints),
    ],
)
async def test_an_adjustment_that_is_refused_writes_nothing(
    shop: Shop, ann: Context, change: dict[str, Any], error: type[TesseraError]
) -> None:
    async with nothing_written(shop):
        with pytest.raises(error):
            await adjust_points(ann, replace(ORDER, **change))


@pytest.mark.parametrize("status", range(1, 7))
async def test_every_member_is_adjusted_but_a_cancelled_one(shop: Shop, ann: Context, status: int) -> None:
    await set_status(ann, "ANN", status)
    if status != 4:
        await adjust_points(ann, ORDER)
        return
    async with nothing_written(shop):
        with pytest.raises(MemberCancelled):
            await adjust_points(ann, ORDER)


async def test_who_may_adjust(shop: Shop, ann: Context) -> None:
    manager = administrator(ann, "two", "program-manager")
    await adjust_points(manager, ORDER)
    async with nothing_written(shop):
        for caller in (member_of(ann, "ANN"), administrator(ann, "three", "customer-executive")):
            for work in (
                adjust_points(caller, ORDER),
                post_bonus(caller, BONUS),
                approve_adjustment(caller, 1),
                reject_adjustment(caller, 1),
                list_points_requests(caller, first=1),
            ):
                with pytest.raises(Forbidden):
                    await work


async def test_a_key_adjusts_once(shop: Shop, ann: Context) -> None:
    order = replace(ORDER, idempotency_key="K")
    done = await asyncio.gather(*(adjust_points(ann, order) for _ in range(20)))
    assert len({one.entry_id for one in done}) == 1
    assert sorted(one.replayed for one in done) == [False] + [True] * 19
    async with nothing_written(shop):
        with pytest.raises(KeyReused):
            await adjust_points(ann, replace(order, reason="Other"))


@pytest.mark.usefixtures("with_approval")
async def test_a_large_adjustment_waits_for_a_second_administrator(shop: Shop, ann: Context) -> None:
    asked = await adjust_points(ann, replace(ORDER, points=Decimal(50), idempotency_key="K"))
    assert asked.entry_id is None
    assert await figures(ann, "ANN") == (100, 0)
    async with nothing_written(shop):
        again = await adjust_points(ann, replace(ORDER, points=Decimal(50), idempotency_key="K"))
        assert again == replace(asked, replayed=True)
        with pytest.raises(Forbidden):
            await approve_adjustment(ann, asked.request_id or 0)
        with pytest.raises(Forbidden):
            await reject_adjustment(ann, asked.request_id or 0)
    [waiting] = await list_points_requests(ann, status="PENDING", first=10)
    assert (waiting.id, waiting.points, waiting.reason) == (asked.request_id, Decimal(50), "Goodwill")
    assert (waiting.requested_by, waiting.decided_by, waiting.entry_id) == ("admin:one", None, None)
    other = administrator(ann, "two", "program-manager")
    approved = await approve_adjustment(other, waiting.id)
    assert (approved.status, approved.decided_by, approved.decided_at) == ("APPROVED", "admin:two", shop.now)
    posted = (await entries(ann, "ANN"))[0]
    assert (posted.stored.id, posted.points, posted.note) == (approved.entry_id, Decimal(50), "Goodwill")
    assert posted.detail == {"request": waiting.id}
    assert await figures(ann, "ANN") == (150, 0)
    assert await audited(shop) == [("points.adjust.request", "50"), ("points.adjust.approve", "50")]


@pytest.mark.usefixtures("with_approval")
async def test_a_request_is_decided_once(shop: Shop, ann: Context) -> None:
    other = administrator(ann, "two")
    first, second = [(await adjust_points(ann, replace(ORDER, points=Decimal(60)))).request_id or 0 for _ in range(2)]
    await approve_adjustment(other, first, "K")
    assert (await reject_adjustment(other, second)).status == "REJECTED"
    async with nothing_written(shop):
        assert (await approve_adjustment(other, first, "K")).replayed
        with pytest.raises(KeyReused):
            await approve_adjustment(other, second, "K")
        for number in (first, second):
            with pytest.raises(RequestNotPending):
                await approve_adjustment(other, number)
            with pytest.raises(RequestNotPending):
                await reject_adjustment(other, number)
        for caller, number in ((other, 10**9), (shop.contexts[1], first)):
            with pytest.raises(RedemptionNotFound):
                await approve_adjustment(caller, number)
            with pytest.raises(RedemptionNotFound):
                await reject_adjustment(caller, number)
        with pytest.raises(InvalidRequest):
            await list_points_requests(ann, status="?", first=1)
    assert await figures(ann, "ANN") == (160, 0)
    assert [one.id for one in await list_points_requests(ann, first=10)] == [second, first]
    assert [one.id for one in await list_points_requests(ann, first=10, before_id=second)] == [first]


@pytest.mark.usefixtures("with_approval")
async def test_of_ten_approvals_and_rejections_at_once_one_counts(ann: Context) -> None:
    asked = await adjust_points(ann, replace(ORDER, points=Decimal(60)))
    number, other = asked.request_id or 0, administrator(ann, "two")
    done = await asyncio.gather(
        *(decide(other, number) for _ in range(5) for decide in (approve_adjustment, reject_adjustment)),
        return_exceptions=True,
    )
    [decided] = [one for one in done if isinstance(one, PointsRequest)]
    assert all(isinstance(one, RequestNotPending) for one in done if one is not decided)
    assert await figures(ann, "ANN") == ((160 if decided.status == "APPROVED" else 100), 0)


@pytest.mark.usefixtures("with_approval")
async def test_a_request_goes_with_a_merge_to_who_answers_by_then(ann: Context) -> None:
    await enroll(ann, "NEW")
    up, down = [
        (await adjust_points(ann, replace(ORDER, points=Decimal(points)))).request_id or 0 for points in (60, -160)
    ]
    await merge_members(ann, MergeMembers(victim="ANN", survivor="NEW"))
    other = administrator(ann, "two")
    await approve_adjustment(other, up)
    await approve_adjustment(other, down)
    assert await figures(ann, "NEW") == (0, 0)
    # The reason is under the key of the member who reads it now.
    assert [(int(one.points), one.note) for one in (await entries(ann, "NEW"))[:2]] == [
        (-160, "Goodwill"), (60, "Goodwill"),
    ]  # fmt: skip


@pytest.mark.usefixtures("with_approval")
async def test_points_are_not_approved_after_their_last_day(shop: Shop, ann: Context) -> None:
    order = replace(ORDER, points=Decimal(60), expires=shop.now.date())
    asked = (await adjust_points(ann, order)).request_id or 0
    shop.later(days=1)
    async with nothing_written(shop):
        with pytest.raises(InvalidRequest):
            await approve_adjustment(administrator(ann, "two"), asked)
    assert (await reject_adjustment(administrator(ann, "two"), asked)).status == "REJECTED"


@pytest.mark.usefixtures("with_approval")
async def test_a_debit_that_is_approved_too_late_goes_on_waiting(shop: Shop, ann: Context) -> None:
    asked = await adjust_points(ann, replace(ORDER, points=Decimal(-90)))
    await adjust_points(ann, replace(ORDER, points=Decimal(-20)))
    other = administrator(ann, "two")
    async with nothing_written(shop):
        with pytest.raises(InsufficientPoints):
            await approve_adjustment(other, asked.request_id or 0)
    await set_status(ann, "ANN", 4)
    with pytest.raises(MemberCancelled):
        await approve_adjustment(other, asked.request_id or 0)
    [waiting] = await list_points_requests(ann, first=10)
    assert waiting.status == "PENDING"
