"""Bonuses: buckets, dates, who gets them; each refusal writes nothing."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, update

from domain.errors import (
    AccrualNotAllowed,
    BadRequest,
    InvalidRequest,
    KeyReused,
    MemberCancelled,
    MemberNotFound,
    MembershipBlocked,
    MemberSuspended,
    PointsNotPositive,
    TesseraError,
)
from domain.models import member
from domain.points import MAX_POINTS
from resolvers.bonus import PostBonus, post_bonus
from resolvers.context import Context
from resolvers.member import get_member
from resolvers.program import apply_configuration
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import (
    balance,
    enroll,
    entries,
    figures,
    nothing_written,
    set_status,
)
from tests.resolvers.test_standing import TIERS

BONUS = PostBonus(relation_reference="ANN", points=Decimal(15))


@pytest.mark.parametrize(("bonus_type", "bucket"), [(2, "bonus"), (12, "partner"), (13, "purchased")])
async def test_a_bonus_counts_in_the_bucket_of_its_type(ann: Context, bonus_type: int, bucket: str) -> None:
    before = await balance(ann, "ANN")
    given = await post_bonus(
        ann, replace(BONUS, bonus_type=bonus_type, awarded_at=date(2026, 2, 1), narration="Welcome")
    )
    after = await balance(ann, "ANN")
    assert getattr(after, bucket) - getattr(before, bucket) == after.total - before.total == 15
    found = next(one for one in await entries(ann, "ANN") if one.stored.id == given.entry_id)
    assert (found.stored.kind, found.stored.bucket, found.category) == ("bonus", bucket, bucket.capitalize())
    assert (found.stored.loyalty_txn_type, found.narration) == (bonus_type, "Welcome")
    assert found.stored.transaction_date == datetime(2026, 1, 31, 23, tzinfo=UTC)
    assert found.stored.expires_at == datetime(2027, 2, 28, 23, tzinfo=UTC)


async def test_a_bonus_that_would_have_expired_already_expires_at_once(ann: Context) -> None:
    await post_bonus(ann, replace(BONUS, awarded_at=date(2024, 1, 1)))
    await post_bonus(ann, replace(BONUS, awarded_at=date(2026, 1, 1), expires=date(2026, 2, 1)))
    assert await figures(ann, "ANN") == (100, 0)
    assert (await balance(ann, "ANN")).expired == 30


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"relation_reference": ""}, BadRequest),
        ({"points": Decimal("NaN")}, BadRequest),
        ({"awarded_at": date(1800, 1, 1)}, BadRequest),
        ({"expires": date(9999, 1, 1)}, BadRequest),
        ({"narration": "x" * 501}, BadRequest),
        ({"bonus_type": 1, "points": Decimal(0)}, InvalidRequest),
        ({"points": Decimal(0), "relation_reference": "NOBODY"}, PointsNotPositive),
        ({"relation_reference": "NOBODY"}, MemberNotFound),
        ({"points": Decimal("0.5")}, InvalidRequest),
    ],
)
async def test_a_bonus_that_is_refused_writes_nothing(
    shop: Shop, ann: Context, change: dict[str, Any], error: type[TesseraError]
) -> None:
    async with nothing_written(shop):
        with pytest.raises(error):
            await post_bonus(ann, replace(BONUS, **change))


@pytest.mark.parametrize(
    ("status", "error"),
    [(1, None), (2, MemberSuspended), (3, None), (4, MemberCancelled), (5, None), (6, MembershipBlocked)],
)
async def test_a_bonus_is_given_to_whoever_may_earn(
    shop: Shop, ann: Context, status: int, error: type[TesseraError] | None
) -> None:
    await set_status(ann, "ANN", status)
    if error is None:
        await post_bonus(ann, BONUS)
        return
    async with nothing_written(shop):
        with pytest.raises(error):
            await post_bonus(ann, replace(BONUS, points=Decimal("0.5")))


async def test_a_key_gives_a_bonus_once(shop: Shop, ann: Context) -> None:
    order = replace(BONUS, idempotency_key="K")
    given = await asyncio.gather(*(post_bonus(ann, order) for _ in range(20)))
    assert len({one.entry_id for one in given}) == 1
    async with nothing_written(shop):
        assert (await post_bonus(ann, order)).replayed
        with pytest.raises(KeyReused):
            await post_bonus(ann, replace(order, bonus_type=12))
    assert await figures(ann, "ANN") == (115, 0)


async def test_a_member_who_may_not_earn_gets_no_bonus(shop: Shop, ann: Context) -> None:
    def forbid(tx: Connection) -> None:
        tx.execute(update(member).values(accrual_allowed=False))

    await shop.services.db.write(forbid)
    async with nothing_written(shop):
        with pytest.raises(AccrualNotAllowed):
            await post_bonus(ann, BONUS)


async def standing(ctx: Context, reference: str) -> tuple[str | None, list[int]]:
    """A member's tier, and its bonuses, oldest first."""
    given = [int(one.points) for one in await entries(ctx, reference) if one.stored.kind == "bonus"]
    return (await get_member(ctx, reference)).tier, given[::-1]


@pytest.mark.parametrize("window", ["lifetime", "rolling_365"])
async def test_a_bonus_that_is_enough_for_a_tier_gives_it_with_its_own_bonus(ann: Context, window: str) -> None:
    await apply_configuration(ann, TIERS.replace(b"rolling_365", window.encode()))
    await enroll(ann, "BEN")
    for points, tier, bonuses in ((99, "Silver", [99]), (1, "Gold", [99, 1, 50])):
        order = replace(BONUS, relation_reference="BEN", points=Decimal(points), idempotency_key=tier)
        await asyncio.gather(*(post_bonus(ann, order) for _ in range(3)))
        assert await standing(ann, "BEN") == (tier, bonuses)


async def test_only_a_bonus_of_the_program_itself_counts_for_tiers_and_only_within_their_window(ann: Context) -> None:
    await apply_configuration(ann, TIERS)
    await enroll(ann, "BEN")
    order = replace(BONUS, relation_reference="BEN", points=Decimal(200))
    for change in (
        {"bonus_type": 12},
        {"bonus_type": 13},
        {"awarded_at": date(2025, 2, 1), "expires": date(2027, 1, 1)},
    ):
        await post_bonus(ann, replace(order, **change))
        assert (await get_member(ann, "BEN")).tier == "Silver"
    await post_bonus(ann, order)
    assert (await get_member(ann, "BEN")).tier == "Gold"


async def test_a_bonus_whose_tier_would_have_no_room_is_refused_whole(shop: Shop, ann: Context) -> None:
    await apply_configuration(ann, TIERS)
    order = replace(BONUS, points=Decimal(MAX_POINTS - 100 - 549))
    async with nothing_written(shop):
        with pytest.raises(InvalidRequest):
            await post_bonus(ann, order)
    await post_bonus(ann, replace(order, points=order.points - 1))
    assert (await balance(ann, "ANN")).total == MAX_POINTS
