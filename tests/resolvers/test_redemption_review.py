"""Redemptions over a threshold of the program are refused, and nothing is debited."""

import asyncio
from decimal import Decimal

import pytest

from domain.errors import HeldForReview
from resolvers.context import Context
from resolvers.program import apply_configuration
from resolvers.redemption import RedeemPoints, ReverseRedemption, redeem_points, reverse_redemption
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import figures, nothing_written, outcome, set_status


def order(points: int | str, key: str | None = None) -> RedeemPoints:
    return RedeemPoints(
        relation_reference="ANN", points=Decimal(points), merchant_name="Shop", amount=Decimal(1), idempotency_key=key
    )


async def thresholds(ctx: Context, text: str) -> None:
    await apply_configuration(ctx, f"version: 1\nfraud: {{redemption: {text}}}".encode())


async def test_too_many_points_at_once_are_refused(shop: Shop, ann: Context) -> None:
    await thresholds(ann, "{max_points: 40}")
    async with nothing_written(shop):
        with pytest.raises(HeldForReview):
            await redeem_points(ann, order(41))
    await redeem_points(ann, order(40))
    assert await figures(ann, "ANN") == (60, 0)


async def test_it_is_refused_after_the_status_and_the_minimum_and_before_the_balance(ann: Context) -> None:
    await apply_configuration(
        ann, b"version: 1\nprogram: {redemption_minimum: 5}\nfraud: {redemption: {max_points: 3, max_per_day: 0}}"
    )
    assert await outcome(redeem_points(ann, order(4))) == "125"
    assert await outcome(redeem_points(ann, order(500))) == "129"
    await set_status(ann, "ANN", 2)
    assert await outcome(redeem_points(ann, order(500))) == "114"
    await set_status(ann, "ANN", 1)
    await thresholds(ann, "{max_points: null}")
    assert await outcome(redeem_points(ann, order(500))) == "129"
    await thresholds(ann, "{max_per_day: null}")
    assert await outcome(redeem_points(ann, order(500))) == "121"


async def test_redemptions_are_counted_in_the_day_on_the_program_s_clocks(shop: Shop, ann: Context) -> None:
    await thresholds(ann, "{max_per_day: 2}")
    first = await redeem_points(ann, order(1))
    await redeem_points(ann, order(2))
    # One that was given back was made all the same.
    reference = str(first.external_reference)
    await reverse_redemption(
        ann, ReverseRedemption(relation_reference="ANN", merchant_name="Shop", external_reference=reference)
    )
    async with nothing_written(shop):
        assert await outcome(redeem_points(ann, order(3))) == "129"
    # It is one o'clock in Berlin: the day is over in eleven hours.
    shop.later(hours=10, minutes=59)
    assert await outcome(redeem_points(ann, order(4))) == "129"
    shop.later(minutes=1)
    assert await outcome(redeem_points(ann, order(5))) == "000"
    assert await figures(ann, "ANN") == (93, 0)


async def test_of_many_at_once_no_more_than_allowed_pass(ann: Context) -> None:
    await thresholds(ann, "{max_per_day: 3}")
    ends = await asyncio.gather(*(outcome(redeem_points(ann, order(1, f"k{number}"))) for number in range(10)))
    assert sorted(ends) == ["000"] * 3 + ["129"] * 7
    assert await figures(ann, "ANN") == (97, 0)


async def test_the_refusal_binds_its_key_for_a_day(shop: Shop, ann: Context) -> None:
    await thresholds(ann, "{max_points: 40}")
    assert await outcome(redeem_points(ann, order(41, "k"))) == "129"
    await thresholds(ann, "{max_points: null}")
    with pytest.raises(HeldForReview) as refused:
        await redeem_points(ann, order(41, "k"))
    assert refused.value.is_replay
    shop.later(hours=25)
    assert await outcome(redeem_points(ann, order(41, "k"))) == "000"
