"""The header `Idempotency-Key`: it works where it is plain which mutation it is for, and is never ignored."""

from typing import Any

import pytest

from tests.graphql.world import Answer, Caller, World

REDEEM = """mutation($i: PointsRedeemInput!) {pointsRedeem(input: $i) {
    replayed redemption {externalReference} member {balance {available}}}}"""
INVALID = ("BAD_USER_INPUT", "INVALID_REQUEST", "998", "idempotencyKey")


async def _redeem(caller: Caller, key: str, given: dict[str, Any], document: str = REDEEM) -> Answer:
    return await caller.send({"query": document, "variables": {"i": given}}, **{"idempotency-key": key})


async def test_the_header_is_the_key_of_the_one_mutation(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    given = {"relationReference": reference, "points": 10}
    first = (await _redeem(server, "tap-1", given)).data["pointsRedeem"]
    async with world.nothing_written():
        again = (await _redeem(server, "tap-1", given)).data["pointsRedeem"]
        in_fragment = "mutation($i: PointsRedeemInput!) {...A} fragment A on Mutation {" + REDEEM.partition("{")[2]
        spread = (await _redeem(server, "tap-1", given, in_fragment)).data["pointsRedeem"]
        in_both = (await _redeem(server, "tap-1", given | {"idempotencyKey": "tap-1"})).data["pointsRedeem"]
    assert again == spread == in_both == {**first, "replayed": True}
    found = await server.ask('{redemptionByReference(clientReference: "tap-1") {externalReference}}')
    assert found.data["redemptionByReference"] == first["redemption"]


async def test_the_header_serves_a_members_token(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    app = await world.caller(member=reference)
    assert (await _redeem(app, "tap-1", {"points": 10})).data["pointsRedeem"]["replayed"] is False


@pytest.mark.parametrize("key", ["", " ", "k" * 101, "k\x07"])
async def test_a_header_that_is_no_key_is_refused(world: World, server: Caller, key: str) -> None:
    reference = await world.member(server, 100)
    async with world.nothing_written():
        assert (await _redeem(server, key, {"relationReference": reference, "points": 10})).refusal == INVALID


async def test_another_key_in_the_input_is_refused(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    given = {"relationReference": reference, "points": 10, "idempotencyKey": "tap-2"}
    async with world.nothing_written():
        assert (await _redeem(server, "tap-1", given)).refusal == INVALID


async def test_a_header_that_stands_twice_is_refused(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    body = {"query": REDEEM, "variables": {"i": {"relationReference": reference, "points": 10}}}
    headers = [*server.headers.items(), ("idempotency-key", "a"), ("idempotency-key", "b")]
    async with world.nothing_written():
        answer = await server.client.post("/graphql", json=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["v1Code"]) == (400, "999")


async def test_a_header_is_refused_where_it_is_not_plain_which_mutation_it_is_for(world: World, server: Caller) -> None:
    reference = await world.member(server, 100)
    part = f'pointsRedeem(input: {{relationReference: "{reference}", points: 10}}) {{replayed}}'
    batch = """mutation {transactionsSubmit(input: {transactions: [{
        transactionId: "X", transactionType: DR, amount: 1, transactionDate: "2026-01-01T00:00:00Z",
        memberRelationReference: "M"}]}) {results {error {code}}}}"""
    for document in (
        f"mutation {{a: {part} b: {part}}}",
        f"mutation {{a: {part} ...B}} fragment B on Mutation {{b: {part}}}",
        f"mutation {{a: {part} ... @skip(if: true) {{b: {part}}}}}",
        batch,
        'mutation {configurationApply(input: {document: "version: 1"}) {changed}}',
    ):
        async with world.nothing_written():
            answer = await server.send({"query": document}, **{"idempotency-key": "k"})
            assert answer.refusal == INVALID, document
            assert answer.status == 400


async def test_the_header_belongs_to_the_operation_that_runs_and_no_query_needs_it(
    world: World, server: Caller
) -> None:
    reference = await world.member(server, 100)
    part = f'pointsRedeem(input: {{relationReference: "{reference}", points: 10}}) {{replayed}}'
    document = (
        f"mutation One {{{part} __typename}} mutation Two {{a: {part} b: {part}}} query Three {{program {{name}}}}"
    )
    for name, expected in (
        ("One", {"pointsRedeem": {"replayed": False}, "__typename": "Mutation"}),
        ("One", {"pointsRedeem": {"replayed": True}, "__typename": "Mutation"}),
        ("Three", {"program": {"name": "Ours"}}),
    ):
        answer = await server.send({"query": document, "operationName": name}, **{"idempotency-key": "k"})
        assert answer.data == expected
    answer = await server.send({"query": document, "operationName": "Two"}, **{"idempotency-key": "k"})
    assert answer.refusal == INVALID
