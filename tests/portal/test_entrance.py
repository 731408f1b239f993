"""Signing in: what it takes, what it tells, and what is refused."""

from contextlib import suppress

import pyotp

from domain.administrator import Grant
from domain.errors import InvalidCredentials, TooManyRequests
from resolvers.administrator_link import invite_administrator, offer_setup
from resolvers.sign_in import Origin, sign_in, sweep_sessions
from tests.portal.world import PASSWORD, Browser, World

WRONG = PASSWORD[::-1]


async def _sign_in(browser: Browser, email: str = "ada@shop.example", password: str = PASSWORD) -> str:
    shown = await browser.post("/portal/sign-in", {"email": email, "password": password})
    return shown.target if shown.status == 303 else shown.text


async def test_the_first_administrator_comes_by_a_link_that_works_once(world: World) -> None:
    link = await offer_setup(world.root)
    assert link is not None
    browser, path = world.stranger(), f"/portal/link/{link.token}"
    assert "Nobody administers this deployment yet" in (await browser.get(path)).text
    form = {"email": "Ada@Shop.example", "name": "Ada", "password": PASSWORD, "again": PASSWORD}
    shown = await browser.post(path, form)
    assert shown.target == "/portal/enrol?next=/portal"
    page = await browser.get(shown.target)
    secret = page.source.partition('class="key">')[2].partition("<")[0].replace(" ", "")
    recovery = await browser.post("/portal/enrol", {"code": pyotp.TOTP(secret).at(world.now)})
    assert recovery.source.count("<li><code>") == 10
    assert "Program 1" in (await browser.get("/portal")).text
    assert (await world.stranger().get(path)).status == 404
    assert await offer_setup(world.root) is None


async def test_without_a_code_nobody_is_in(world: World, ada: Browser) -> None:
    browser = world.stranger()
    assert await _sign_in(browser) == "/portal/code?next=/portal"
    assert (await browser.get()).target.startswith("/portal/sign-in?next=")
    world.later(minutes=1)
    done = await browser.post("/portal/code", {"code": world.code(ada)})
    assert done.target == "/portal"
    assert (await browser.get()).status == 200


async def test_a_code_and_a_recovery_code_work_once(world: World, ada: Browser) -> None:
    world.later(minutes=1)
    code = world.code(ada)
    outcomes = []
    for _ in range(2):
        browser = world.stranger()
        await _sign_in(browser)
        outcomes.append((await browser.post("/portal/code", {"code": code})).status)
    assert outcomes == [303, 400]


async def test_nobody_learns_whether_an_address_is_somebodys(world: World, ada: Browser) -> None:
    wrong = await _sign_in(world.stranger(), password="another long password")
    nobody = await _sign_in(world.stranger(), email="bob@shop.example")
    assert "117" in wrong
    assert wrong == nobody


async def test_after_five_wrong_passwords_the_right_one_is_refused_for_a_while(world: World, ada: Browser) -> None:
    for _ in range(5):
        await _sign_in(world.stranger(), password="wrong wrong wrong")
    assert "117" in await _sign_in(world.stranger())
    # Who is in stays in.
    assert (await ada.get()).status == 200
    world.later(minutes=16)
    assert await _sign_in(world.stranger()) == "/portal/code?next=/portal"


async def _gets_on(world: World, address: str, password: str) -> bool:
    """Whether somebody at this address gets as far as the code."""
    with suppress(InvalidCredentials, TooManyRequests):
        await sign_in(world.services, "ada@shop.example", password, Origin(address=address, browser="Test"))
        return True
    return False


async def test_nobody_keeps_an_administrator_out_from_elsewhere(world: World, ada: Browser) -> None:
    assert not any([await _gets_on(world, "203.0.113.9", WRONG) for _ in range(15)])
    # Where somebody guessed nobody gets in, and it is told once; from her own place she does.
    assert not await _gets_on(world, "203.0.113.9", PASSWORD)
    assert sum("administrator.lockout" in row for row in (await world.contents())["audit_entry"]) == 1
    assert await _gets_on(world, "198.51.100.7", PASSWORD)
    # A network of one guesser counts as one place.
    assert not any([await _gets_on(world, f"2001:db8::{number}", WRONG) for number in range(5)])
    assert not await _gets_on(world, "2001:db8::99", PASSWORD)
    assert await _gets_on(world, "2001:db8:1::99", PASSWORD)
    world.later(minutes=16)
    assert await _gets_on(world, "203.0.113.9", PASSWORD)


async def test_guessing_from_many_places_locks_everywhere(world: World, ada: Browser) -> None:
    for place in range(20):
        assert not any([await _gets_on(world, f"203.0.113.{place}", WRONG) for _ in range(5)])
        world.later(seconds=30)
    assert not await _gets_on(world, "198.51.100.7", PASSWORD)
    world.later(minutes=16)
    assert await _gets_on(world, "198.51.100.7", PASSWORD)
    world.later(days=1)
    assert await sweep_sessions(world.services) >= 20
    assert (await world.contents())["administrator_failure"] == []


async def test_guessed_codes_lock_as_well(world: World, ada: Browser) -> None:
    browser = world.stranger()
    await _sign_in(browser)
    codes = [(await browser.post("/portal/code", {"code": f"00000{number}"})).status for number in range(6)]
    assert codes == [400] * 6
    world.later(minutes=1)
    assert "131" in (await browser.post("/portal/code", {"code": world.code(ada)})).text


async def test_a_session_ends_after_twelve_hours_and_by_signing_out(world: World, ada: Browser) -> None:
    world.later(hours=11.9)
    assert (await ada.get()).status == 200
    kept = dict(ada.client.cookies)
    assert (await ada.post("/portal/sign-out")).target == "/portal/sign-in"
    ada.client.cookies.update(kept)
    assert (await ada.get()).status == 303


async def test_a_session_that_was_planted_is_not_the_one_after_signing_in(world: World, ada: Browser) -> None:
    browser = world.stranger()
    await _sign_in(browser)
    half = dict(browser.client.cookies)
    world.later(minutes=1)
    await browser.post("/portal/code", {"code": world.code(ada)})
    assert dict(browser.client.cookies) != half
    thief = world.stranger()
    thief.client.cookies.update(half)
    assert (await thief.get()).status == 303


async def test_a_new_invitation_ends_the_one_before(world: World) -> None:
    grants = [Grant(public_program_id=1, role="program-manager")]
    first, second = [await invite_administrator(world.root, "bob@shop.example", grants) for _ in range(2)]
    assert (await world.stranger().get(f"/portal/link/{first.token}")).status == 404
    assert (await world.stranger().get(f"/portal/link/{second.token}")).status == 200
    world.later(hours=25)
    assert (await world.stranger().get(f"/portal/link/{second.token}")).status == 404


async def test_a_refused_form_behind_a_link_uses_nothing_up(world: World) -> None:
    link = await offer_setup(world.root)
    assert link is not None
    before, path = await world.contents(), f"/portal/link/{link.token}"
    good = {"email": "ada@shop.example", "name": "Ada", "password": PASSWORD, "again": PASSWORD}
    for wrong, code in (
        ({"email": "ada"}, "998"),
        ({"name": " "}, "998"),
        ({"password": "short", "again": "short"}, "998"),
        ({"again": "another password"}, "998"),
    ):
        shown = await world.stranger().post(path, good | wrong)
        assert (shown.status, code in shown.text) == (400, True), wrong
    assert await world.contents() == before
