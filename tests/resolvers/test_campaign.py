"""Campaigns: when they are on, who reads them, and that a purchase made now gets what a member is told."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import prod

import pytest
from sqlalchemy import update

from domain.errors import AccrualNotAllowed, Forbidden
from domain.member import CANCELLED, INACTIVE, LOGIN_BLOCKED, MEMBERSHIP_BLOCKED, SUSPENDED
from domain.models import member
from domain.rules.model import Flat
from resolvers.campaign import Campaign, list_campaigns
from resolvers.configuration import apply_configuration
from resolvers.context import Context
from resolvers.erasure import erase_member
from resolvers.member import get_member
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.segment import list_memberships
from resolvers.snapshot import FreezeSegment, freeze_segment
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import administrator, enroll, entries, member_of, outcome, set_status, verified
from tests.resolvers.test_segment import buy

# On these clocks, fourteen hours ahead, 2 March begins at ten in the morning of 1 March.
CAMPAIGNS = b"""
version: 1
program: {time_zone: Pacific/Kiritimati}
aggregates: [{key: spent, of: amount, function: sum, period: lifetime}]
segments:
  - {name: New, when: {attribute: member.days_since_enrolment, op: lte, value: 10}}
  - {name: Quiet, when: {attribute: member.purchases, op: eq, value: 0}}
  - {name: Big, when: {attribute: aggregate.spent, op: gte, value: 100}}
  - {name: Press, kind: frozen}
campaigns:
  - {name: All, starts: 2026-03-02, ends: 2026-03-03, message: Hi, award: {type: flat, points: 7}}
  - {name: New ones, starts: 2026-03-01, ends: 2026-03-31, segment: New, award: {type: flat, points: 100}}
  - {name: First, starts: 2026-03-01, ends: 2026-03-31, segment: Quiet, award: {type: flat, points: 1000}}
  - {name: Loyal, starts: 2026-03-02, ends: 2026-03-03, segment: Big, award: {type: multiplier, factor: 2}}
  - {name: Papers, starts: 2026-03-02 06:00, ends: 2026-03-03T00:00Z, segment: Press,
     award: {type: multiplier, factor: 3}}
