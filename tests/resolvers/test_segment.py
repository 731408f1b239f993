"""Segments: who is in which, snapshots that are taken whole, and what merges and erasures do to them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, select

import resolvers.segment
import resolvers.snapshot
from domain.errors import ConfigurationChanged, Forbidden, InvalidRequest, MemberNotFound, TesseraError
from domain.models import audit_entry, segment_member
from resolvers.configuration import apply_configuration
from resolvers.context import Context
from resolvers.erasure import erase_member
from resolvers.member import get_member
from resolvers.merge import MergeMembers, merge_members, undo_merge
from resolvers.segment import Membership, list_memberships, list_segment_members
from resolvers.snapshot import FreezeSegment, freeze_segment
from resolvers.transaction import submit_transaction
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import administrator, enroll, member_of, nothing_written, verified
from tests.resolvers.test_refund import bought

SEGMENTS = b"""
version: 1
aggregates: [{key: spent, of: amount, function: sum, period: lifetime}, {key: buys, function: count, period: ytd}]
segments:
  - {name: New, when: {attribute: member.days_since_enrolment, op: lte, value: 30}}
  - {name: Quiet, when: {attribute: member.purchases, op: eq, value: 0}}
  - {name: Big, when: {attribute: aggregate.spent, op: gte, value: 100}}
  - {name: Twice, when: {attribute: aggregate.buys, op: eq, value: 2}}
  - {name: Press, kind: frozen}
  - {name: Big then, kind: frozen, when: {attribute: segments, op: contains, value: Big}}
rule_groups:
  - name: Press
    rules: [{name: Ten, when: {attribute: segments, op: contains, value: Press}, award: {type: flat, points: 10}}]
