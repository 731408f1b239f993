"""Reading the catalogue: what a member is offered, and what administrators see."""

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.access import Permission
from resolvers.catalog import Offer, find_catalog_item, list_catalog
from resolvers.configuration_item import (
    RemoveConfigurationItem,
    SaveConfigurationItem,
    remove_configuration_item,
    save_configuration_item,
)
from resolvers.context import Context
from resolvers.order import place_order
from resolvers.tier import SetTier, set_tier
from tests.resolvers.conftest import Shop
from tests.resolvers.desk import administrator, enroll, member_of, nothing_written, outcome, set_status
from tests.resolvers.wares import CARD, GIFT, fill

FOR_ANN = ["CARD", "BOWL", "GIFT", "ONCE"]


@pytest.fixture
async def counter(ann: Context) -> Context:
    """A caller of the program in which ANN has 100 points and may order; the books are checked afterwards."""
    await fill(ann, bowls=1)
    return ann


async def offers(ctx: Context, reference: str | None = "ANN") -> dict[str, Offer]:
    """The whole catalogue by code."""
    return {one.item.code: one for one in (await list_catalog(ctx, relation_reference=reference, first=100)).offers}


def refusals(found: dict[str, Offer]) -> dict[str, str | None]:
    return {code: one.member.refusal if one.member else "?" for code, one in found.items()}


async def test_a_member_is_offered_what_is_open_and_for_it(counter: Context) -> None:
    for ctx in (counter, member_of(counter, "ANN")):
        assert list(await offers(ctx)) == FOR_ANN
    await set_tier(counter, SetTier(relation_reference="ANN", tier="Gold", reason="Friend"))
    assert list(await offers(counter)) == [*FOR_ANN, "GOLD"]
    assert await find_catalog_item(member_of(counter, "ANN"), "STAFF") is None
    assert await find_catalog_item(member_of(counter, "ANN"), "OFF") is None
    assert await find_catalog_item(counter, "NOTHING") is None


async def test_administrators_see_all_with_what_is_left(counter: Context) -> None:
    found = await offers(administrator(counter, "desk", "customer-executive"), None)
    assert list(found) == [*FOR_ANN, "GOLD", "STAFF", "LATER", "OFF"]
    assert [code for code, one in found.items() if not one.is_open] == ["LATER", "OFF"]
    limited = {code: (one.stock, one.is_low) for code, one in found.items() if one.stock is not None}
    assert limited == {"CARD": (3, False), "BOWL": (1, False)}
    assert all(one.member is None for one in found.values())


async def test_an_offer_says_what_it_costs_and_what_is_missing(counter: Context) -> None:
    await enroll(counter, "BOB", 12)
    found = await offers(counter, "BOB")
    assert {code: int(one.points) for code, one in found.items()} == {"CARD": 30, "BOWL": 20, "GIFT": 10, "ONCE": 5}
    assert refusals(found) == {"CARD": "INSUFFICIENT_POINTS", "BOWL": "INSUFFICIENT_POINTS", "GIFT": None, "ONCE": None}
    card = found["CARD"].member
    assert card is not None
    assert (card.affordable, card.missing, card.ordered) == (False, Decimal(18), 0)


async def test_an_offer_follows_what_was_ordered(counter: Context) -> None:
    for item in ("ONCE", "BOWL", "CARD", "CARD"):
        await place_order(counter, replace(GIFT, item=item))
    found = await offers(counter)
    assert refusals(found) == {
        "CARD": "INSUFFICIENT_POINTS",
        "BOWL": "OUT_OF_STOCK",
        "GIFT": None,
        "ONCE": "ORDER_LIMIT_REACHED",
    }
    assert (found["BOWL"].in_stock, found["CARD"].in_stock, found["CARD"].is_low) == (False, True, True)
    mine = await offers(member_of(counter, "ANN"))
    assert {one.stock for one in mine.values()} == {None}, "how much is left is the program's business"
    await set_status(counter, "ANN", 2)
    assert set(refusals(await offers(counter)).values()) == {"MEMBER_SUSPENDED"}


@pytest.mark.parametrize("code", FOR_ANN)
async def test_what_is_offered_is_what_can_be_ordered(counter: Context, code: str) -> None:
    await enroll(counter, "BOB", 12)
    refused = refusals(await offers(counter, "BOB"))[code]
    order = replace(CARD, relation_reference="BOB", item=code)
    assert await outcome(place_order(counter, order)) == ("000" if refused is None else "121")


async def test_pages_follow_each_other(counter: Context) -> None:
    seen, after = [], None
    for _ in range(4):
        page = await list_catalog(counter, relation_reference="ANN", first=1, after=after)
        [offer] = page.offers
        seen.append(offer.item.code)
        after = offer.position
        assert page.has_more == (len(seen) < 4)
    assert seen == FOR_ANN
    donations = await list_catalog(counter, relation_reference="ANN", kind="donation", first=10)
    assert [one.item.code for one in donations.offers] == ["GIFT"]


async def test_who_may_not_read_the_catalogue_is_told_so(shop: Shop, counter: Context) -> None:
    assert await outcome(list_catalog(member_of(counter, "ANN"), relation_reference="BOB", first=1)) == "403"
    assert await outcome(list_catalog(counter, relation_reference="NOBODY", first=1)) == "103"
    assert await outcome(list_catalog(counter, relation_reference="", first=1)) == "999"
    stranger = replace(counter, principal=replace(counter.principal, permissions=frozenset()))
    assert await outcome(list_catalog(stranger, first=1)) == "403"
    assert (await list_catalog(shop.contexts[1], first=10)).offers == []


async def test_the_catalogue_is_changed_by_who_may_change_it_and_no_rules(shop: Shop, counter: Context) -> None:
    keeper = replace(counter, principal=replace(counter.principal, permissions=frozenset({Permission.CATALOG_WRITE})))
    item = {"code": "MUG", "name": "Mug", "kind": "merchandise", "points": 7, "fulfilment": "manual"}
    await save_configuration_item(keeper, SaveConfigurationItem(section="catalog", item=item))
    assert (await offers(counter))["MUG"].points == 7
    await save_configuration_item(keeper, SaveConfigurationItem(section="catalog", item=item | {"points": 8}))
    assert (await offers(counter))["MUG"].points == 8
    await remove_configuration_item(keeper, RemoveConfigurationItem(section="catalog", name="MUG"))
    assert "MUG" not in await offers(counter)
    ruler = replace(
        counter, principal=replace(counter.principal, permissions=frozenset({Permission.CONFIGURATION_WRITE}))
    )
    async with nothing_written(shop):
        for ctx, section in ((keeper, "segments"), (ruler, "catalog")):
            saved = SaveConfigurationItem(section=section, item=item)  # type: ignore[arg-type]  # both are lists
            assert await outcome(save_configuration_item(ctx, saved)) == "403"
        for change in ({"points": "0.5"}, {"kind": "thing"}, {"tiers": ["Lead"]}):
            saved = SaveConfigurationItem(section="catalog", item=item | change)
            assert await outcome(save_configuration_item(keeper, saved)) == "1300"
