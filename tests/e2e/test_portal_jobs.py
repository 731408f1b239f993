"""The portal in Chromium: a member explained and merged, an order that fails, a change that another approves."""

from playwright.sync_api import Browser, expect

from tests.e2e import test_portal
from tests.e2e.browser import new_person
from tests.e2e.test_portal import Shop, link_of

browser, axe, shop = test_portal.browser, test_portal.axe, test_portal.shop

CATALOG = """catalog:
  - {code: MUG, name: A mug, kind: merchandise, points: 5, fulfilment: manual}
"""
APPROVED = "program: {approvals: [configuration]}\n"


def test_a_member_is_found_an_entry_explained_and_duplicates_merged(shop: Shop) -> None:
    page = shop.ada.page
    shop.ada.problems.clear()
    page.goto(f"{shop.program}/members")
    page.get_by_label("Find a member").fill("m7@example.org")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="M-7", exact=True).click()
    page.get_by_role("link", name="Statement", exact=True).click()
    page.get_by_role("link", name="Why these points").first.click()
    expect(page.get_by_text("A point for a euro").first).to_be_visible()
    expect(page.get_by_role("heading", name="Why these points")).to_be_visible()
    page.get_by_role("link", name="Merges").click()
    page.get_by_label("Reference of the other member").fill("M-8")
    page.get_by_role("button", name="Show what would move").click()
    shop.ada.press("Merge them")
    expect(page.get_by_text("M-8 is part of M-7 now.")).to_be_visible()
    page.goto(f"{shop.program}/members?q=M-8")
    assert "M-7" in shop.ada.says()
    assert shop.ada.problems == []


def test_an_order_is_placed_fails_and_the_points_are_back(shop: Shop) -> None:
    page = shop.ada.page
    (shop.deployment.data_dir / "catalog.yaml").write_text(CATALOG)
    shop.deployment.command("rules", "apply", "catalog.yaml", "--program", "1")
    page.goto(f"{shop.program}/members?q=M-10")
    page.get_by_role("link", name="M-10", exact=True).click()
    before = page.locator(".figure dd").first.inner_text()
    member = page.url
    page.goto(f"{shop.program}/orders")
    page.locator("#relation_reference").fill("M-10")
    shop.ada.press("Place the order")
    expect(page.get_by_text("A mug is ordered.")).to_be_visible()
    order = page.url
    page.goto(member)
    assert page.locator(".figure dd").first.inner_text() != before
    page.goto(order)
    page.get_by_label("Why").fill("None left")
    shop.ada.press("Mark as failed")
    expect(page.get_by_text("The order failed, and the points are back.")).to_be_visible()
    page.goto(member)
    assert page.locator(".figure dd").first.inner_text() == before


def test_a_rule_is_paused_through_the_approval_of_another(shop: Shop, browser: Browser) -> None:
    page = shop.ada.page
    # Whom Ada invited could be Ada: Carl comes by the command line.
    told = shop.deployment.command(
        "administrator", "invite", "carl@shop.example", "--role", "program-manager", "--program", "1"
    )
    carl = new_person(browser, shop.server.url, "carl@shop.example")
    carl.join(link_of(shop.server, told), "Carl")
    (shop.deployment.data_dir / "approved.yaml").write_text(APPROVED)
    shop.deployment.command("rules", "apply", "approved.yaml", "--program", "1")
    page.goto(f"{shop.program}/rules")
    page.locator(".rule", has_text="A point for a euro").get_by_role("button", name="Pause").click()
    page.get_by_label("Reason").fill("Summer break")
    page.get_by_role("button", name="Ask for approval").click()
    page.goto(f"{shop.program}/approvals")
    expect(page.get_by_role("button", name="Take it back")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    carl.page.goto(f"{shop.program}/approvals")
    assert "Summer break" in carl.says()
    carl.press("Approve")
    expect(carl.page.get_by_text("The change is approved.")).to_be_visible()
    page.goto(f"{shop.program}/rules")
    expect(page.locator(".rule", has_text="A point for a euro").get_by_text("Paused")).to_be_visible()
