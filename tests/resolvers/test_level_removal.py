"""Levels of tiers that members have are not taken from them by a change of the configuration."""

import asyncio
from dataclasses import replace

import pytest

from domain.errors import ConfigurationRefused
from domain.member import CANCELLED
from resolvers.configuration import apply_configuration, preview_configuration
from resolvers.configuration_item import (
    RemoveConfigurationItem,
    SaveConfigurationItem,
    remove_configuration_item,
    save_configuration_item,
)
from resolvers.context import Context
from resolvers.member import get_member
from resolvers.merge import MergeMembers, merge_members
from resolvers.tier import set_tier
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import enroll, nothing_written, set_status
from tests.resolvers.test_tier import GOLD, MANUAL


@pytest.fixture
async def ctx(ann: Context) -> Context:
    """A caller of the program in which tiers are given by hand."""
    await apply_configuration(ann, MANUAL)
    return ann


async def test_a_level_that_members_have_stays_until_they_have_it_no_more(shop: Shop, ctx: Context) -> None:
    await set_tier(ctx, GOLD)
    gone = MANUAL.replace(b"{name: Gold,", b"{name: Golden,")
    remove = RemoveConfigurationItem(section="levels", name="Gold")
    off = {"assessment": "off"}
    for change in (
        apply_configuration(ctx, gone, prune=True),
        preview_configuration(ctx, gone, prune=True),
        apply_configuration(ctx, b"version: 1", prune=True),
        save_configuration_item(ctx, SaveConfigurationItem(section="tiers", item=off | {"levels": []})),
        remove_configuration_item(ctx, remove),
    ):
        async with nothing_written(shop):
            with pytest.raises(ConfigurationRefused, match="tiers.levels: 'Gold' is what members have"):
                await change
    # The other program's members are nobody's business here, and so is what nobody has.
    assert (await apply_configuration(shop.contexts[1], MANUAL, prune=True)).changed
    assert (await apply_configuration(shop.contexts[1], gone, prune=True)).changed
    assert (await remove_configuration_item(ctx, replace(remove, name="Platinum"))).changed
    await set_tier(ctx, replace(GOLD, tier="Silver"))
    assert (await remove_configuration_item(ctx, remove)).changed


@pytest.mark.parametrize("how", ["cancelled", "merged", "off"])
async def test_who_is_gone_and_tiers_that_are_off_hold_no_level(ctx: Context, how: str) -> None:
    await enroll(ctx, "BEN")
    await set_tier(ctx, GOLD)
    if how == "cancelled":
        await set_status(ctx, "ANN", CANCELLED)
    elif how == "merged":
        await merge_members(ctx, MergeMembers(victim="ANN", survivor="BEN"))
        await set_tier(ctx, replace(GOLD, relation_reference="BEN", tier=None))
    else:
        await save_configuration_item(ctx, SaveConfigurationItem(section="tiers", item={"assessment": "off"}))
    assert (await remove_configuration_item(ctx, RemoveConfigurationItem(section="levels", name="Gold"))).changed


async def test_a_level_that_goes_while_it_is_given_is_given_or_gone(ctx: Context) -> None:
    names = [f"M{number}" for number in range(6)]
    for name in names:
        await enroll(ctx, name)
    for _ in range(8):
        await apply_configuration(ctx, MANUAL)
        gives = [set_tier(ctx, replace(GOLD, relation_reference=name)) for name in names]
        remove = remove_configuration_item(ctx, RemoveConfigurationItem(section="levels", name="Gold"))
        *_, removed = await asyncio.gather(*gives, remove, return_exceptions=True)
        having = [name for name in names if (await get_member(ctx, name)).tier == "Gold"]
        assert isinstance(removed, ConfigurationRefused) == bool(having)
        for name in having:
            await set_tier(ctx, replace(GOLD, relation_reference=name, tier=None))