"""
BIG = FreezeSegment(segment="Big then", replaces=True)
PRESS = FreezeSegment(segment="Press", replaces=True, members=["ANN"])


@pytest.fixture
async def ctx(shop: Shop) -> Context:
    """A caller of the program in which ANN, BOB and EVE were enrolled, and ANN bought for 100."""
    caller = shop.contexts[0]
    await apply_configuration(caller, SEGMENTS, prune=True)
    for reference in ("ANN", "BOB", "EVE"):
        await enroll(caller, reference)
    await buy(caller, "ANN", 100)
    return caller


async def buy(ctx: Context, reference: str, amount: int) -> int:
    """The points of a purchase now."""
    now = ctx.services.clock()
    command = bought(f"{reference} {amount}", amount, transaction_date=now, member_relation_reference=reference)
    return int((await submit_transaction(ctx, command)).points)


async def of(ctx: Context, reference: str) -> list[str]:
    """The segments of a member."""
    member = await get_member(ctx, reference)
    return list((await list_memberships(ctx, [member.id]))[member.id].segments or ())


async def within(ctx: Context, segment: str) -> list[str]:
    """The members of a segment."""
    return [one.relation_reference for one in (await list_segment_members(ctx, segment, first=100)).members]


async def test_dynamic_segments_hold_as_of_now(shop: Shop, ctx: Context) -> None:
    assert await of(ctx, "ANN") == ["New", "Big"]
    assert await of(ctx, "BOB") == ["New", "Quiet"]
    shop.later(days=31)
    assert await of(ctx, "BOB") == ["Quiet"]
    await buy(ctx, "ANN", 5)
    # A look at a member is no purchase: the count stands at two.
    assert await of(ctx, "ANN") == ["Big", "Twice"]
    assert await within(ctx, "Quiet") == ["BOB", "EVE"]


async def test_a_snapshot_stays_what_it_was_until_it_is_taken_anew(shop: Shop, ctx: Context) -> None:
    frozen = await freeze_segment(ctx, BIG)
    assert (frozen.size, frozen.added, frozen.removed) == (1, 1, 0)
    await buy(ctx, "BOB", 100)
    assert "Big then" not in await of(ctx, "BOB")
    assert await within(ctx, "Big then") == ["ANN"]
    frozen = await freeze_segment(ctx, replace(BIG, replaces=False, members=["EVE", "EVE"]))
    assert (frozen.size, frozen.added, frozen.removed) == (2, 1, 0)
    frozen = await freeze_segment(ctx, BIG)
    assert (frozen.size, frozen.added, frozen.removed) == (2, 1, 1)
    assert await within(ctx, "Big then") == ["ANN", "BOB"]
    frozen = await freeze_segment(ctx, replace(BIG, members=[]))
    assert (frozen.size, frozen.removed) == (0, 2)


async def test_a_purchase_is_awarded_for_the_snapshot_that_stands(shop: Shop, ctx: Context) -> None:
    assert await buy(ctx, "ANN", 1) == 0
    await freeze_segment(ctx, PRESS)
    assert await buy(ctx, "ANN", 2) == 10
    await verified(shop)


async def test_a_snapshot_is_taken_over_many_reads(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolvers.snapshot, "MEMBERS_PER_READ", 2)
    for number in range(4):
        await enroll(ctx, f"N{number}")
        await buy(ctx, f"N{number}", 100)
    assert (await freeze_segment(ctx, BIG)).size == 5
    assert await within(ctx, "Big then") == ["ANN", "N0", "N1", "N2", "N3"]


@pytest.mark.parametrize("reads", [1, 3])
async def test_a_configuration_that_changes_meanwhile_stops_a_snapshot(
    ctx: Context, monkeypatch: pytest.MonkeyPatch, reads: int
) -> None:
    # Three reads: two with members, one that finds no more; what comes then is the writing.
    monkeypatch.setattr(resolvers.snapshot, "MEMBERS_PER_READ", 2)
    original, done = Context.read, list[int]()

    async def read(self: Context, body: Any) -> Any:
        found = await original(self, body)
        done.append(1)
        if len(done) == reads:
            await apply_configuration(ctx, b"version: 1\nproduct_codes: [{code: MORE}]")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Context, "read", read)
        with pytest.raises(ConfigurationChanged):
            await freeze_segment(ctx, BIG)
    assert await within(ctx, "Big then") == []
    assert (await freeze_segment(ctx, BIG)).size == 1


async def test_snapshots_that_are_taken_at_once_never_mix(ctx: Context) -> None:
    lists: list[Sequence[str]] = [["ANN"], ["BOB"], ["ANN", "EVE"]] * 3
    await asyncio.gather(*(freeze_segment(ctx, replace(PRESS, members=one)) for one in lists))
    assert await within(ctx, "Press") in lists


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"segment": "Nobody"}, InvalidRequest),
        ({"segment": "Nobody", "members": None}, InvalidRequest),
        ({"segment": "Big"}, InvalidRequest),
        ({"members": None}, InvalidRequest),
        ({"members": ["ANN", "NOBODY"]}, MemberNotFound),
        ({"members": ["ANN"] * 5001}, InvalidRequest),
    ],
)
async def test_a_snapshot_that_makes_no_sense_is_refused(
    shop: Shop, ctx: Context, change: dict[str, Any], refusal: type[TesseraError]
) -> None:
    async with nothing_written(shop):
        with pytest.raises(refusal):
            await freeze_segment(ctx, replace(PRESS, **change))


async def test_who_configures_a_program_takes_its_snapshots(shop: Shop, ctx: Context) -> None:
    async with nothing_written(shop):
        for caller in (member_of(ctx, "ANN"), administrator(ctx, "eve", "customer-executive")):
            with pytest.raises(Forbidden):
                await freeze_segment(caller, PRESS)
        with pytest.raises(Forbidden):
            await list_segment_members(member_of(ctx, "ANN"), "Press", first=10)
        with pytest.raises(InvalidRequest):
            await freeze_segment(shop.contexts[1], PRESS)
    await freeze_segment(administrator(ctx, "max", "program-manager"), PRESS)
    trail = await ctx.read(
        lambda tx: tx.execute(select(audit_entry).where(audit_entry.c.action == "segment.freeze")).one()
    )
    assert (trail.actor, trail.subject) == ("admin:max", "segment:Press")
    assert (trail.after["mode"], trail.after["listed"], trail.after["added"]) == ("REPLACE", True, 1)


async def test_a_member_is_not_told_its_segments_but_as_rest_v1_published_it(ctx: Context) -> None:
    ann, own = await get_member(ctx, "ANN"), member_of(ctx, "ANN")
    signed_in = replace(own, principal=replace(own.principal, session_id=1))
    told, untold = (Membership(segments=one, campaigns=[]) for one in (["New", "Big"], None))
    for caller, as_published, expected in (
        (ctx, False, told),
        (own, False, untold),
        (own, True, told),
        (signed_in, True, untold),
    ):
        assert await list_memberships(caller, [ann.id], as_published=as_published) == {ann.id: expected}
    assert await list_memberships(member_of(ctx, "BOB"), [ann.id], as_published=True) == {}


async def test_a_dynamic_segment_is_paged_in_bounded_steps(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolvers.segment, "MEMBERS_PER_PAGE", 2)
    for number in range(4):
        await enroll(ctx, f"N{number}")
    await buy(ctx, "N3", 100)
    pages, after = [], None
    while True:
        page = await list_segment_members(ctx, "Big", first=1, after_id=after)
        pages.append([one.relation_reference for one in page.members])
        after = page.position
        if not page.has_more:
            break
    # One that is full, two that looked in vain, and the last one.
    assert pages == [["ANN"], [], [], ["N3"]]
    assert (await list_segment_members(ctx, "Big", first=1, after_id=after)).position is None


async def test_a_frozen_segment_is_paged_by_its_members(ctx: Context) -> None:
    await freeze_segment(ctx, replace(PRESS, members=["EVE", "ANN", "BOB"]))
    page = await list_segment_members(ctx, "Press", first=2)
    assert ([one.relation_reference for one in page.members], page.has_more) == (["ANN", "BOB"], True)
    page = await list_segment_members(ctx, "Press", first=2, after_id=page.position)
    assert ([one.relation_reference for one in page.members], page.has_more) == (["EVE"], False)


async def test_a_segment_that_is_frozen_no_longer_forgets_its_snapshot(ctx: Context) -> None:
    await freeze_segment(ctx, PRESS)
    await freeze_segment(ctx, BIG)
    dynamic = SEGMENTS.replace(b"{name: Big then, kind: frozen,", b"{name: Big then,")
    await apply_configuration(ctx, dynamic, prune=True)
    await apply_configuration(ctx, SEGMENTS, prune=True)
    assert (await within(ctx, "Press"), await within(ctx, "Big then")) == (["ANN"], [])


async def test_a_merge_takes_the_survivor_where_the_victim_was_and_back(ctx: Context) -> None:
    await freeze_segment(ctx, PRESS)
    await freeze_segment(ctx, replace(BIG, members=["ANN", "BOB"]))
    merge = await merge_members(ctx, MergeMembers(victim="ANN", survivor="BOB"))
    assert (await within(ctx, "Press"), await within(ctx, "Big then")) == (["BOB"], ["BOB"])
    assert await within(ctx, "New") == ["BOB", "EVE"]
    # A reference leads to the survivor, who is in it already.
    assert (await freeze_segment(ctx, replace(PRESS, replaces=False))).added == 0
    await undo_merge(ctx, merge.id)
    assert (await within(ctx, "Press"), await within(ctx, "Big then")) == (["ANN"], ["ANN", "BOB"])


async def test_a_snapshot_that_was_taken_anew_outlives_the_end_of_a_merge(ctx: Context) -> None:
    await freeze_segment(ctx, PRESS)
    merge = await merge_members(ctx, MergeMembers(victim="ANN", survivor="BOB"))
    await freeze_segment(ctx, replace(PRESS, members=["BOB"]))
    await undo_merge(ctx, merge.id)
    assert await within(ctx, "Press") == ["BOB"]


async def test_an_erased_member_is_in_no_segment(ctx: Context) -> None:
    await freeze_segment(ctx, PRESS)
    member = await get_member(ctx, "ANN")
    await erase_member(ctx, "ANN")
    assert await of(ctx, f"ERASED-{member.id}") == []
    assert "ANN" not in await within(ctx, "Big")
    assert (await freeze_segment(ctx, BIG)).size == 0

    def left(tx: Connection) -> list[Any]:
        return list(tx.execute(select(segment_member).where(segment_member.c.member_id == member.id)))

    assert await ctx.read(left) == []
