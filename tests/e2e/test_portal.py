"""The portal in Chromium, by the jobs of those who use it, and each page as everybody can read it."""

import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import THEMES, WIDTHS, Person, cut_off, new_person, opened_browser, overflow, violations
from tests.e2e.programs import Packages
from tests.ports import free_port
from tests.servers import Deployment, Server

IMAGES = Path(__file__).parents[2] / "docs" / "images"
KEEPS_IMAGES = os.environ.get("TESSERA_TEST_IMAGES") == "1"

CONFIGURATION = b"""
version: 1
program: {time_zone: Europe/Berlin, currency: EUR, redemption_minimum: 1}
expiry: {policy: months, months: 24, period_end: month}
product_codes: [{code: BOOKS}]
transaction_attributes: [{key: quantity, name: Quantity, type: int}]
rule_groups:
  - name: Purchases
    rules:
      - {name: A point for a euro, award: {type: per_unit, of: transaction.amount, points: 1, per: 1}}
tiers:
  assessment: automatic
  levels: [{name: Silver, from: 0}, {name: Gold, from: 500, multiplier: 1.5}]
"""
MEMBERS = "relation_reference,full_name,email_id,status\n" + "".join(
    f"M-{number},Member {number},m{number}@example.org,1\n" for number in range(1, 40)
)
HEAD = "transaction_id,transaction_type,transaction_date,member_relation_reference,product_code,amount\n"
PURCHASES = HEAD + "".join(
    f"T-{number},DR,2026-{number % 9 + 1:02}-1{number % 9},M-{number % 39 + 1},BOOKS,{number % 50 + 1}.50\n"
    for number in range(1, 300)
)


