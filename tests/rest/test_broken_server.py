"""A fault of the server or of its database has the code that the operation has for it, and nothing is written."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import Connection, text
from structlog.testing import capture_logs

from resolvers import earning
from rest_compat.envelope import Family
from tests.rest.world import World


@asynccontextmanager
async def refusing(world: World, action: str, table: str) -> AsyncIterator[None]:
    """A database that refuses to change one table for as long as this lasts."""
    if world.services.db.dialect == "sqlite":
        made = [f"CREATE TRIGGER broken BEFORE {action} ON {table} BEGIN SELECT RAISE(FAIL, 'a secret'); END"]
        undone = ["DROP TRIGGER broken"]
    else:
        made = [
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a secret'; END $$",
            f"CREATE TRIGGER broken BEFORE {action} ON {table} FOR EACH ROW EXECUTE FUNCTION broken()",
        ]
        undone = [f"DROP TRIGGER broken ON {table}", "DROP FUNCTION broken"]
    await world.services.db.write(lambda tx: _run(tx, made))
    try:
        yield
    finally:
        await world.services.db.write(lambda tx: _run(tx, undone))


def _run(tx: Connection, statements: list[str]) -> None:
    for statement in statements:
        tx.execute(text(statement))


@pytest.mark.parametrize("family", Family)
async def test_a_profile_that_cannot_be_stored_is_104(world: World, family: Family) -> None:
    query = {"pstrRelationReference": await world.member()}
    profile = await world.call("GetMemberProfile", query=query)
    body = {"id": profile.value["Id"], "data": {"full_name": "Ada"}}
    before = await world.contents()
    async with refusing(world, "UPDATE", "member"):
        with capture_logs() as logs:
            answer = await world.call("UpdateProfileWithAttributes", body, family=family)
    assert (answer.outcome, answer.envelope["ExceptionMessage"]) == ((500, "104"), "Failed to update member profile")
    assert [(entry["log_level"], entry["code"]) for entry in logs] == [("error", "104")]
    assert await world.contents() == before
    assert (await world.call("UpdateProfileWithAttributes", body, family=family)).status == 200


@pytest.mark.parametrize("family", Family)
async def test_a_transaction_that_cannot_be_stored_is_006(world: World, family: Family) -> None:
    purchase, key = world.purchase(await world.member()), {"Idempotency-Key": f"broken-{family.value}"}
    before = await world.contents()
    async with refusing(world, "INSERT", "member_transaction"):
        with capture_logs() as logs:
            answer = await world.call("InsertTransactionData", purchase, headers=key, family=family)
    assert (answer.outcome, answer.envelope["ExceptionMessage"]) == ((500, "006"), "Insert failed")
    assert [(entry["log_level"], entry["code"]) for entry in logs] == [("error", "006")]
    assert await world.contents() == before
    assert (await world.call("InsertTransactionData", purchase, headers=key, family=family)).status == 200


@pytest.mark.parametrize("family", Family)
async def test_points_that_cannot_be_awarded_are_201(
    world: World, family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_more: object) -> None:
        raise ArithmeticError("a secret")

    purchase, key = world.purchase(await world.member()), {"Idempotency-Key": f"unawarded-{family.value}"}
    before = await world.contents()
    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(earning, "evaluate", broken)
        answer = await world.call("InsertTransactionData", purchase, headers=key, family=family)
    assert (answer.outcome, answer.envelope["ExceptionMessage"]) == ((500, "201"), "Failed to award points")
    assert [(entry["log_level"], entry["code"]) for entry in logs] == [("error", "201")]
    assert await world.contents() == before
    assert (await world.call("InsertTransactionData", purchase, headers=key, family=family)).status == 200
