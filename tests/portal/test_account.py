"""Your account: another password, another code generator, sessions; each way round its locks is tried."""

from typing import Any

import pyotp
import pytest
from sqlalchemy import Connection, select

from domain.models import audit_entry
from domain.store.administrator import find_by_email
from tests.portal.world import PASSWORD, Browser, Shown, World

NEW = "quite another password"
CHANGE = {"present": PASSWORD, "password": NEW, "again": NEW}
PAGE, FACTOR = "/portal/account/password", "/portal/account/second-factor"
EMAIL = "ada@shop.example"
COUNTED = ("administrator", "rate_lease", "audit_entry")


async def signed_in(world: World, ada: Browser, password: str = PASSWORD) -> Browser:
    """Another browser in which the same administrator signs in; the clock goes on to the next code."""
    world.later(minutes=1)
    browser = world.stranger()
    browser.secret = ada.secret
    shown = await browser.post("/portal/sign-in", {"email": EMAIL, "password": password})
    assert shown.status == 303, shown.text
    assert (await browser.post("/portal/code", {"code": world.code(browser)})).target == "/portal"
    return browser


async def kept(world: World) -> Any:
    """How the administrator gets in, as it is stored."""
    return await world.services.db.read(lambda tx: find_by_email(tx, EMAIL))


async def told(world: World, action: str) -> list[tuple[Any, Any, str]]:
    """What the trail of the deployment has of an action: before, after, from where."""

    def body(tx: Connection) -> list[tuple[Any, Any, str]]:
        query = select(audit_entry).where(audit_entry.c.program_id == 0, audit_entry.c.action == action)
        return [(one.before, one.after, one.address) for one in tx.execute(query.order_by(audit_entry.c.seq))]

    return await world.services.db.read(body)


def planted(world: World, cookies: dict[str, str]) -> Browser:
    """A browser that has the cookies of another."""
    browser = world.stranger()
    browser.client.cookies.update(cookies)
    return browser


def key_of(shown: Shown) -> str:
    """The secret that a page shows for who cannot scan it."""
    return shown.source.partition('class="key">')[2].partition("<")[0].replace(" ", "")


async def test_the_page_tells_who_one_is_and_ends_the_other_sessions(world: World, ada: Browser) -> None:
    other = await signed_in(world, ada)
    shown = await ada.get("/portal/account")
    for text in (EMAIL, "One sandbox Program admin", "10 of 10 left", "Test/1.0", "This session"):
        assert text in shown.text
    assert "/portal/account" in (await ada.get()).source
    assert (await ada.post("/portal/account/sessions")).target == "/portal/account"
    assert (await ada.get("/portal/account")).status == 200
    assert (await other.get("/portal/account")).target.startswith("/portal/sign-in")
    assert "End the others" not in (await ada.get("/portal/account")).text
    assert await told(world, "administrator.sessions-end") == [({"sessions": 2}, {"sessions": 1}, "127.0.0.1")]


async def test_a_new_password_ends_other_sessions_and_gives_this_one_another_token(world: World, ada: Browser) -> None:
    other = await signed_in(world, ada)
    before = dict(ada.client.cookies)
    world.later(minutes=1)
    changed = await ada.post(PAGE, CHANGE | {"proof": world.code(ada)})
    assert changed.target == "/portal/account", changed.text
    assert dict(ada.client.cookies) != before
    assert (await ada.get("/portal/account")).status == 200
    for out in (other, planted(world, before)):
        assert (await out.get("/portal/account")).target.startswith("/portal/sign-in")
    refused = await world.stranger().post("/portal/sign-in", {"email": EMAIL, "password": PASSWORD})
    assert (refused.status, "117" in refused.text) == (401, True)
    assert (await (await signed_in(world, ada, NEW)).get()).status == 200
    assert await told(world, "administrator.password-change") == [({"sessions": 2}, {"sessions": 1}, "127.0.0.1")]
    trail = str(await world.contents())
    assert (PASSWORD in trail, NEW in trail) == (False, False)


async def test_a_refused_password_writes_nothing(world: World, ada: Browser) -> None:
    before = await world.contents()
    for wrong, field, code in (
        ({"password": "short", "again": "short"}, "password", "998"),
        ({"password": PASSWORD, "again": PASSWORD}, "password", "998"),
        ({"again": "something else"}, "again", "998"),
    ):
        shown = await ada.post(PAGE, CHANGE | wrong)
        assert (shown.status, f"{field}-error" in shown.source, code in shown.text) == (400, True, True), wrong
    world.later(minutes=11)
    for path in (PAGE, FACTOR):
        shown = await ada.post(path, CHANGE)
        assert (shown.status, "1390" in shown.text) == (403, True)
    assert await world.contents() == before


