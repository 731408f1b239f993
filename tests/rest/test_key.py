"""Retries: the same key gives the same answer, and one effect."""

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest

from rest_compat.envelope import Family
from rest_compat.requests.shared import BODY_KEY
from rest_compat.routes import OPERATIONS
from tests.rest.world import CONFIGURATION, World


def redemption(reference: str, **more: Any) -> dict[str, Any]:
    return {"RelationReference": reference, "Points": 4, "MerchantName": "Shop", "LoyaltyTxnType": 5, **more}


async def available(world: World, reference: str) -> Any:
    return (await world.call("CheckAvailability", {"RelationReference": reference})).value


@pytest.mark.parametrize("family", Family)
async def test_twenty_at_once_with_one_key_are_one_redemption(world: World, family: Family) -> None:
    reference, key = await world.member(points=10), {"Idempotency-Key": f"twenty-{uuid4()}"}
    answers = await asyncio.gather(
        *(world.call("RedeemPoints", redemption(reference), headers=key, family=family) for _ in range(20))
    )
    assert {answer.outcome for answer in answers} == {(200, "000")}
    assert len({answer.value for answer in answers}) == 1
    assert sum(answer.headers.get("idempotency-replayed") == "true" for answer in answers) == 19
    assert await available(world, reference) == 6


async def test_a_key_may_stand_in_header_or_body_and_counts_for_both_families(world: World) -> None:
    reference, key = await world.member(points=10), f"both-{uuid4()}"
    first = await world.call("RedeemPoints", redemption(reference), headers={"Idempotency-Key": key})
    second = await world.call("RedeemPoints", redemption(reference, **{BODY_KEY: key, "Unread": 1}), family=Family.LBMS)
    assert second.value == first.value
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["x-ignored-fields"] == "Unread"
    assert "idempotency-replayed" not in first.headers
    assert await available(world, reference) == 6


async def test_the_short_form_is_the_same_request(world: World) -> None:
    reference, key = await world.member(points=10), {"Idempotency-Key": f"short-{uuid4()}"}
    whole = {"RelationReference": reference, "Points": "4.0", "MerchantName": "House", "LoyaltyTxnType": "30"}
    first = await world.call("RedeemPoints", whole, headers=key)
    second = await world.call("RedeemPoints", {"memberId": reference, "points": 4}, headers=key)
    assert second.outcome == (200, "000")
    assert second.value == first.value


async def test_another_body_under_a_key_is_409(world: World) -> None:
    reference, key = await world.member(points=10), {"Idempotency-Key": f"other-{uuid4()}"}
    assert (await world.call("RedeemPoints", redemption(reference), headers=key)).status == 200
    before = await world.contents()
    answer = await world.call("RedeemPoints", redemption(reference, Points=5), headers=key)
    assert answer.outcome == (409, "409")
    assert await world.contents() == before


@pytest.mark.parametrize("key", ["", " ", "x" * 101, "caf\u00e9", "a\tb"])
async def test_a_key_that_cannot_be_kept_is_998(world: World, key: str) -> None:
    reference = await world.member(points=10)
    before = await world.contents()
    headers = {"Idempotency-Key": key.encode("latin-1")}
    answer = await world.call("RedeemPoints", redemption(reference), headers=headers)  # type: ignore[arg-type]
    assert answer.outcome == (400, "998")
    assert await world.contents() == before


@pytest.mark.parametrize("key", [" ", "x" * 101, "caf\u00e9", "a\tb", "\u202ek", "a\u00a0"])
@pytest.mark.parametrize("family", Family)
async def test_a_key_in_the_body_is_held_to_the_same(world: World, key: str, family: Family) -> None:
    reference = await world.member(points=10)
    before = await world.contents()
    answer = await world.call("RedeemPoints", redemption(reference, **{BODY_KEY: key}), family=family)
    assert answer.outcome == (400, "998")
    assert await world.contents() == before


async def test_blanks_around_a_key_make_no_other_key(world: World) -> None:
    reference, key = await world.member(points=10), f"blank-{uuid4()}"
    answers = [
        await world.call("RedeemPoints", redemption(reference), headers={"Idempotency-Key": f" {key} "}),
        await world.call("RedeemPoints", redemption(reference, **{BODY_KEY: f" {key}\t"})),
        await world.call("RedeemPoints", redemption(reference, **{BODY_KEY: key + " " * 200})),
        await world.call(
            "RedeemPoints", redemption(reference, **{BODY_KEY: f"{key} "}), headers={"Idempotency-Key": key}
        ),
    ]
    assert {answer.outcome for answer in answers} == {(200, "000")}
    assert len({answer.value for answer in answers}) == 1
    assert await available(world, reference) == 6
    number = await world.call("RedeemPoints", redemption(reference, **{BODY_KEY: 5}))
    assert (
        number.value
        == (await world.call("RedeemPoints", redemption(reference), headers={"Idempotency-Key": "5"})).value
    )


