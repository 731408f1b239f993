"""Ways by which somebody who may do little could come to do more, each tried and refused."""

import re

import pytest

from domain.store.administrator import list_administrators
from tests.portal.world import PASSWORD, Browser, Shown, World

SMALL = ["Members:view", "Administration:view", "Administration:edit"]
LARGE = [*SMALL, "Points:adjust", "Credentials:view"]


def _link(shown: Shown) -> str:
    found = re.search(r"/portal/link/[\w-]+", shown.source)
    assert found, shown.text
    return found[0]


async def _number(world: World, email: str) -> int:
    people = await world.services.db.read(lambda tx: list_administrators(tx))
    return next(one.id for one in people if one.email == email)


@pytest.fixture
async def deputy(world: World, ada: Browser) -> Browser:
    """Somebody who looks after administrators and may do little else."""
    for name, cells in (("deputy", SMALL), ("chief", LARGE)):
        assert (await ada.post("roles", {"name": name, "cell": cells})).status == 303
    return await world.administrator("deputy", email="dep@shop.example")


async def test_a_stronger_role_is_not_made_small_by_a_weaker_administrator(world: World, deputy: Browser) -> None:
    before = await world.contents()
    assert (await deputy.post("roles", {"name": "chief", "cell": ["Members:view"]})).status == 403
    assert (await deputy.post("roles", {"name": "chief", "what": "remove"})).status == 403
    assert (await deputy.post("roles", {"name": "deputy", "cell": SMALL})).status == 403
    assert await world.contents() == before


async def test_a_reset_link_dies_when_somebody_is_promoted(world: World, ada: Browser, deputy: Browser) -> None:
    await world.administrator("deputy", email="lo@shop.example")
    lo = await _number(world, "lo@shop.example")
    path = _link(await deputy.post(f"administrators/{lo}", {"what": "reset"}))
    assert (await ada.post(f"administrators/{lo}", {"what": "role", "role": "program-admin"})).status == 303
    assert (await world.stranger().get(path)).status == 404


async def test_a_reset_link_dies_when_the_role_grows(world: World, ada: Browser, deputy: Browser) -> None:
    await world.administrator("chief", email="chi@shop.example")
    assert (await ada.post("roles", {"name": "chief", "cell": SMALL})).status == 303
    chi = await _number(world, "chi@shop.example")
    path = _link(await deputy.post(f"administrators/{chi}", {"what": "reset"}))
    assert (await ada.post("roles", {"name": "chief", "cell": LARGE})).status == 303
    assert (await world.stranger().get(path)).status == 404


@pytest.mark.parametrize("what", ["disable", "role"])
async def test_invitations_of_somebody_who_is_out_work_no_longer(world: World, ada: Browser, what: str) -> None:
    bob = await world.administrator("program-admin", email="bob@shop.example")
    path = _link(await bob.post("administrators", {"email": "sleeper@shop.example", "role": "program-admin"}))
    number = await _number(world, "bob@shop.example")
    form = {"what": what, "role": "customer-executive"}
    assert (await ada.post(f"administrators/{number}", form)).status == 303
    assert (await world.stranger().get(path)).status == 404


async def test_a_reset_shuts_out_whoever_has_the_old_password_and_phone(world: World, ada: Browser) -> None:
    bob = await world.administrator("program-manager", email="bob@shop.example")
    number = await _number(world, "bob@shop.example")
    path = _link(await ada.post(f"administrators/{number}", {"what": "reset"}))
    world.later(minutes=1)
    thief = world.stranger()
    assert "117" in (await thief.post("/portal/sign-in", {"email": "bob@shop.example", "password": PASSWORD})).text
    assert (await bob.get()).status == 303
    form = {"password": "another password", "again": "another password"}
    assert (await world.stranger().post(path, form)).status == 303


async def test_nobody_within_a_program_touches_the_owner_of_all(world: World, ada: Browser) -> None:
    owner = await world.administrator("program-admin", email="root@shop.example", program=None)
    number = await _number(world, "root@shop.example")
    deputy_form = {"what": "role", "role": "customer-executive"}
    before = await world.contents()
    manager = await world.administrator("program-manager", email="bob@shop.example", program=2)
    manager.base = "/portal/p/2/sandbox"
    assert (await ada.post(f"administrators/{number}", deputy_form)).status == 403
    assert (await ada.post(f"administrators/{number}", {"what": "remove"})).status == 403
    assert (await manager.post(f"administrators/{number}", deputy_form)).status == 403
    after = await world.contents()
    assert after["administrator_grant"][: len(before["administrator_grant"])] == before["administrator_grant"]
    assert (await owner.get("credentials")).status == 200


@pytest.mark.parametrize(
    "path",
    ["files?before=" + "9" * 30, "files/1?after=" + "9" * 30, "audit?before=" + "9" * 30, "exports?before=²",
     "audit?until=9999-12-31", "versions/" + "9" * 25, "orders/" + "9" * 25, "files/" + "9" * 5000, "files/01"],
)  # fmt: skip
async def test_numbers_that_no_id_can_be_do_no_harm(ada: Browser, path: str) -> None:
    assert (await ada.get(path)).status in {200, 404}


async def test_what_is_no_form_is_told(world: World, ada: Browser) -> None:
    headers = {"content-type": "multipart/form-data", "origin": "http://tessera.test"}
    broken = await ada.client.post("/portal/sign-in", content=b"x", headers=headers)
    assert broken.status_code == 400
    form = {"content-type": "application/x-www-form-urlencoded", "origin": "http://tessera.test"}
    large = await world.stranger().client.post("/portal/sign-in", content=b"&" * 200_000, headers=form)
    assert large.status_code == 413
    foreign = await ada.client.post("/portal/sign-in", content=b"&" * 9_000_000, headers=form | {"origin": "null"})
    assert foreign.status_code == 403


@pytest.mark.parametrize("value", ["W1tdLCAieCJd", "e30=", "bnVsbA==", "%%%"])
async def test_a_notice_that_is_none_is_left_out(ada: Browser, value: str) -> None:
    ada.client.cookies.set("tessera_notice", value, domain="tessera.test", path="/portal")
    assert (await ada.get()).status == 200


async def test_an_upload_wants_a_fresh_code_and_stands_in_the_trail(world: World, ada: Browser) -> None:
    file = {"file": ("new_CPD.csv", b"relation_reference\nM-1\n", "text/csv")}
    assert (await ada.post("files", {"type": "CPD"}, files=file)).status == 303
    assert "file:new_CPD.csv" in (await ada.get("audit?action=batch.upload")).text
    world.later(minutes=11)
    before = await world.contents()
    again = {"file": ("more_CPD.csv", b"relation_reference\nM-1\n", "text/csv")}
    shown = await ada.post("files", {"type": "CPD"}, files=again)
    assert (shown.status, "1390" in shown.text) == (403, True)
    assert await world.contents() == before
    assert not list(world.settings.data_dir.rglob("more_CPD.csv"))
