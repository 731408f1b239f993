"""Administrators are invited, get other roles, start anew; roles of a program's own; all of it is written down."""

import re

from tests.portal.world import PASSWORD, Browser, World


def _link(source: str) -> str:
    found = re.search(r"/portal/link/[\w-]+", source)
    assert found is not None
    return found[0]


async def test_an_invitation_leads_into_the_program_with_the_role(world: World, ada: Browser) -> None:
    shown = await ada.post("administrators", {"email": "bob@shop.example", "role": "customer-executive"})
    path = _link(shown.source)
    assert "Invitation" in (await ada.get("administrators")).text
    bob = world.stranger()
    assert "bob@shop.example" in (await bob.get(path)).text
    done = await bob.post(path, {"name": "Bob", "password": PASSWORD, "again": PASSWORD})
    assert done.target.startswith("/portal/enrol")
    page = (await ada.get("administrators")).text
    assert "Bob bob@shop.example Customer executive" in page
    assert "No second factor yet" in page


async def test_inviting_somebody_who_is_there_is_refused(world: World, ada: Browser) -> None:
    before = await world.contents()
    shown = await ada.post("administrators", {"email": "ADA@shop.example", "role": "customer-executive"})
    assert (shown.status, "1394" in shown.text) == (409, True)
    for data in ({"email": "nobody", "role": "customer-executive"}, {"email": "b@c.de", "role": "king"}):
        shown = await ada.post("administrators", data)
        assert (shown.status, "998" in shown.text) == (400, True)
    assert await world.contents() == before


async def test_who_administers_elsewhere_is_invited_like_anybody_and_accepts(world: World, ada: Browser) -> None:
    form = {"email": "bob@shop.example", "role": "program-manager"}
    bob = await world.administrator("customer-executive", email="bob@shop.example", program=2)
    shown = await ada.post("administrators", form)
    stranger = await ada.post("administrators", {"email": "new@shop.example", "role": "program-manager"})
    assert shown.status == stranger.status == 200
    path, before = f"/portal/link/{shown.link_token}", await world.contents()
    # The link is of no use to anybody else, whatever it says.
    taken = {"name": "Bob", "password": PASSWORD, "again": PASSWORD}
    assert (await world.stranger().post(path, taken)).status == 409
    assert (await ada.post(path, {"what": "accept"})).status == 404
    assert (await world.stranger().post(path, {"what": "accept"})).status == 303
    assert await world.contents() == before
    assert "another program" in (await bob.get(path)).text
    assert (await bob.post(path, {"what": "accept"})).target == "/portal"
    assert (await bob.get()).status == 200
    grants = [row for row in (await world.contents())["administrator_grant"] if row[0] == 2]
    assert [row[1:] for row in grants] == [(1, "program-manager"), (2, "customer-executive")]
    assert (await bob.post(path, {"what": "accept"})).status == 404
    assert (await ada.post("administrators", form)).status == 409


async def test_open_links_are_withdrawn(world: World, ada: Browser) -> None:
    assert "No link is open" in (await ada.get("administrators")).text
    form = {"email": "bob@shop.example"}
    token = (await ada.post("administrators", form | {"role": "program-admin"})).link_token
    page = (await ada.get("administrators")).text
    assert "bob@shop.example Invitation Program admin admin:ada@shop.example" in page
    executive = await world.administrator("customer-executive", email="eve@shop.example")
    other = await world.administrator(email="oz@shop.example", program=2)
    other.base = "/portal/p/2/sandbox"
    before = await world.contents()
    assert (await executive.post("administrators/links/withdraw", form)).status == 403
    foreign = await other.post("administrators/links/withdraw", form)
    assert (foreign.status, "1392" in foreign.text) == (404, True)
    assert await world.contents() == before
    assert (await ada.post("administrators/links/withdraw", form)).status == 303
    assert (await world.stranger().get(f"/portal/link/{token}")).status == 404
    trail = (await ada.get("audit?action=administrator.withdraw-link")).text
    assert "administrator:bob@shop.example" in trail
    assert token not in trail
    assert (await ada.post("administrators/links/withdraw", form)).status == 404


async def test_a_new_start_ends_sessions_and_asks_for_another_code_generator(world: World, ada: Browser) -> None:
    bob = await world.administrator("program-manager", email="bob@shop.example")
    shown = await ada.post("administrators/2", {"what": "reset"})
    assert (await bob.get()).status == 303
    stranger, path = world.stranger(), _link(shown.source)
    done = await stranger.post(path, {"password": "another password", "again": "another password"})
    assert done.target.startswith("/portal/enrol")
    old = await world.stranger().post("/portal/sign-in", {"email": "bob@shop.example", "password": PASSWORD})
    assert "117" in old.text


async def test_ten_minutes_after_the_code_secrets_need_another(world: World, ada: Browser) -> None:
    world.later(minutes=11)
    before = await world.contents()
    form = {"email": "bob@shop.example", "role": "customer-executive"}
    shown = await ada.post("administrators", form)
    assert (shown.status, "1390" in shown.text) == (403, True)
    assert await world.contents() == before
    wrong = await ada.post("administrators", form | {"proof": "123456"})
    assert (wrong.status, "130" in wrong.text) == (400, True)
    assert (await ada.post("administrators", form | {"proof": world.code(ada)})).status == 200


async def test_a_role_of_ones_own_is_made_given_and_removed(world: World, ada: Browser) -> None:
    cells = ["Members:view", "Points:view"]
    assert (await ada.post("roles", {"name": "call-centre", "cell": cells})).status == 303
    bob = await world.administrator("call-centre", email="bob@shop.example")
    assert (await bob.get("credentials")).status == 403
    in_use = await ada.post("roles", {"name": "call-centre", "what": "remove"})
    assert (in_use.status, "1395" in in_use.text) == (409, True)
    assert (await ada.post("administrators/2", {"what": "remove"})).status == 303
    assert (await bob.get()).status == 404
    assert (await ada.post("roles", {"name": "call-centre", "what": "remove"})).status == 303


async def test_what_is_no_role_is_refused(world: World, ada: Browser) -> None:
    before = await world.contents()
    for data, code in (
        ({"name": "program-admin"}, "1395"),
        ({"name": "Call Centre"}, "998"),
        ({"name": "x", "cell": ["Members:fly"]}, "999"),
        ({"name": "x", "what": "remove"}, "998"),
    ):
        shown = await ada.post("roles", data)
        assert code in shown.text, (data, shown.text)
        assert shown.status >= 400
    assert await world.contents() == before


async def test_all_of_it_stands_in_the_audit_trail_with_before_after_and_from_where(world: World, ada: Browser) -> None:
    await world.administrator("program-manager", email="bob@shop.example")
    await ada.post("administrators/2", {"what": "role", "role": "customer-executive"})
    page = await ada.get("audit?action=administrator.roles")
    assert "admin:ada@shop.example administrator.roles administrator:bob@shop.example" in page.text
    assert "Before { &#34;1&#34;: &#34;program-manager&#34; }".replace("&#34;", '"') in page.text
    assert 'After { "1": "customer-executive" }' in page.text
    assert "127.0.0.1" in page.text
