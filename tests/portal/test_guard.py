"""Forged forms, open redirects, foreign frames, other programs, and what is put into pages."""

import pytest

from tests.portal.world import HOST, Browser, World


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"{HOST}.evil.example"},
        {"origin": "", "sec-fetch-site": "cross-site"},
    ],
)
async def test_a_form_of_another_site_is_refused(world: World, ada: Browser, headers: dict[str, str]) -> None:
    before = await world.contents()
    shown = await ada.post("credentials/reset", {}, **headers)
    assert shown.status == 403
    assert await world.contents() == before


@pytest.mark.parametrize("given", ["", "x" * 43, "ü"])
async def test_a_form_without_the_sessions_token_is_refused(world: World, ada: Browser, given: str) -> None:
    before = await world.contents()
    assert (await ada.post("credentials/reset", {"form_token": given})).status == 403
    assert await world.contents() == before


async def test_the_forms_of_a_page_carry_the_sessions_token(ada: Browser) -> None:
    shown = await ada.get("credentials")
    assert set(shown.values("form_token")) == {ada.form_token}
    assert shown.source.count('method="post"') == len(shown.values("form_token"))


async def test_the_token_of_another_session_is_refused(world: World, ada: Browser) -> None:
    bob = await world.administrator(email="bob@shop.example")
    assert (await ada.post("credentials/reset", {"form_token": bob.form_token})).status == 403


async def test_signing_in_for_somebody_else_is_refused_as_well(world: World) -> None:
    form = {"email": "ada@shop.example", "password": "x"}
    assert (await world.stranger().post("/portal/sign-in", form, origin="https://evil.example")).status == 403


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/portal//evil.example", "javascript:alert(1)",
     "/portal/../graphql\nset-cookie: x", "/other", "https:/portal", "/portalx"],
)  # fmt: skip
async def test_nobody_is_sent_elsewhere(world: World, ada: Browser, target: str) -> None:
    shown = await ada.get(f"/portal/sign-in?next={target.replace(chr(10), '%0a')}")
    assert shown.target == "/portal"


async def test_pages_are_in_no_frame_run_nothing_inline_and_are_not_kept(ada: Browser) -> None:
    shown = await ada.get()
    policy = shown.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert shown.headers["cache-control"] == "no-store"
    assert " style=" not in shown.source
    assert "<script>" not in shown.source


async def test_the_session_is_for_no_script_and_no_other_site(world: World, ada: Browser) -> None:
    browser = world.stranger()
    form = {"email": "ada@shop.example", "password": "a long enough password"}
    cookie = (await browser.post("/portal/sign-in", form)).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


async def test_another_program_answers_as_one_that_there_is_not(world: World, ada: Browser) -> None:
    foreign = await ada.get("/portal/p/2/sandbox/credentials")
    unknown = await ada.get("/portal/p/99/sandbox/credentials")
    assert (foreign.status, unknown.status) == (404, 404)
    assert foreign.text == unknown.text
    assert (await ada.get("/portal/p/1/live")).status == 404
    before = await world.contents()
    assert (await ada.post("/portal/p/2/sandbox/credentials/reset")).status == 404
    assert await world.contents() == before


async def test_nobody_who_is_not_signed_in_sees_anything(world: World) -> None:
    for path in ("/portal", "/portal/p/1/sandbox", "/portal/p/1/sandbox/credentials"):
        shown = await world.stranger().get(path)
        assert (shown.status, shown.target.startswith("/portal/sign-in")) == (303, True)


async def test_a_notice_that_somebody_made_up_is_text(ada: Browser) -> None:
    ada.client.cookies.set("tessera_notice", "WyJkb25lIiwgIjxzY3JpcHQ+Il0=", domain="tessera.test", path="/portal")
    assert "&lt;script&gt;" in (await ada.get()).source


async def test_a_path_that_there_is_not_is_told_in_the_frame(ada: Browser) -> None:
    shown = await ada.get("nothing/here")
    assert (shown.status, "404" in shown.text, "Ada" in shown.text) == (404, True, True)
