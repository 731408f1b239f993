"""A browser at the portal: Chromium of this machine, an administrator in it, and what looks at each page."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyotp
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PASSWORD = "a long enough password"
WIDTHS = {"wide": 1280, "phone": 390}
THEMES = ("light", "dark")
_STEP_S = 30


@dataclass
class Person:
    """An administrator with a browser and a code generator."""

    context: BrowserContext
    page: Page
    origin: str
    email: str
    secret: str = ""
    problems: list[str] = field(default_factory=list)
    _used: int = 0

    def code(self) -> str:
        """A code that was not shown before: each is taken once, so a person waits for the next."""
        while int(time.time()) // _STEP_S <= self._used:
            time.sleep(0.5)
        self._used = int(time.time()) // _STEP_S
        return pyotp.TOTP(self.secret).at(self._used * _STEP_S)

    def join(self, link: str, name: str) -> None:
        """Become an administrator by a link."""
        page = self.page
        page.goto(link)
        if page.locator("#email").count():
            page.fill("#email", self.email)
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        page.fill("#again", PASSWORD)
        page.get_by_role("button", name="Continue").click()
        self.secret = (page.locator("code.key").text_content() or "").replace(" ", "")
        page.fill("#code", self.code())
        page.get_by_role("button", name="Finish").click()
        page.get_by_role("link", name="I have saved them").click()

    def press(self, name: str) -> None:
        """Press a button, with a code where the form wants one."""
        proof = self.page.locator("form", has=self.page.get_by_role("button", name=name, exact=True)).locator(
            "[name=proof]"
        )
        if proof.count():
            proof.first.fill(self.code())
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def says(self) -> str:
        """What the page says."""
        return " ".join(self.page.inner_text("body").split())


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """Chromium. Fails loudly where it is missing: `make e2e` skips nothing."""
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not on this machine, and `make e2e` needs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def new_person(browser: Browser, origin: str, email: str) -> Person:
    """Somebody who sits down at a browser. What its console complains of is noted."""
    context = browser.new_context(viewport={"width": WIDTHS["wide"], "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin)
    page = context.new_page()
    person = Person(context, page, origin, email)
    page.on("console", lambda message: person.problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: person.problems.append(str(error)))
    page.on("request", lambda request: _note_foreign(person, request.url))
    page.on("dialog", lambda dialog: dialog.accept())
    return person


def _note_foreign(person: Person, url: str) -> None:
    if not url.startswith((person.origin, "data:", "blob:")):
        person.problems.append(f"asks another host: {url}")


def violations(page: Page, axe: Path) -> list[str]:
    """What axe finds wrong with a page."""
    # Not as an element of the page, which its policy would refuse, and rightly.
    page.evaluate(axe.read_text())
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def cut_off(page: Page) -> list[str]:
    """Tables of which a part is beside what can be seen, by their headings."""
    script = """[...document.querySelectorAll('.table-wrap')].filter(one => one.scrollWidth > one.clientWidth + 1)
        .map(one => one.getAttribute('aria-label') || one.getAttribute('aria-labelledby'))"""
    return [str(one) for one in page.evaluate(script)]
