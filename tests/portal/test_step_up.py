"""What wants a fresh second factor: each action of the list is refused without, and every other was thought about."""

from collections.abc import Awaitable, Callable

import pytest

from domain.access import Permission
from domain.errors import SecondFactorNeeded
from resolvers.batch import HELD, open_batch
from resolvers.batch_decision import check_batch, discard_batch, release_batch
from resolvers.configuration import apply_configuration
from resolvers.export import RequestExport, request_export
from resolvers.order_end import FailOrder, FulfilOrder, fail_order, fulfil_order
from tessera.portal.step_up import FRESH
from tests.portal.test_access import OF_PROGRAM, _path
from tests.portal.world import Browser, World

OTHERS = {
    "administrators/links/withdraw",
    "audit/check",
    "catalog/codes",
    "catalog/stock/{item}",
    "credentials/request-reset",
    "members/new",
    "members/{member:int}/holds/{hold:int}/cancel",
    "members/{member:int}/links",
    "members/{member:int}/links/{link:int}/unlink",
    "members/{member:int}/profile",
    "members/{member:int}/sessions",
    "members/{member:int}/status",
    "rules/simulate",
}
"""Actions that a session alone is enough for, beside those of the configuration, which has versions and approvals."""


def test_every_action_either_wants_a_fresh_code_or_is_known_not_to() -> None:
    actions = {one.path.partition("{environment:str}/")[2]: one for one in OF_PROGRAM if one.method == "POST"}
    assert {path for path, one in actions.items() if one.is_fresh} == FRESH
    others = {path for path, one in actions.items() if one.needs is not Permission.CONFIGURATION_WRITE}
    assert others - FRESH == OTHERS


async def test_without_a_fresh_code_nothing_happens(world: World, ada: Browser) -> None:
    world.later(minutes=11)
    before = await world.contents()
    files = {"file": ("day_TXN.csv", b"transaction_id\n1\n", "text/csv")}
    for one in OF_PROGRAM:
        if one.is_fresh:
            shown = await ada.post(_path(one), files=files if one.path.endswith("/files") else None)
            assert (shown.status, "1390" in shown.text) == (403, True), (one.path, shown.text)
    assert await world.contents() == before
    assert not list(world.settings.data_dir.rglob("day_TXN.csv"))


async def test_what_was_filled_in_goes_on_with_the_code(world: World, ada: Browser) -> None:
    world.later(minutes=11)
    form = {"email": "bob@shop.example", "role": "customer-executive"}
    asked = await ada.post("administrators", form)
    assert (asked.status, asked.values("email"), asked.values("role")) == (403, [form["email"]], [form["role"]])
    assert "proof" in asked.source
    done = await ada.post("administrators", form | {"proof": world.code(ada)})
    assert (done.status, bool(done.link_token)) == (200, True)
    # A typed password is not written into a page.
    world.later(minutes=11)
    secret = await ada.post("partners", {"name": "depot", "password": "typed by hand"})
    assert (secret.status, "typed by hand" in secret.source) == (403, False)


async def test_a_held_file_and_an_export_of_persons_want_it_in_the_use_case(world: World, ada: Browser) -> None:
    await apply_configuration(world.contexts[0], b"files: {reject_limit_percent: 10}")
    batch = await open_batch(world.contexts[0], file_type="CPD", file_name="x_CPD.csv", sha256="0" * 64)
    assert (await check_batch(world.contexts[0], batch.id, rows=10, unreadable=5)).status == HELD
    world.later(minutes=11)
    ctx = await world.context(ada)
    before = await world.contents()
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: release_batch(ctx, batch.id),
        lambda: discard_batch(ctx, batch.id),
        lambda: request_export(ctx, RequestExport(kind="members", with_personal_data=True)),
        lambda: fulfil_order(ctx, FulfilOrder(order=1)),
        lambda: fail_order(ctx, FailOrder(order=1, reason="none left")),
    ]
    for call in calls:
        with pytest.raises(SecondFactorNeeded):
            await call()
    assert await world.contents() == before
    assert (await ada.post(f"files/{batch.id}", {"what": "release", "proof": world.code(ada)})).status == 303