async def test_a_member_cannot_take_the_keys_of_the_program(world: World) -> None:
    rich, poor, key = await world.member(points=10), await world.member(), {"Idempotency-Key": f"order-{uuid4()}"}
    token = await world.bound_token(poor)
    for points in (4, 5):
        refused = await world.call("RedeemPoints", redemption(poor, Points=points), headers=key, token=token)
        assert refused.outcome in {(422, "121"), (409, "409")}
    answer = await world.call("RedeemPoints", redemption(rich), headers=key)
    assert answer.outcome == (200, "000")
    assert "idempotency-replayed" not in answer.headers


async def test_two_different_keys_are_998(world: World) -> None:
    reference = await world.member(points=10)
    before = await world.contents()
    body = redemption(reference, **{BODY_KEY: "one"})
    answer = await world.call("RedeemPoints", body, headers={"Idempotency-Key": "another"})
    assert answer.outcome == (400, "998")
    assert await world.contents() == before
    assert (await world.call("RedeemPoints", body, headers={"Idempotency-Key": "one"})).status == 200


async def test_a_reference_of_the_client_becomes_the_guid_and_is_a_key(world: World) -> None:
    reference, chosen = await world.member(points=10), str(uuid4())
    first = await world.call("RedeemPoints", redemption(reference, ExternalReference=chosen))
    assert first.value == chosen.upper()
    again = await world.call("RedeemPoints", redemption(reference, ExternalReference=chosen.upper()))
    assert (again.value, again.headers["idempotency-replayed"]) == (chosen.upper(), "true")
    other = redemption(reference, ExternalReference=chosen, Points=5)
    assert (await world.call("RedeemPoints", other)).outcome == (409, "409")
    assert await available(world, reference) == 6


async def test_every_write_replays(world: World) -> None:
    key = {"Idempotency-Key": f"write-{uuid4()}"}
    member = {"relation_reference": f"R-{uuid4()}", "status": 1}
    profile = await world.call("CreateProfileWithAttributes", member, headers=key)
    assert profile.status == 200
    found = await world.call("GetMemberProfile", query={"RelationReference": member["relation_reference"]})
    reference = found.value["RelationReference"]
    guid = (await _redeemed(world, reference)).value
    bodies = {
        "CreateProfileWithAttributes": member,
        "UpdateProfileWithAttributes": {"id": found.value["Id"], "data": {"full_name": "Ada"}},
        "InsertTransactionData": world.purchase(reference),
        "ReversalPoints": {"RelationReference": reference, "MerchantName": "Shop", "ExternalReference": guid},
    }
    for operation, body in bodies.items():
        await world.call(operation, body, headers=key)
        before = await world.contents()
        again = await world.call(operation, body, headers=key)
        assert (again.outcome, again.value) == ((200, "000"), True)
        assert again.headers["idempotency-replayed"] == "true"
        assert await world.contents() == before


async def _redeemed(world: World, reference: str) -> Any:
    await world.earn(reference, 20)
    return await world.call("RedeemPoints", redemption(reference))


async def test_a_program_may_demand_keys(world: World) -> None:
    reference = await world.member(points=10)
    await world.configure(CONFIGURATION.replace("program: {", "program: {require_key: true, "))
    try:
        before = await world.contents()
        assert (await world.call("RedeemPoints", redemption(reference))).outcome == (400, "999")
        assert await world.contents() == before
        headers = {"Idempotency-Key": f"demanded-{uuid4()}"}
        assert (await world.call("RedeemPoints", redemption(reference), headers=headers)).status == 200
    finally:
        await world.configure(CONFIGURATION.replace("program: {", "program: {require_key: false, "))


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize(
    ("name", "first", "second", "outcome"),
    [
        ("Idempotency-Key", "order-1", "order-2", (400, "998")),
        ("idempotency-key", "order-1", "order-1", (400, "998")),
        ("Authorization", None, "Bearer another", (401, "401")),
        ("Content-Type", "application/json", "text/plain", (415, "415")),
    ],
)
async def test_a_header_that_stands_twice_is_refused(
    world: World, family: Family, name: str, first: str | None, second: str, outcome: tuple[int, str]
) -> None:
    reference = await world.member(points=10)
    before = await world.contents()
    bearer = f"Bearer {world.token}"
    headers = [("Authorization", bearer)] if first is not None else []
    headers += [(name, first or bearer), (name, second)]
    path = next(row for row in OPERATIONS if row.name == "RedeemPoints").path(family)
    answer = await world.client.request("POST", path, content=orjson.dumps(redemption(reference)), headers=headers)
    body = answer.json()
    assert (answer.status_code, body.get("results", body)["ErrorCode"]) == outcome
    assert await world.contents() == before


async def test_other_headers_may_stand_twice(world: World) -> None:
    reference = await world.member(points=10)
    headers = [("Authorization", f"Bearer {world.token}"), ("Via", "1.1 a"), ("Via", "1.1 b")]
    content = orjson.dumps(redemption(reference))
    answer = await world.client.request("POST", "/v1/RedeemPoints", content=content, headers=headers)
    assert answer.status_code == 200
    assert await available(world, reference) == 6
