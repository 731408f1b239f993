"""The portal in Chromium: a rule is built, tried out, replayed and activated; the forms are for everybody."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e import test_portal
from tests.e2e.browser import THEMES, WIDTHS, overflow, violations
from tests.e2e.test_portal import Shop

browser, axe, shop = test_portal.browser, test_portal.axe, test_portal.shop

FORMS = (
    "rules/group", "rules/edit?group=Purchases", "rules/simulate", "settings/examples", "settings/message",
    *(f"settings/part/{part}" for part in ("points", "expiry", "access", "thresholds", "files", "approvals")),
    "settings/example", "attributes/member?name=full_name", "attributes/figure", "attributes/product", "tiers/level",
    "campaigns/edit", "segments/edit?name=At%20risk", "segments/members?name=At%20risk", "versions/1",
    "versions/compare?before=1&after=2", "audit/2", "audit/3",
)  # fmt: skip


def test_a_rule_is_built_without_code_tried_out_and_activated(shop: Shop) -> None:
    page = shop.ada.page
    shop.ada.problems.clear()
    page.goto(f"{shop.program}/rules")
    page.get_by_role("link", name="New rule in Purchases").click()
    page.get_by_label("Name").fill("Big ones")
    page.get_by_role("button", name="Add a condition").click()
    page.get_by_label("Attribute", exact=True).select_option("transaction.amount")
    expect(page.get_by_label("Operator").locator("option[value=gte]")).to_have_count(1)
    page.get_by_label("Operator").select_option("gte")
    page.get_by_label("Value").fill("40")
    _wait_for_swaps(page)
    expect(page.get_by_label("Value")).to_have_value("40")
    page.get_by_text("A fixed number of points").click()
    page.get_by_label("Points", exact=True).fill("7")
    page.get_by_role("button", name="Review and try out").click()
    expect(page.get_by_text("amount is at least 40")).to_be_visible()
    page.get_by_label("Amount").fill("50")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("Big ones gave 7")).to_be_visible()
    page.get_by_label("From").fill("2026-01-01")
    page.get_by_label("To", exact=True).fill("2026-12-31")
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_text("Largest differences")).to_be_visible()
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_role("status")).to_contain_text("is in force")
    expect(page.get_by_role("link", name="Big ones")).to_be_visible()
    assert shop.ada.problems == []


def _wait_for_swaps(page: Page) -> None:
    # As a function: an expression would be evaluated, which the page's policy refuses.
    page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')")


def _let_go(page: Page, waiting: list[Route]) -> None:
    while not waiting:
        page.wait_for_timeout(10)
    waiting.pop().continue_()


def test_what_is_typed_while_a_condition_is_drawn_again_stays_and_so_does_the_focus(shop: Shop) -> None:
    page = shop.ada.page
    shop.ada.problems.clear()
    page.goto(f"{shop.program}/rules/edit?group=Purchases")
    page.get_by_role("button", name="Add a condition").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Attribute", exact=True)).to_be_focused()
    waiting: list[Route] = []

    def keep(route: Route) -> None:
        waiting.append(route)

    page.route("**/rules/edit", keep)
    page.get_by_label("Attribute", exact=True).select_option("transaction.quantity")
    page.wait_for_function("() => document.querySelector('.htmx-request')")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Operator")).to_be_focused()
    _let_go(page, waiting)
    expect(page.get_by_label("Operator").locator("option[value=gte]")).to_have_count(1)
    _wait_for_swaps(page)
    expect(page.get_by_label("Operator")).to_be_focused()
    page.get_by_label("Operator").select_option("gte")
    page.wait_for_function("() => document.querySelector('.htmx-request')")
    page.keyboard.press("Tab")
    page.keyboard.type("1")
    before = page.get_by_label("Value").element_handle()
    _let_go(page, waiting)
    page.wait_for_function("field => !field.isConnected", arg=before)
    _wait_for_swaps(page)
    page.keyboard.type("2")
    expect(page.get_by_label("Value")).to_have_value("12")
    expect(page.get_by_label("Operator")).to_have_value("gte")
    page.unroute("**/rules/edit")
    page.get_by_role("button", name="Remove this condition").click()
    expect(page.get_by_role("button", name="Add a condition")).to_be_focused()
    assert shop.ada.problems == []


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_each_form_can_be_read_by_everybody(shop: Shop, axe: Path, theme: str, width: str) -> None:
    page = shop.ada.page
    shop.ada.problems.clear()
    page.set_viewport_size({"width": WIDTHS[width], "height": 900})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    wrong = {}
    for path in FORMS:
        page.goto(f"{shop.program}/{path}")
        page.wait_for_load_state("networkidle")
        if found := violations(page, axe):
            wrong[path] = found
        if overflow(page) > 0:
            wrong[f"{path}: wider than its window"] = [str(overflow(page))]
    page.set_viewport_size({"width": WIDTHS["wide"], "height": 900})
    assert wrong == {}
    assert shop.ada.problems == []
