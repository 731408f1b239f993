"""Catalogue, orders and webhooks at the portal: codes are put in, orders placed, given, failed; endpoints kept."""

import re
from decimal import Decimal

import pytest

from resolvers.bonus import PostBonus, post_bonus
from resolvers.configuration import apply_configuration
from resolvers.ledger import list_balances
from resolvers.member import EnrollMember, enroll_member, get_member
from resolvers.merge import MergeMembers, merge_members
from tests.portal.world import Browser, World

CATALOG = b"""
catalog:
  - {code: MUG, name: A mug, kind: merchandise, points: 40, fulfilment: manual, stock: counted}
  - {code: CARD, name: Gift card, kind: code_pool, points: 60, fulfilment: pool}
"""


@pytest.fixture
async def shop(world: World) -> World:
    """A program with things to order, and a member with 100 points."""
    ctx = world.contexts[0]
    await apply_configuration(ctx, CATALOG)
    await enroll_member(ctx, EnrollMember(values={"relation_reference": "M-1", "status": 1}))
    await post_bonus(ctx, PostBonus(relation_reference="M-1", points=Decimal(100)))
    return world


async def _balance(world: World) -> Decimal:
    [balance] = (await list_balances(world.contexts[0], [await _member(world)])).values()
    return balance.available


async def _member(world: World) -> int:
    return (await get_member(world.contexts[0], "M-1")).id


async def test_an_order_is_placed_fails_and_its_points_come_back(shop: World, ada: Browser) -> None:
    assert (await ada.post("catalog/stock/MUG", {"quantity": "1"})).status == 303
    form = {"relation_reference": "M-1", "item": "MUG", "key": "k1", "delivery": "1 Main Street"}
    placed = await ada.post("orders", form)
    assert placed.status == 303
    assert (await ada.post("orders", form)).target == placed.target
    assert await _balance(shop) == 60
    page = await ada.get(placed.target)
    assert "1 Main Street" in page.text
    out = await ada.post("orders", form | {"key": "k2"})
    assert (out.status >= 400, "Out of stock" in (await ada.get("catalog")).text) == (True, True)
    missing = await ada.post(placed.target, {"what": "fail"})
    assert (missing.status, "999" in missing.text) == (400, True)
    assert (await ada.post(placed.target, {"what": "fail", "reason": "broken"})).status == 303
    assert await _balance(shop) == 100
    again = await ada.post(placed.target, {"what": "fulfil"})
    assert again.status == 409
    assert "broken" in (await ada.get(placed.target)).text
    trail = (await ada.get("audit.csv?action=order.failed")).source
    assert ("REVERSED" in trail, "127.0.0.1" in trail) == (True, True)
    assert "Reversed" in (await ada.get("orders?status=REVERSED&member=M-1")).text


async def test_a_members_page_has_its_orders_and_of_whom_it_answers_for(shop: World, ada: Browser) -> None:
    member = await _member(shop)
    page = f"members/{member}/orders"
    empty = await ada.get(page)
    assert "No orders yet" in empty.text
    assert "orders?member=M-1" in empty.source
    await ada.post("catalog/stock/MUG", {"quantity": "1"})
    placed = await ada.post("orders", {"relation_reference": "M-1", "item": "MUG", "key": "k1"})
    await enroll_member(shop.contexts[0], EnrollMember(values={"relation_reference": "M-2", "status": 1}))
    other = (await get_member(shop.contexts[0], "M-2")).id
    assert "No orders yet" in (await ada.get(f"members/{other}/orders")).text
    await merge_members(shop.contexts[0], MergeMembers(victim="M-1", survivor="M-2"))
    for path in (page, f"members/{other}/orders"):
        shown = await ada.get(path)
        assert "A mug Placed 40" in shown.text
        assert f'href="{placed.target}"' in shown.source
    assert "None in this state" in (await ada.get(f"{page}?status=REVERSED")).text
    assert [(await ada.get(f"{page}?{wrong}")).status for wrong in ("status=x", "before=x")] == [400, 400]


async def test_codes_are_put_in_given_and_shown_only_when_asked_for(shop: World, ada: Browser) -> None:
    twice = await ada.post("catalog/codes", {"pool": "CARD", "codes": "AAA-1\nAAA-1"})
    assert twice.status >= 400
    assert "AAA-1" not in twice.text
    assert (await ada.post("catalog/codes", {"pool": "CARD", "codes": "AAA-1\nAAA-2"})).status == 303
    placed = await ada.post("orders", {"relation_reference": "M-1", "item": "CARD", "key": "k1"})
    page = await ada.get(placed.target)
    assert "AAA-" not in page.source
    shown = await ada.post(f"{placed.target}/code")
    assert re.search(r"AAA-[12]", shown.text)
    assert "Free Given" in (await ada.get("catalog")).text
    assert (await ada.post("catalog/codes", {"pool": "CARD", "what": "withdraw"})).status == 303


async def test_what_runs_out_is_told(shop: World, ada: Browser) -> None:
    assert "Running out" in (await ada.get("catalog")).text
    assert "Catalogue items running out 2" in (await ada.get()).text
    assert "1 code added to CARD." in (await _after(ada, {"pool": "CARD", "codes": "AAA-1"}))
    await ada.post("catalog/stock/MUG", {"quantity": "3"})
    assert "Running out" not in (await ada.get("catalog")).text
    assert "Catalogue items running out" not in (await ada.get()).text
    await apply_configuration(shop.contexts[0], b"catalog: [{code: CARD, low_stock: 1}]")
    shown = await ada.get("catalog")
    assert "Gift card Few left CARD Pool CARD 1 1 or fewer" in shown.text
    assert '<option value="CARD">' in shown.source
    assert "1 code taken out of CARD for good." in (await _after(ada, {"pool": "CARD", "what": "withdraw"}))
    assert "CARD Empty 0 0 1" in (await ada.get("catalog")).text


async def _after(ada: Browser, form: dict[str, str]) -> str:
    done = await ada.post("catalog/codes", form)
    assert done.status == 303
    return (await ada.get("catalog")).text


async def test_placing_wants_a_fresh_code(shop: World, ada: Browser) -> None:
    shop.later(minutes=11)
    before = await shop.contents()
    shown = await ada.post("orders", {"relation_reference": "M-1", "item": "MUG", "key": "k1"})
    assert (shown.status, "1390" in shown.text) == (403, True)
    assert await shop.contents() == before


async def test_a_webhook_is_kept_with_a_secret_that_is_shown_once(world: World, ada: Browser) -> None:
    form = {"name": "crm", "url": "https://crm.example/hook", "enabled": "yes", "event_types": ["points.earned"]}
    issued = await ada.post("webhooks", form)
    assert "whsec_" in issued.text
    page = await ada.get("webhooks?change=crm")
    assert "whsec_" not in page.source
    assert "points.earned" in page.text
    assert (await ada.post("webhooks", form | {"url": "https://crm.example/other"})).status == 303
    assert "whsec_" in (await ada.post("webhooks/crm", {"what": "rotate"})).text
    assert "No dead letters" in (await ada.get("webhooks/crm")).text
    assert (await ada.post("webhooks/crm", {"what": "remove"})).status == 303
    assert "No endpoints yet" in (await ada.get("webhooks")).text


@pytest.mark.parametrize("url", ["", "ftp://crm.example", "http://127.0.0.1/", "not a url"])
async def test_what_is_no_address_is_refused(world: World, ada: Browser, url: str) -> None:
    before = await world.contents()
    shown = await ada.post("webhooks", {"name": "crm", "url": url, "enabled": "yes"})
    assert shown.status in {400, 422}
    assert await world.contents() == before
