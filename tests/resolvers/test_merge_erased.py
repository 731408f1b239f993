"""Merges and erasures in any order: one person is erased whole, and nobody becomes one with who is erased."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from domain.errors import MemberNotFound, MergeRefused
from domain.models import member_erasure
from resolvers.context import Context
from resolvers.erasure import erase_member
from resolvers.member import get_member
from resolvers.merge import MergeMembers, merge_members, preview_merge, undo_merge
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import balance, enroll, give, nothing_written, verified

OLD_INTO_ANN = MergeMembers(victim="OLD", survivor="ANN")


@pytest.fixture
async def ctx(ann: Context) -> Context:
    """A caller of the program in which OLD has 40 points beside the 100 of ANN."""
    await enroll(ann, "OLD")
    await give(ann, "OLD", 40)
    return ann


@pytest.mark.parametrize("asked", ["OLD", "ANN"])
async def test_a_merged_person_is_erased_under_every_reference(shop: Shop, ctx: Context, asked: str) -> None:
    old, ann = await get_member(ctx, "OLD"), await get_member(ctx, "ANN")
    await merge_members(ctx, OLD_INTO_ANN)
    erased = await erase_member(ctx, asked)
    assert erased.member_id == ann.id
    shop.later(days=1)
    async with nothing_written(shop):
        for reference in ("OLD", "ANN", f"ERASED-{old.id}", f"ERASED-{ann.id}"):
            assert await erase_member(ctx, reference) == replace(erased, replayed=True)
    rows = await shop.services.db.read(lambda tx: tx.execute(select(member_erasure)).all())
    # After a restore each has to be erased again by its own reference.
    assert len({row.reference_hash for row in rows}) == len({row.member_id for row in rows}) == 2
    await verified(shop)


async def test_the_merge_of_an_erased_person_is_undone_like_any_other(shop: Shop, ctx: Context) -> None:
    old, ann = await get_member(ctx, "OLD"), await get_member(ctx, "ANN")
    merge = await merge_members(ctx, OLD_INTO_ANN)
    await erase_member(ctx, "ANN")
    await undo_merge(ctx, merge.id)
    figures = [int((await balance(ctx, f"ERASED-{one.id}")).available) for one in (old, ann)]
    assert figures == [40, 100]
    for reference in ("OLD", "ANN"):
        with pytest.raises(MemberNotFound):
            await get_member(ctx, reference)
    await verified(shop)


async def test_nobody_becomes_one_with_who_is_erased(shop: Shop, ctx: Context) -> None:
    old = await get_member(ctx, "OLD")
    await erase_member(ctx, "OLD")
    gone = f"ERASED-{old.id}"
    async with nothing_written(shop):
        for victim, survivor in ((gone, "ANN"), ("ANN", gone)):
            command = MergeMembers(victim=victim, survivor=survivor)
            assert (await preview_merge(ctx, command)).refused == "one of them is erased"
            with pytest.raises(MergeRefused):
                await merge_members(ctx, command)
