"""Every write of the route table is repeated by its key: the same bytes, and no second effect."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest

from rest_compat.envelope import Family
from rest_compat.operation import Operation
from rest_compat.requests.shared import BODY_KEY
from rest_compat.routes import OPERATIONS
from schema.app import build_graphql_app
from tests.rest.background import code_sent_to
from tests.rest.owned import Owned, asked, owned_by
from tests.rest.world import World

KEYED = [row for row in OPERATIONS if row.keyed]
# These take no key and write all the same: a token is issued, a login or a failure of one is counted, and what is
# queued has a key in each element, which test_queue repeats.
WRITES_WITHOUT_KEY = {"Token", "CheckMembershipCredentialsByRelationReference", "InsertTransactionDataV2"}

keyed = pytest.mark.parametrize("operation", KEYED, ids=lambda row: row.name)


async def _first_time(world: World, operation: Operation) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Query and body of a request that succeeds once."""
    own, other = await owned_by(world), await owned_by(world)
    fresh: dict[str, Any] = {
        "relation_reference": f"R-{uuid4().hex[:12]}",
        "transaction_id": f"T-{uuid4().hex[:12]}",
        "email_id": None,
        "ToRelationReference": other.names["reference"],
        "CardNumber": f"{uuid4().int % 10**12}",
        "OTP": await _live_code(world, operation, own) if operation.name.startswith("VerifyOTP") else None,
    }
    if operation.name == "CreatePayWithRewards":
        # A member has one pending request at a time.
        ended = {"RequestId": own.names["request"]}
        assert (await world.call("CancelPayWithRewards", ended)).outcome == (200, "000")
    return asked(operation, own, **{name: value for name, value in fresh.items() if value is not None})


async def _live_code(world: World, operation: Operation, own: Owned) -> str:
    """A code that was sent to the member and not used yet."""
    body = {"UniquerefID": own.get("login", operation), "OtpType": "LOGIN"}
    answer = await world.call(operation.name.replace("Verify", "Generate"), body)
    assert answer.outcome == (200, "000")
    return await code_sent_to(world, own.names["email"])


async def _send(
    world: World, operation: Operation, family: Family, query: Mapping[str, Any], body: Any, **headers: str
) -> httpx2.Response:
    return await world.client.request(
        operation.method,
        operation.path(family),
        params=query,
        content=orjson.dumps(body),
        headers={"Authorization": f"Bearer {world.token}", "Content-Type": "application/json", **headers},
    )


@keyed
@pytest.mark.parametrize("place", ["header", "body"])
async def test_a_write_is_repeated_by_its_key(world: World, operation: Operation, family: Family, place: str) -> None:
    query, body = await _first_time(world, operation)
    key = f"{operation.name}-{uuid4()}"
    in_header = {"Idempotency-Key": key} if place == "header" else {}
    sent = body if place == "header" else body | {BODY_KEY: key}
    first = await _send(world, operation, family, query, sent, **in_header)
    assert first.status_code == 200, first.content
    assert "idempotency-replayed" not in first.headers
    before = await world.contents()
    # A key is the same in the other place.
    for again_in, again in ((in_header, sent), ({"Idempotency-Key": key}, body), ({}, body | {BODY_KEY: key})):
        repeat = await _send(world, operation, family, query, again, **again_in)
        assert (repeat.status_code, repeat.content) == (200, first.content)
        assert repeat.headers["idempotency-replayed"] == "true"
        own = {"date", "x-request-id", "idempotency-replayed", "content-length"}
        assert {name: value for name, value in repeat.headers.items() if name not in own} == {
            name: value for name, value in first.headers.items() if name not in own
        }
    other = next(one for one in Family if one is not family)
    elsewhere = await _send(world, operation, other, query, sent, **in_header)
    inner = [orjson.loads(one.content) for one in (first, elsewhere)]
    assert inner[0].get("results", inner[0]) == inner[1].get("results", inner[1])
    assert await world.contents() == before


@keyed
async def test_keys_are_those_of_one_program(world: World, operation: Operation) -> None:
    theirs = await world.another_program("Theirs")
    key = {"Idempotency-Key": f"{operation.name}-{uuid4()}"}
    for one in (world, theirs):
        query, body = await _first_time(one, operation)
        answer = await _send(one, operation, Family.V1, query, body, **key)
        assert (answer.status_code, "idempotency-replayed" in answer.headers) == (200, False), answer.content


@pytest.mark.parametrize(
    "operation",
    [row for row in OPERATIONS if not row.keyed and row.name not in WRITES_WITHOUT_KEY],
    ids=lambda row: row.name,
)
async def test_what_takes_no_key_writes_nothing(world: World, operation: Operation) -> None:
    query, body = await _first_time(world, operation)
    before = await world.contents()
    assert (await _send(world, operation, Family.V1, query, body)).status_code == 200
    assert await world.contents() == before


async def test_a_lost_reference_is_found_by_what_the_client_chose(world: World, family: Family) -> None:
    reference, key, chosen = await world.member(points=100), f"lost-{uuid4()}", str(uuid4())
    body = {"RelationReference": reference, "Points": 4, "MerchantName": "Shop", "LoyaltyTxnType": 5}
    made = {
        (await world.call("RedeemPoints", body, headers={"Idempotency-Key": key}, family=family)).value: [key],
        (await world.call("RedeemPoints", body | {BODY_KEY: f"{key}-b"}, family=family)).value: [f"{key}-b"],
        (await world.call("RedeemPoints", body | {"ExternalReference": chosen}, family=family)).value: [
            chosen,
            chosen.upper(),
        ],
    }
    assert len(made) == 3
    query = "query($k: String!) {redemptionByReference(clientReference: $k) {externalReference points}}"
    async with world.graphql(build_graphql_app(introspection=False)) as client:
        headers = {"Authorization": f"Bearer {world.token}"}
        for guid, references in made.items():
            for one in references:
                answer = await client.post("/graphql", json={"query": query, "variables": {"k": one}}, headers=headers)
                found = answer.json()["data"]["redemptionByReference"]
                assert (found["externalReference"].upper(), found["points"]) == (guid, "4")