@pytest.mark.parametrize("path", [PAGE, FACTOR])
async def test_without_the_present_password_nothing_changes_and_guessing_locks(
    world: World, ada: Browser, path: str
) -> None:
    before, mine = await world.contents(*COUNTED), await kept(world)
    for _ in range(5):
        shown = await ada.post(path, CHANGE | {"present": "a guess of some length"})
        assert (shown.status, "present-error" in shown.source, "117" in shown.text) == (401, True, True)
    locked = await ada.post(path, CHANGE)
    assert (locked.status, "131" in locked.text) == (400, True)
    assert "117" in (await world.stranger().post("/portal/sign-in", {"email": EMAIL, "password": PASSWORD})).text
    assert await world.contents(*COUNTED) == before
    assert (await kept(world))[:6] == mine[:6]
    assert len(await told(world, "administrator.lockout")) == 1
    world.later(minutes=16)
    assert (await ada.post(path, CHANGE | {"proof": world.code(ada)})).status == 303


@pytest.mark.parametrize("path", [PAGE, FACTOR, f"{FACTOR}/new", "/portal/account/sessions"])
async def test_forms_of_others_and_half_sessions_are_refused(world: World, ada: Browser, path: str) -> None:
    other = await signed_in(world, ada)
    half = world.stranger()
    await half.post("/portal/sign-in", {"email": EMAIL, "password": PASSWORD})
    before = await world.contents()
    form = CHANGE | {"code": world.code(ada)}
    for forged in (
        await other.post(path, form | {"form_token": ""}),
        await other.post(path, form | {"form_token": ada.form_token}),
        await other.post(path, form, origin="https://evil.example"),
    ):
        assert (forged.status, "403" in forged.text) == (403, True)
    assert (await half.post(path, form)).target == "/portal/sign-in"
    assert (await world.stranger().post(path, form)).target == "/portal/sign-in"
    assert await world.contents() == before


async def test_another_code_generator_counts_once_it_has_shown_a_code(world: World, ada: Browser) -> None:
    other, old = await signed_in(world, ada), dict(ada.client.cookies)
    before = await kept(world)
    assert (await ada.get(f"{FACTOR}/new")).target == FACTOR
    assert (await ada.post(FACTOR, {"present": PASSWORD})).target == f"{FACTOR}/new"
    secret = key_of(await ada.get(f"{FACTOR}/new"))
    assert (await kept(world)).totp_secret == before.totp_secret
    nothing = await world.contents()
    wrong = await ada.post(f"{FACTOR}/new", {"code": world.code(ada)})
    assert (wrong.status, "code-error" in wrong.source, "130" in wrong.text) == (400, True, True)
    assert await world.contents() == nothing
    done = await ada.post(f"{FACTOR}/new", {"code": pyotp.TOTP(secret).at(world.now)})
    assert done.source.count("<li><code>") == 10
    after = await kept(world)
    assert after.totp_secret != before.totp_secret
    assert not set(after.recovery_codes) & set(before.recovery_codes)
    for out in (other, planted(world, old)):
        assert (await out.get("/portal/account")).target.startswith("/portal/sign-in")
    assert (await ada.get("/portal/account")).status == 200
    world.later(minutes=1)
    browser = world.stranger()
    await browser.post("/portal/sign-in", {"email": EMAIL, "password": PASSWORD})
    assert "130" in (await browser.post("/portal/code", {"code": world.code(ada)})).text
    assert (await browser.post("/portal/code", {"code": pyotp.TOTP(secret).at(world.now)})).target == "/portal"
    left = {"sessions": 2, "recovery_codes": 10}
    assert (await told(world, "administrator.second-factor"))[-1] == (left, left | {"sessions": 1}, "127.0.0.1")
    assert secret not in str(await world.contents())


async def test_a_code_generator_that_was_begun_too_long_ago_is_begun_anew(world: World, ada: Browser) -> None:
    await ada.post(FACTOR, {"present": PASSWORD})
    secret = key_of(await ada.get(f"{FACTOR}/new"))
    world.later(minutes=11)
    before = await world.contents()
    assert (await ada.get(f"{FACTOR}/new")).target == FACTOR
    late = await ada.post(f"{FACTOR}/new", {"code": pyotp.TOTP(secret).at(world.now)})
    assert late.target == FACTOR
    assert await world.contents() == before
