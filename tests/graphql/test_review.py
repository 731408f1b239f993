"""Held transactions over GraphQL: listed, approved, rejected."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.graphql.world import Caller, World

SUBMIT = "mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {points isHeld isParked}}"
HELD = """query($s: HeldStatus) {heldTransactions(status: $s) {edges {node {
    id transactionId status isPartial points posted reason decidedBy member {relationReference}}}}}"""
APPROVE = """mutation($h: ID!, $k: String) {transactionApprove(input: {heldId: $h, idempotencyKey: $k}) {
    replayed held {status posted}}}"""
REJECT = """mutation($h: ID!) {transactionReject(input: {heldId: $h, reason: "a trick"}) {held {status reason}}}"""
CONFIGURE = "mutation($d: String!) {configurationApply(input: {document: $d}) {changed}}"
TRANSACTIONS = "query($r: String!) {member(reference: $r) {transactions {edges {node {status points}}}}}"


@pytest_asyncio.fixture
async def guarded(world: World, server: Caller) -> AsyncIterator[Caller]:
    """An administrator of a program that holds what gives more than ten points."""
    await server.ask(CONFIGURE, d="version: 1\nfraud: {earning: [{max_points: 10}]}")
    yield await world.administrator(program=1)
    await server.ask(CONFIGURE, d="version: 1\nfraud: {earning: []}")


async def test_held_transactions_are_listed_and_decided(world: World, server: Caller, guarded: Caller) -> None:
    reference = await world.member(server)
    for _ in range(2):
        answer = await server.ask(SUBMIT, i=world.purchase(reference, 40))
        assert answer.data["transactionSubmit"] == {"points": "0", "isHeld": True, "isParked": False}
    edges = (await guarded.ask(HELD, s="PENDING")).data["heldTransactions"]["edges"]
    nodes = [edge["node"] for edge in edges if edge["node"]["member"]["relationReference"] == reference]
    assert [(one["points"], one["posted"], one["isPartial"], one["status"]) for one in nodes] == [
        ("20", "0", False, "PENDING")
    ] * 2

    key = world.unique("k")
    for replayed in (False, True):
        approved = (await guarded.ask(APPROVE, h=nodes[1]["id"], k=key)).data["transactionApprove"]
        assert approved == {"replayed": replayed, "held": {"status": "APPROVED", "posted": "20"}}
    rejected = (await guarded.ask(REJECT, h=nodes[0]["id"])).data["transactionReject"]
    assert rejected == {"held": {"status": "REJECTED", "reason": "a trick"}}
    for document in (APPROVE, REJECT):
        assert (await guarded.ask(document, h=nodes[0]["id"])).refusal[2] == "127"

    told = (await server.ask(TRANSACTIONS, r=reference)).data["member"]["transactions"]["edges"]
    assert [(edge["node"]["status"], edge["node"]["points"]) for edge in told] == [("REJECTED", "0"), ("POSTED", "20")]


async def test_only_who_may_approve_sees_and_decides(world: World, server: Caller, guarded: Caller) -> None:
    reference = await world.member(server)
    await server.ask(SUBMIT, i=world.purchase(reference, 40))
    number = (await guarded.ask(HELD, s="PENDING")).data["heldTransactions"]["edges"][0]["node"]["id"]
    app = await world.caller(member=reference)
    async with world.nothing_written():
        for caller in (server, app):
            assert (await caller.ask(HELD)).refusal[:2] == ("FORBIDDEN", "FORBIDDEN")
            for document in (APPROVE, REJECT):
                assert (await caller.ask(document, h=number)).refusal[:2] == ("FORBIDDEN", "FORBIDDEN")
        unknown = "SGVsZFRyYW5zYWN0aW9uOjI6MQ"
        for document in (APPROVE, REJECT):
            assert (await guarded.ask(document, h=unknown)).refusal[2] == "123"
