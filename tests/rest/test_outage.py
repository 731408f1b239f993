"""A database that is away: 503 in the envelope on every path, and all is well when it is back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.migrations import upgrade
from domain.store.database import open_database
from rest_compat.operation import Operation
from rest_compat.routes import OPERATIONS
from tests.database import sqlite_url
from tests.postgres import LocalPostgres, running_postgres
from tests.rest.test_walk import in_both, request
from tests.rest.world import World, client_of, open_world

every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda row: row.name)


@pytest.fixture
def server() -> Iterator[LocalPostgres]:
    """A server of this test's own, which may be killed."""
    with running_postgres() as started:
        upgrade(started.url)
        yield started


async def test_a_stopped_server_is_503_until_it_is_back(server: LocalPostgres, tmp_path: Path) -> None:
    async with open_world(server.url, tmp_path) as world:
        reference = await world.member(points=50)
        server.kill()
        for operation in OPERATIONS:
            answer = await in_both(world, operation, **request(operation), token=world.token)
            assert answer.outcome == (503, "503")
            assert int(answer.headers["retry-after"]) >= 1
        # What needs no database is answered without one.
        assert (await world.call("RedeemPoints", b"{")).outcome == (400, "999")
        assert (await world.send("GET", "/v1/Nothing")).outcome == (404, "404")

        body = {"RelationReference": reference, "Points": 5, "MerchantName": "Shop", "LoyaltyTxnType": 5}
        key = {"Idempotency-Key": "outage"}
        assert (await world.call("RedeemPoints", body, headers=key)).outcome == (503, "503")
        server.start()
        assert (await world.call("RedeemPoints", body, headers=key)).outcome == (200, "000")
        assert (await world.call("CheckAvailability", {"RelationReference": reference})).value == 45


@every_operation
@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_file_without_tables_is_503(world: World, tmp_path: Path, operation: Operation) -> None:
    database = open_database(sqlite_url(tmp_path / "empty.db"), data_dir=tmp_path)
    try:
        async with client_of(replace(world.services, db=database)) as client:
            answer = await in_both(replace(world, client=client), operation, **request(operation), token=world.token)
    finally:
        await database.close()
    assert answer.outcome == (503, "503")
