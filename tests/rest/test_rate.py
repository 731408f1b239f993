"""Rate limits at the edge: where they come in the order of refusals, and how they are told."""

from datetime import timedelta

import pytest

from rest_compat.envelope import Family
from rest_compat.routes import OPERATIONS
from tests.rest.world import CONFIGURATION, World

LIMITED = "program: {rate_limit_per_second: 1, rate_burst: 1, "


async def _use_up(world: World) -> None:
    await world.configure(CONFIGURATION.replace("program: {", LIMITED))
    _later(world)
    while (await world.call("CheckAvailability", {"RelationReference": "nobody"})).status != 429:
        continue


def _later(world: World, seconds: int = 2) -> None:
    # What a process knows of a program is a second old at most.
    world.clock[0] += timedelta(seconds=seconds)


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("operation", [row for row in OPERATIONS if not row.is_public], ids=lambda row: row.name)
async def test_a_request_over_the_limit_is_429_after_401_and_before_anything_else(
    world: World, family: Family, operation: object
) -> None:
    row = next(row for row in OPERATIONS if row is operation)
    await _use_up(world)
    try:
        before = await world.contents()
        broken = None if row.body is None else b"{"
        path, headers = row.path(family), {"Content-Type": "application/json"}
        answer = await world.send(row.method, path, content=broken, token=world.token, headers=headers)
        assert answer.outcome == (429, "429")
        assert answer.headers["retry-after"] == "1"
        assert answer.envelope["ExceptionMessage"] == "Too many requests"
        unknown = await world.send(row.method, path, content=broken, token="stale", headers=headers)
        assert unknown.outcome == (401, "401")
        assert (await world.send("PUT", path, token=world.token)).outcome == (405, "405")
        assert await world.contents() == before
    finally:
        await world.configure(
            CONFIGURATION.replace("program: {", "program: {rate_limit_per_second: null, rate_burst: null, ")
        )
        _later(world)


@pytest.mark.parametrize("family", Family)
async def test_whoever_fails_too_often_to_get_a_token_is_429(world: World, family: Family) -> None:
    wrong = world.credentials() | {"client_id": f"guess-{family.value}"}
    answers = [await world.call("Token", wrong, token="", family=family) for _ in range(21)]
    assert {answer.outcome for answer in answers[:-1]} == {(401, "401")}
    assert answers[-1].outcome == (429, "429")
    assert answers[-1].headers["retry-after"] == "3"
    if family is Family.V1:
        assert answers[-1].body["error"] == "temporarily_unavailable"
    assert (await world.call("Token", world.credentials(), token="", family=family)).status == 200
