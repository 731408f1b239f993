"""Each page and each action with each role: who may not is refused and nothing is written, who may is not refused."""

import re
from collections.abc import Sequence

import pytest

from domain.access import ROLES, Permission
from domain.store import administrator as store
from tessera.portal.app import PAGES
from tessera.portal.route import Page
from tests.portal.world import Browser, World

OF_PROGRAM: Sequence[Page] = [one for one in PAGES if one.needs is not None]
_SAMPLES = {"environment": "sandbox", "kind": "changes", "suffix": "summary.json"}
CUSTOM = "auditor"


def _path(one: Page) -> str:
    def sample(found: "re.Match[str]") -> str:
        name, _, kind = found[1].partition(":")
        return _SAMPLES.get(name, "1" if kind == "int" or name == "program" else "x")

    return re.sub(r"\{([^}]*)\}", sample, one.path)


def test_every_page_of_a_program_says_what_it_needs_and_others_are_few() -> None:
    others = {one.path for one in PAGES if one.needs is None}
    assert {path for path in others if "/p/" in path} == set()
    assert len({(one.path, one.method) for one in PAGES}) == len(PAGES)


@pytest.mark.parametrize("role", [*ROLES, CUSTOM])
async def test_pages_by_role(world: World, role: str) -> None:
    permissions = ROLES.get(role, frozenset({Permission.AUDIT_READ}))
    if role == CUSTOM:
        values = {"name": CUSTOM, "permissions": ["audit:read"], "updated_at": world.now, "updated_by": "test"}
        await world.services.db.write(lambda tx: store.save_role(tx, {"public_program_id": 1, **values}))
    browser = await world.administrator(role)
    for one in OF_PROGRAM:
        may = {one.needs, *one.also} <= permissions
        if one.method == "GET":
            shown = await browser.get(_path(one))
            assert (shown.status != 403) == may, (role, one.path, shown.text)
            assert shown.status < 500, (one.path, shown.text)
        elif not may:
            await _refused(world, browser, one)


async def _refused(world: World, browser: Browser, one: Page) -> None:
    before = await world.contents()
    shown = await browser.post(_path(one))
    assert (shown.status, "403" in shown.text) == (403, True), (one.path, shown.text)
    assert await world.contents() == before, one.path


async def test_actions_of_a_program_admin_with_nothing_filled_in_are_told_what_is_missing(world: World) -> None:
    browser = await world.administrator("program-admin")
    for one in OF_PROGRAM:
        if one.method == "POST":
            shown = await browser.post(_path(one))
            assert shown.status in {200, 303, 400, 404, 409, 422}, (one.path, shown.status, shown.text)


async def test_a_role_that_is_gone_may_do_nothing(world: World) -> None:
    browser = await world.administrator("customer-executive")
    [who] = await world.services.db.read(lambda tx: store.list_administrators(tx))
    grants = [type(who.grants[0])(public_program_id=1, role="gone")]
    await world.services.db.write(lambda tx: store.replace_grants(tx, who.id, grants))
    assert (await browser.get()).status == 403


async def test_somebody_who_is_shut_out_is_out_at_once(world: World, ada: Browser) -> None:
    bob = await world.administrator("program-manager", email="bob@shop.example")
    assert (await bob.get()).status == 200
    people = await world.services.db.read(lambda tx: store.list_administrators(tx))
    number = next(one.id for one in people if one.email.startswith("bob"))
    assert (await ada.post(f"administrators/{number}", {"what": "disable"})).status == 303
    assert (await bob.get()).status == 303
    assert "117" in (await bob.post("/portal/sign-in", {"email": "bob@shop.example", "password": "x" * 20})).text


async def test_nobody_changes_its_own_role_or_gives_more_than_it_has(world: World, ada: Browser) -> None:
    bob = await world.administrator("program-manager", email="bob@shop.example")
    before = await world.contents()
    assert (await ada.post("administrators/1", {"what": "role", "role": "customer-executive"})).status == 403
    assert (await ada.post("administrators/1", {"what": "disable"})).status == 403
    assert (await bob.post("administrators", {"email": "eve@shop.example", "role": "program-admin"})).status == 403
    assert await world.contents() == before


async def test_an_administrator_of_another_program_is_not_to_be_seen(world: World, ada: Browser) -> None:
    await world.administrator("program-admin", email="bob@shop.example", program=2)
    assert "bob@shop.example" not in (await ada.get("administrators")).text
    before = await world.contents()
    assert (await ada.post("administrators/2", {"what": "disable"})).status == 404
    assert await world.contents() == before
