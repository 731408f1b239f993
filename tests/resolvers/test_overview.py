"""The dashboard's figures: what moved between members is neither issued nor redeemed, and figures and chart agree."""

from dataclasses import replace
from decimal import Decimal

from resolvers.adjustment import AdjustPoints, adjust_points
from resolvers.context import Context
from resolvers.hold import CancelHold, cancel_hold, create_hold
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.overview import Overview, Period, get_overview, list_periods
from resolvers.redemption import RedeemPoints, ReverseRedemption, redeem_points, reverse_redemption
from resolvers.transfer import TransferPoints, transfer_points
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import HOLD_ORDER, enroll, give, verified


async def figures(ctx: Context) -> tuple[Overview, list[Period], list[Period]]:
    """The figures and both charts, but for how many members there are."""
    found = replace(await get_overview(ctx), members=0)
    return found, await list_periods(ctx, "months"), await list_periods(ctx, "days")


async def redeem(ctx: Context, reference: str, points: int) -> str:
    """Take points, and what the redemption is called."""
    order = RedeemPoints(relation_reference=reference, points=Decimal(points), use_defaults=True)
    return str((await redeem_points(ctx, order)).external_reference)


async def test_figures_and_charts_are_the_same_before_and_after_points_move(shop: Shop) -> None:
    ctx = shop.contexts[0]
    for reference, points in (("OLD", 100), ("NEW", 40), ("ANN", 100)):
        await enroll(ctx, reference, points)
    await enroll(shop.contexts[1], "FOREIGN", 7)
    spent = await redeem(ctx, "OLD", 30)
    await adjust_points(ctx, AdjustPoints(relation_reference="OLD", points=Decimal(-5), reason="Keyed twice"))
    await adjust_points(ctx, AdjustPoints(relation_reference="NEW", points=Decimal(8), reason="Late"))
    before, foreign = await figures(ctx), await figures(shop.contexts[1])
    overview = before[0]
    found = (overview.issued, overview.redeemed, overview.expired, overview.outstanding)
    assert [int(one) for one in found] == [248, 35, 0, 213]
    for chart in before[1:]:
        assert sum(one.issued for one in chart) == 248
        assert sum(one.redeemed for one in chart) == 35
    merged = await merge_members(ctx, MergeMembers(victim="OLD", survivor="NEW"))
    assert await figures(ctx) == before
    sent = TransferPoints(from_reference="NEW", to_reference="ANN", points=Decimal(10))
    await transfer_points(ctx, sent)
    await transfer_points(ctx, replace(sent, from_reference="ANN", to_reference="NEW"))
    assert await figures(ctx) == before
    back = ReverseRedemption(relation_reference="NEW", external_reference=spent, use_defaults=True)
    await reverse_redemption(ctx, back)
    assert (await get_overview(ctx)).redeemed == 5
    assert (await list_periods(ctx, "days"))[-1].redeemed == 5
    assert merged.points == 65
    assert await figures(shop.contexts[1]) == foreign
    await verified(shop)


async def test_a_merge_that_is_undone_and_debts_that_move_change_nothing(shop: Shop) -> None:
    ctx = shop.contexts[0]
    await enroll(ctx, "OLD", 50)
    await enroll(ctx, "NEW", 20)
    before = await figures(ctx)
    merged = await merge_members(ctx, MergeMembers(victim="OLD", survivor="NEW"))
    await undo_merge(ctx, merged.id)
    assert await figures(ctx) == before
    await enroll(ctx, "ANN", 30)
    hold = await create_hold(ctx, HOLD_ORDER)
    held = await figures(ctx)
    assert held[0].redeemed == held[2][-1].redeemed == 30
    await cancel_hold(ctx, CancelHold(hold_id=hold.id))
    after = await figures(ctx)
    assert after[0].redeemed == after[2][-1].redeemed == 0
    await give(ctx, "NEW", 10)
    assert (await get_overview(ctx)).issued - after[0].issued == 10
    await verified(shop)