@dataclass(frozen=True)
class Shop:
    """A server with a program that has members and points, and its first administrator."""

    server: Server
    deployment: Deployment
    ada: Person

    @property
    def program(self) -> str:
        """The address of the program at the portal."""
        return f"{self.server.url}/portal/p/1/sandbox"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for all of them."""
    with opened_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What finds what cannot be read by everybody."""
    return Packages("portal", tmp_path_factory.mktemp("node")).folder / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def shop(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop, with Ada signed in."""
    folder = tmp_path_factory.mktemp("portal")
    deployment = Deployment(f"sqlite+aiosqlite:///{folder / 'tessera.db'}", folder, sftp_port=str(free_port()))
    deployment.command("db", "upgrade")
    deployment.create_program("Corner Shop", CONFIGURATION)
    for name, text in (("first_CPD.csv", MEMBERS), ("first_TXN.csv", PURCHASES)):
        (folder / name).write_text(text)
        deployment.command("batch", "load", name, "--program", "1")
    server = Server(deployment, "server", "--all")
    server.start()
    try:
        ada = new_person(browser, server.url, "ada@shop.example")
        ada.join(_setup_link(server), "Ada Byron")
        yield Shop(server, deployment, ada)
    finally:
        server.stop()


def _setup_link(server: Server) -> str:
    return link_of(server, server.log_tail())


def link_of(server: Server, told: str) -> str:
    """The link of an administrator that was told."""
    found = re.search(r"/portal/link/tpl_[\w-]+", told)
    assert found, told
    return f"{server.url}{found[0]}"


def test_from_the_first_start_to_live_credentials(browser: Browser, tmp_path: Path) -> None:
    deployment = Deployment(f"sqlite+aiosqlite:///{tmp_path / 'tessera.db'}", tmp_path, env="production")
    deployment.command("db", "upgrade")
    deployment.create_program("Corner Shop", CONFIGURATION)
    server = Server(deployment)
    server.start()
    try:
        owner = new_person(browser, server.url, "owner@shop.example")
        owner.join(_setup_link(server), "Olga Owner")
        owner.page.get_by_role("link", name="API credentials").click()
        owner.press("Open the live environment")
        expect(owner.page.get_by_text("The secret is shown only once.")).to_be_visible()
        _, client_id, secret, _ = owner.page.locator(".secret code").all_inner_texts()
        assert _token(server, client_id, secret)
        owner.page.get_by_role("link", name="To the live environment").click()
        assert "/portal/p/1/live" in owner.page.url
        assert owner.problems == []
    finally:
        server.stop()


def test_rotated_credentials_end_the_old_token(shop: Shop) -> None:
    page = shop.ada.page
    page.goto(f"{shop.program}/credentials")
    shop.ada.press("Reset client and secret")
    first = page.locator(".secret code").all_inner_texts()
    token = _token(shop.server, first[1], first[2])
    assert _status(shop.server, token) == 200
    page.goto(f"{shop.program}/credentials")
    shop.ada.press("Reset client and secret")
    expect(page.get_by_text("The secret is shown only once.")).to_be_visible()
    assert _status(shop.server, token) == 401
    page.goto(f"{shop.program}/audit?action=credential.reset")
    assert shop.ada.says().count("admin:ada@shop.example credential.reset") >= 2


def test_a_file_is_uploaded_watched_and_its_rejects_are_mended(shop: Shop, tmp_path: Path) -> None:
    page = shop.ada.page
    good = "".join(f"U-{number},DR,2026-10-01,M-{number},BOOKS,10\n" for number in range(1, 30))
    file = tmp_path / "october_TXN.csv"
    file.write_text(f"{HEAD}{good}U-99,DR,2026-10-01,M-1,SHOES,10\n")
    page.goto(f"{shop.program}/files")
    page.select_option("#type", "TXN")
    page.set_input_files("#file", file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("october_TXN.csv has arrived")).to_be_visible()
    row = page.get_by_role("row", name="october_TXN.csv")
    for _ in range(60):
        page.goto(f"{shop.program}/files")
        if row.count() and "Finished" in row.inner_text():
            break
        page.wait_for_timeout(500)
    page.get_by_role("link", name="october_TXN.csv").click()
    assert "Rejected 1" in shop.ada.says()
    with page.expect_download() as download:
        page.get_by_role("link", name="Rejected lines, to correct and send again").click()
    rejects = Path(download.value.path()).read_text()
    assert "SHOES" in rejects
    mended = tmp_path / "mended_TXN.csv"
    mended.write_text(rejects.replace("SHOES", "BOOKS"))
    page.goto(f"{shop.program}/files")
    page.set_input_files("#file", mended)
    page.get_by_role("button", name="Upload").click()
    for _ in range(60):
        page.goto(f"{shop.program}/files?status=FINISHED")
        if page.get_by_role("link", name="mended_TXN.csv").count():
            break
        page.wait_for_timeout(500)
    page.get_by_role("link", name="mended_TXN.csv").click()
    assert "Rejected 0" in shop.ada.says()


def test_somebody_is_invited_and_sees_what_the_role_allows(shop: Shop, browser: Browser) -> None:
    page = shop.ada.page
    page.goto(f"{shop.program}/administrators")
    page.fill("#email", "bob@shop.example")
    page.select_option("#role", "customer-executive")
    shop.ada.press("Make the invitation")
    bob = new_person(browser, shop.server.url, "bob@shop.example")
    bob.join(page.locator(".secret code").inner_text(), "Bob")
    menu = bob.page.get_by_role("navigation", name="Parts of the portal").inner_text()
    assert "Members" in menu
    assert "API credentials" not in menu
    bob.page.goto(f"{shop.program}/credentials")
    assert "Your role does not allow this" in bob.says()


def _pages(shop: Shop) -> list[str]:
    """Every page that the menu leads to, and some behind them."""
    page = shop.ada.page
    page.goto(shop.program)
    links = page.get_by_role("navigation", name="Parts of the portal").get_by_role("link").all()
    found = [str(one.get_attribute("href")) for one in links]
    page.goto(f"{shop.program}/files")
    found += [str(page.locator("table a").first.get_attribute("href")), "/portal/audit", "/portal"]
    found += [
        f"/portal/p/1/sandbox/members/1{path}" for path in ("", "/statement", "/orders", "/tier", "/audit", "/adjust")
    ]
    return [*found, "/portal/account", "/portal/account/password", "/portal/account/second-factor"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_each_page_can_be_read_by_everybody(shop: Shop, axe: Path, theme: str, width: str) -> None:
    page = shop.ada.page
    shop.ada.problems.clear()
    page.set_viewport_size({"width": WIDTHS[width], "height": 900})
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    wrong = {}
    for path in _pages(shop):
        page.goto(f"{shop.server.url}{path}")
        page.wait_for_load_state("networkidle")
        name = re.sub(r"\W+", "-", path.partition("sandbox")[2].strip("/")) or "dashboard"
        if KEEPS_IMAGES:
            IMAGES.mkdir(exist_ok=True)
            page.screenshot(path=IMAGES / f"{name}-{width}-{theme}.png", full_page=True)
        if found := violations(page, axe):
            wrong[name] = found
        if overflow(page) > 0:
            wrong[f"{name}: wider than its window"] = [str(overflow(page))]
        if width == "phone" and (hidden := cut_off(page)):
            wrong[f"{name}: hides the right of a table"] = hidden
    page.set_viewport_size({"width": WIDTHS["wide"], "height": 900})
    assert wrong == {}
    assert shop.ada.problems == []


def test_the_entrance_can_be_read_by_everybody(shop: Shop, browser: Browser, axe: Path) -> None:
    stranger = new_person(browser, shop.server.url, "nobody@shop.example")
    for width in WIDTHS.values():
        stranger.page.set_viewport_size({"width": width, "height": 900})
        stranger.page.goto(f"{shop.server.url}/portal")
        assert violations(stranger.page, axe) == []
        stranger.page.fill("#email", "nobody@shop.example")
        stranger.page.fill("#password", "wrong wrong wrong")
        stranger.page.get_by_role("button", name="Continue").click()
        assert "117" in stranger.says()
        assert violations(stranger.page, axe) == []
        assert overflow(stranger.page) <= 0


def test_the_keyboard_alone_goes_round(shop: Shop) -> None:
    page = shop.ada.page
    page.goto(shop.program)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def _token(server: Server, client_id: str, client_secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(f"{server.url}/oauth/Auth/Token", body, timeout=10) as answer:  # noqa: S310 - our own
        return str(json.load(answer)["access_token"])


def _status(server: Server, token: str) -> int:
    request = urllib.request.Request(  # noqa: S310 - our own
        f"{server.url}/v1/CheckAvailability",
        json.dumps({"RelationReference": "M-1"}).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
