"""What is under way when somebody is shut out, and what is announced twice: neither gives a second chance."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from domain.errors import ApprovalNeeded, InvalidCredentials
from resolvers.administrator_link import reset_administrator
from resolvers.batch import HELD, list_batches, open_batch
from resolvers.batch_upload import announce_upload
from resolvers.bonus import PostBonus, post_bonus
from resolvers.change_request import list_change_requests
from resolvers.configuration import apply_configuration
from resolvers.erasure import erase_member
from resolvers.hashing import HashingPool
from resolvers.member import EnrollMember, UpdateMember, enroll_member, get_member, update_member
from resolvers.merge import MergeMembers, merge_members
from resolvers.sign_in import sign_in
from resolvers.sign_in_failure import Origin
from tests.portal.test_batch import FROM, _take_all, _upload
from tests.portal.world import PASSWORD, Browser, World

ORIGIN = Origin(address="192.0.2.1", browser="Test")
BONUSES = b"member_relation_reference,bonus_points\nM-1,50000\n"
ADMINISTRATION = ["Members:view", "Points:view", "Points:adjust", "Administration:view", "Administration:edit"]

Between = Callable[[], Awaitable[None]]


async def _post_slowly(world: World, one: Browser, path: str, fields: dict[str, str], between: Between) -> int:
    """The status of a form whose body comes after something else has happened."""
    body = urlencode({"form_token": one.form_token, **fields}).encode()
    cookie = "; ".join(f"{each.name}={each.value}" for each in one.client.cookies.jar)
    headers = {
        "host": "tessera.test",
        "origin": "http://tessera.test",
        "cookie": cookie,
        "content-type": "application/x-www-form-urlencoded",
        "content-length": str(len(body)),
    }
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.99", 1),
        "server": ("tessera.test", 80),
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await between()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await world.app(scope, receive, send)
    return next(int(message["status"]) for message in sent if message["type"] == "http.response.start")


async def test_a_form_that_comes_after_its_session_ended_does_nothing(world: World) -> None:
    ada = await world.administrator()
    bob = await world.administrator("program-admin", email="bob@shop.example")
    before: dict[str, Any] = {}

    async def shut_out() -> None:
        assert (await ada.post("administrators/2", {"what": "disable"})).status == 303
        before.update(await world.contents())

    fields = {"email": "sock@x.example", "role": "program-admin"}
    status = await _post_slowly(world, bob, "/portal/p/1/sandbox/administrators", fields, shut_out)
    assert status in {303, 403}
    assert await world.contents() == before


async def test_a_form_that_takes_too_long_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await world.administrator()
    before = await world.contents()
    # Nobody waits two minutes for a test.
    monkeypatch.setattr("tessera.portal.route.BODY_LIMIT_S", 0.05)
    fields = {"email": "sock@x.example", "role": "program-admin"}
    path = "/portal/p/1/sandbox/administrators"
    assert await _post_slowly(world, ada, path, fields, lambda: asyncio.sleep(5)) == 400
    assert await world.contents() == before


async def test_a_sign_in_that_is_under_way_ends_with_a_reset(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await world.administrator()
    await world.administrator(email="bob@shop.example")
    ctx = await world.context(ada)
    inner = HashingPool.run
    was_reset = False

    async def slow(self: HashingPool, work: Callable[[], Any], **named: Any) -> Any:
        nonlocal was_reset
        done = await inner(self, work, **named)
        if not was_reset:
            was_reset = True
            await reset_administrator(ctx, 2)
        return done

    # The real thing, but for what happens while it takes its time.
    monkeypatch.setattr(HashingPool, "run", slow)
    with pytest.raises(InvalidCredentials):
        await sign_in(world.services, "bob@shop.example", PASSWORD, ORIGIN)
    assert was_reset


async def _held_bonuses(world: World) -> Browser:
    world.now = datetime.now(UTC)
    await apply_configuration(world.contexts[0], FROM)
    await enroll_member(world.contexts[0], EnrollMember(values={"relation_reference": "M-1"}))
    ada = await world.administrator("program-manager")
    assert (await _upload(ada, "gift_BNS.csv", BONUSES, "BNS"))[0] == 303
    return ada


async def test_a_file_that_waits_goes_on_waiting_when_its_name_is_announced_for_something_else(world: World) -> None:
    ada = await _held_bonuses(world)
    await _upload(ada, "gift_BNS.csv", b"x\n", "CRD")
    await _take_all(world)
    found = {(one.file_name, one.status, one.points) for one in await list_batches(world.contexts[0])}
    assert ("gift_BNS.csv", HELD, Decimal(0)) in found
    assert {points for _, _, points in found} == {Decimal(0)}


async def test_a_file_that_is_gone_on_with_does_not_use_up_the_note_of_the_next(world: World) -> None:
    ctx = world.contexts[0]
    await apply_configuration(ctx, FROM)
    ada = await world.administrator()
    await open_batch(ctx, file_type="BNS", file_name="gift_BNS.csv", sha256="a" * 64, waits=True)
    assert await announce_upload(await world.context(ada), "gift_BNS.csv", "BNS")
    await open_batch(ctx, file_type="BNS", file_name="gift_BNS.csv", sha256="a" * 64)
    assert len((await world.contents())["hand_upload"]) == 1


async def test_programs_leave_each_others_invitations_alone(world: World, ada: Browser) -> None:
    eve = await world.administrator(email="eve@two.example", program=2)
    eve.base = "/portal/p/2/sandbox"
    shown = await ada.post("administrators", {"email": "bob@shop.example", "role": "program-admin"})
    await eve.post("administrators", {"email": "bob@shop.example", "role": "customer-executive"})
    assert (await world.stranger().get(f"/portal/link/{shown.link_token}")).status == 200


@pytest.mark.parametrize("changed", ["deputy", "giver"])
async def test_a_link_ends_with_the_role_of_its_maker_and_with_the_role_that_it_gives(
    world: World, ada: Browser, changed: str
) -> None:
    assert (await ada.post("roles", {"name": "deputy", "cell": ADMINISTRATION})).status == 303
    assert (await ada.post("roles", {"name": "giver", "cell": ["Points:view", "Points:adjust"]})).status == 303
    dan = await world.administrator("deputy", email="dan@shop.example")
    shown = await dan.post("administrators", {"email": "sock@x.example", "role": "giver"})
    path = f"/portal/link/{shown.link_token}"
    assert (await world.stranger().get(path)).status == 200
    assert (await ada.post("roles", {"name": changed, "cell": ["Members:view"]})).status == 303
    assert (await world.stranger().get(path)).status == 404


async def test_a_merge_frees_no_points_of_a_status_that_another_has_to_change(world: World) -> None:
    ctx = world.contexts[0]
    await apply_configuration(ctx, b"program: {approvals: [member_status]}")
    for name in ("M-1", "M-2"):
        await enroll_member(ctx, EnrollMember(values={"relation_reference": name, "status": 1}))
    await post_bonus(ctx, PostBonus(relation_reference="M-1", points=Decimal(5000)))
    await update_member(ctx, UpdateMember(relation_reference="M-1", values={"status": 2}))
    mine = await world.context(await world.administrator("program-manager"))
    before = await world.contents()
    with pytest.raises(ApprovalNeeded):
        await merge_members(mine, MergeMembers(victim="M-1", survivor="M-2"))
    assert await world.contents() == before
    await update_member(ctx, UpdateMember(relation_reference="M-1", values={"status": 1}))
    await merge_members(mine, MergeMembers(victim="M-1", survivor="M-2"))


async def test_reasons_of_requests_about_a_member_are_forgotten_with_it(world: World) -> None:
    ctx = world.contexts[0]
    await apply_configuration(ctx, b"program: {approvals: [member_status]}")
    await enroll_member(ctx, EnrollMember(values={"relation_reference": "M-1", "status": 1}))
    member = await get_member(ctx, "M-1")
    ada = await world.administrator()
    assert (await ada.post(f"members/{member.id}/status", {"status": "2", "reason": "Jane Roe drinks"})).status == 303
    [one] = await list_change_requests(await world.context(ada), first=5)
    assert one.reason == "Jane Roe drinks"
    await erase_member(await world.context(ada), "M-1")
    [one] = await list_change_requests(await world.context(ada), first=5)
    assert one.reason is None