"""
ENROLLED = datetime(2026, 2, 20, 12, tzinfo=UTC)
BEGIN, END = datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 3, 3, 10, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.fixture
async def ctx(shop: Shop) -> Context:
    """A caller of the program in which ANN bought for 100, BOB nothing, and EVE is from the press."""
    caller, shop.now = shop.contexts[0], ENROLLED
    await apply_configuration(caller, CAMPAIGNS, prune=False)
    for reference in ("ANN", "BOB", "EVE"):
        await enroll(caller, reference)
    await buy(caller, "ANN", 100)
    await freeze_segment(caller, FreezeSegment(segment="Press", replaces=True, members=["EVE"]))
    return caller


async def of(ctx: Context, reference: str) -> Sequence[Campaign]:
    """The campaigns that a member has."""
    found = await get_member(ctx, reference)
    return (await list_memberships(ctx, [found.id]))[found.id].campaigns


async def names(ctx: Context, reference: str) -> list[str]:
    """Their names."""
    return [one.name for one in await of(ctx, reference)]


def promised(campaigns: Sequence[Campaign], amount: int) -> Decimal:
    """What a purchase gives by the base rule, a point for a unit, and by these campaigns."""
    bonus = sum((one.award.points for one in campaigns if isinstance(one.award, Flat)), Decimal(0))
    return amount * prod(one.award.factor for one in campaigns if not isinstance(one.award, Flat)) + bonus


async def test_a_campaign_is_on_from_its_first_day_through_its_last_on_the_clocks_of_the_program(
    shop: Shop, ctx: Context
) -> None:
    for at, expected in ((BEGIN - TICK, False), (BEGIN, True), (END - TICK, True), (END, False)):
        shop.now = at
        everybody = (await list_campaigns(ctx))[0]
        assert (everybody.name, everybody.is_active) == ("All", expected), at
        assert ("All" in await names(ctx, "BOB")) is expected, at
    assert everybody.span == (BEGIN, END, date(2026, 3, 2), date(2026, 3, 3))
    # A time without an offset is on those clocks, one with it is not; the days are theirs all the same.
    papers = (await list_campaigns(ctx))[4].span
    assert papers.starts == datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert papers.ends == datetime(2026, 3, 3, tzinfo=UTC) + TICK
    assert (papers.first_day, papers.last_day) == (date(2026, 3, 2), date(2026, 3, 3))


async def test_campaigns_are_listed_in_the_order_of_the_configuration(shop: Shop, ctx: Context) -> None:
    shop.now = END
    listed = {active: [one.name for one in await list_campaigns(ctx, active=active)] for active in (None, True, False)}
    assert listed == {
        None: ["All", "New ones", "First", "Loyal", "Papers"],
        True: ["New ones", "First"],
        False: ["All", "Loyal", "Papers"],
    }


async def test_a_purchase_gets_what_a_member_is_told(shop: Shop, ctx: Context) -> None:
    told: dict[str, list[list[str]]] = {"ANN": [], "BOB": [], "EVE": []}
    changes = BEGIN - TICK, BEGIN, BEGIN + timedelta(hours=6), END - timedelta(hours=10) + TICK, END - TICK, END
    for number, at in enumerate(changes, 1):
        shop.now = at
        for reference, campaigns in told.items():
            offered = await of(ctx, reference)
            assert await buy(ctx, reference, number) == promised(offered, number), (reference, at)
            campaigns.append([one.name for one in offered])
    both, twice = ["All", "New ones"], ["All", "New ones", "Loyal"]
    assert told == {
        "ANN": [["New ones"], twice, twice, twice, twice, []],
        "BOB": [["New ones", "First"], both, both, both, both, []],
        "EVE": [["New ones", "First"], both, [*both, "Papers"], both, both, []],
    }
    narrations = {one.narration for one in await entries(ctx, "BOB")}
    assert narrations == {"Base: One for one", "Campaign All", "Campaign New ones", "Campaign First"}
    await verified(shop)


async def test_who_may_not_earn_has_no_campaigns(shop: Shop, ctx: Context) -> None:
    shop.now = BEGIN
    assert await names(ctx, "BOB")
    for number, status in enumerate((SUSPENDED, LOGIN_BLOCKED, INACTIVE, MEMBERSHIP_BLOCKED, CANCELLED), 1):
        await set_status(ctx, "EVE", status)
        told, answer = await of(ctx, "EVE"), await outcome(buy(ctx, "EVE", number))
        assert bool(told) is (answer == "000"), status
    await ctx.write(lambda tx: tx.execute(update(member).values(accrual_allowed=False)))
    assert (await names(ctx, "BOB"), await outcome(buy(ctx, "BOB", 1))) == ([], AccrualNotAllowed.code)


async def test_who_was_merged_or_erased_has_no_campaigns(shop: Shop, ctx: Context) -> None:
    shop.now = BEGIN
    await apply_configuration(ctx, b"version: 1\nprogram: {accrue_cancelled: true}")
    bob, eve = await get_member(ctx, "BOB"), await get_member(ctx, "EVE")
    merge = await merge_members(ctx, MergeMembers(victim="BOB", survivor="ANN"))
    assert (await list_memberships(ctx, [bob.id]))[bob.id].campaigns == []
    assert "Loyal" in await names(ctx, "BOB")
    await undo_merge(ctx, merge.id)
    assert await names(ctx, "BOB") == ["All", "New ones", "First"]
    await erase_member(ctx, "EVE")
    assert (await list_memberships(ctx, [eve.id]))[eve.id].campaigns == []


async def test_a_member_sees_its_own_campaigns_and_a_stranger_none(shop: Shop, ctx: Context) -> None:
    shop.now = BEGIN
    ann = await get_member(ctx, "ANN")
    own, theirs = member_of(ctx, "ANN"), shop.contexts[1]
    assert [one.name for one in (await list_memberships(own, [ann.id]))[ann.id].campaigns] == await names(ctx, "ANN")
    assert await list_memberships(member_of(ctx, "BOB"), [ann.id]) == {}
    assert (await list_memberships(theirs, [ann.id]), await list_campaigns(theirs)) == ({}, [])
    with pytest.raises(Forbidden):
        await list_campaigns(own)
    executive = administrator(ctx, "eve", "customer-executive")
    assert len(await list_campaigns(executive, active=True)) == 4


async def test_without_segments_the_campaigns_for_everybody_are_there(shop: Shop, ctx: Context) -> None:
    alone = b"""{version: 1, program: {time_zone: Pacific/Kiritimati}, campaigns: [
        {name: All, starts: 2026-03-02, ends: 2026-03-03, award: {type: flat, points: 7}}]}"""
    await apply_configuration(ctx, alone, prune=True)
    shop.now = BEGIN
    assert await names(ctx, "ANN") == ["All"]
