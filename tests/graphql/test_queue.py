"""Transactions that are queued over GraphQL, and asked for later."""

from uuid import uuid4

from resolvers.queue_work import work_queue
from tests.graphql.world import Caller, World

QUEUE = "mutation($i: [TransactionSubmitInput!]!) {transactionsQueue(input: {transactions: $i}) {batchId requestIds}}"
BATCH = """query($b: UUID!, $a: String) {transactionBatch(batchId: $b) {batchId total pending failed points
    results(first: 2, after: $a) {edges {cursor node {requestId status points error {v1Code message}}}
        pageInfo {hasNextPage}}}}"""


async def test_queued_transactions_are_posted_and_told_of(world: World, server: Caller) -> None:
    reference = await world.member(server)
    first = world.purchase(reference, idempotencyKey=world.unique("k"))
    queued = (await server.ask(QUEUE, i=[first, first, world.purchase(reference, 40)])).data["transactionsQueue"]
    waiting = (await server.ask(BATCH, b=queued["batchId"])).data["transactionBatch"]
    assert (waiting["total"], waiting["pending"], waiting["points"]) == (3, 3, "0")

    await work_queue(world.services)
    done = (await server.ask(BATCH, b=queued["batchId"])).data["transactionBatch"]
    assert (done["total"], done["pending"], done["failed"], done["points"]) == (3, 0, 1, "30")
    edges, ids = done["results"]["edges"], queued["requestIds"]
    assert [edge["node"] for edge in edges] == [
        {"requestId": ids[0], "status": "SUCCESS", "points": "10", "error": None},
        {
            "requestId": ids[1],
            "status": "FAILED",
            "points": "0",
            "error": {
                "v1Code": "1201",
                "message": f"Duplicate record (idempotency key of request_id {ids[0].upper()})",
            },
        },
    ]
    assert done["results"]["pageInfo"] == {"hasNextPage": True}
    rest = (await server.ask(BATCH, b=queued["batchId"], a=edges[1]["cursor"])).data["transactionBatch"]["results"]
    assert [edge["node"]["requestId"] for edge in rest["edges"]] == ids[2:]
    assert rest["pageInfo"] == {"hasNextPage": False}


async def test_another_program_and_a_member_know_nothing_of_it(world: World, server: Caller) -> None:
    reference = await world.member(server)
    queued = (await server.ask(QUEUE, i=[world.purchase(reference)])).data["transactionsQueue"]
    theirs = await world.caller(world.theirs)
    for caller, number in ((theirs, queued["batchId"]), (server, str(uuid4()))):
        answer = await caller.ask(BATCH, b=number)
        assert answer.refusal == ("NOT_FOUND", "REDEMPTION_NOT_FOUND", "123", None)
    app = await world.caller(member=reference)
    assert (await app.ask(BATCH, b=queued["batchId"])).refusal == ("FORBIDDEN", "FORBIDDEN", "403", None)


async def test_what_cannot_be_queued_is_refused_whole(world: World, server: Caller) -> None:
    reference = await world.member(server)
    app = await world.caller(member=reference)
    async with world.nothing_written():
        for many in ([], [world.purchase(reference)] * 5001):
            answer = await server.ask(QUEUE, i=many)
            assert answer.errors[0]["extensions"]["v1Code"] == "999"
        keyed = world.purchase(reference, idempotencyKey="k")
        assert (await app.ask(QUEUE, i=[keyed])).refusal == ("FORBIDDEN", "FORBIDDEN", "403", None)
