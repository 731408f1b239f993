"""Subscriptions over `graphql-transport-ws`: what is told, to whom, and from where on."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport

from resolvers.outbox import relay_outbox
from tests.graphql.live import Live, live
from tests.graphql.world import Caller, World

ACTIVITY = """subscription($r: String, $a: ID) {memberActivity(reference: $r, after: $a) {
    eventId topic at member {relationReference} entry {points sequence}}}"""
BALANCE = "subscription($r: String, $a: ID) {balanceChanged(reference: $r, after: $a) {eventId balance {available}}}"
BATCHES = """subscription($b: ID, $q: UUID, $a: ID) {batchProgress(batch: $b, queueBatchId: $q, after: $a) {
    eventId done total isFinished queueBatchId batch {fileName status accepted}}}"""

SUBMIT = "mutation($i: TransactionsSubmitInput!) {transactionsSubmit(input: $i) {results {error {reason}}}}"


@pytest.fixture
async def served(world: World) -> AsyncIterator[Live]:
    """The world behind a server."""
    async with live(world) as opened:
        yield opened


async def test_a_member_is_told_of_its_postings_with_the_entry(served: Live, server: Caller) -> None:
    world = served.world
    reference = await _known_member(world, server)
    ann = await world.caller(member=reference)
    async with served.connection(ann) as talk:
        await talk.subscribe("1", ACTIVITY)
        await _settled(served)
        await world.earn(server, reference, 30)
        told = await talk.data()
        assert told["topic"] == "points.earned"
        assert told["member"] == {"relationReference": reference}
        assert told["entry"] == {"points": "30", "sequence": 1}
        assert told["at"].endswith("+05:30")
        await world.redeem(server, reference, 12)
        assert (await talk.data())["entry"] == {"points": "-12", "sequence": 2}


async def test_a_member_is_told_nothing_of_others_and_may_not_ask(served: Live, server: Caller) -> None:
    world = served.world
    mine, other = await _known_member(world, server), await _known_member(world, server)
    async with served.connection(await world.caller(member=mine)) as talk:
        await talk.subscribe("own", ACTIVITY)
        await talk.subscribe("other", ACTIVITY, r=other)
        assert await talk.refusal() == ("FORBIDDEN", "FORBIDDEN", None)
        await talk.subscribe("files", BATCHES)
        assert await talk.refusal() == ("FORBIDDEN", "FORBIDDEN", None)
        await _settled(served)
        await world.earn(server, other, 5)
        await world.earn(server, mine, 7)
        assert (await talk.data())["entry"]["points"] == "7"


async def test_a_program_is_told_of_all_its_members_and_of_no_others(served: Live, server: Caller) -> None:
    world = served.world
    theirs = await world.caller(world.theirs)
    foreign = await world.member(theirs)
    async with served.connection(server) as talk:
        await talk.subscribe("1", ACTIVITY)
        await _settled(served)
        await world.earn(theirs, foreign, 5)
        reference = await world.member(server)
        await world.earn(server, reference, 3)
        told = [await talk.data() for _ in range(2)]
        assert [one["topic"] for one in told] == ["member.enrolled", "points.earned"]
        assert {one["member"]["relationReference"] for one in told} == {reference}
        await talk.subscribe("2", ACTIVITY, r=foreign)
        assert await talk.refusal() == ("NOT_FOUND", "MEMBER_NOT_FOUND", None)


# Who hangs up in the middle of an event leaves fields that graphql-core had begun.
@pytest.mark.filterwarnings("ignore:coroutine .*_async_resolver. was never awaited:RuntimeWarning")
async def test_after_an_event_id_come_all_events_behind_it_once(served: Live, server: Caller) -> None:
    world = served.world
    reference = await world.member(server)
    purchases = [world.purchase(reference, str(points * 2)) for points in range(1, 251)]
    results = (await server.ask(SUBMIT, i={"transactions": purchases})).data["transactionsSubmit"]["results"]
    assert {one["error"] for one in results} == {None}
    seen: list[dict[str, Any]] = []
    last = "0"
    for count in (1, 99, 100, 51):
        async with served.connection(server) as talk:
            await talk.subscribe("1", ACTIVITY, r=reference, a=last)
            for _ in range(count):
                seen.append(await talk.data())
        last = seen[-1]["eventId"]
    assert [one["topic"] for one in seen] == ["member.enrolled"] + ["points.earned"] * 250
    assert [one["entry"]["points"] for one in seen[1:]] == [str(points) for points in range(1, 251)]
    async with served.connection(server) as talk:
        await talk.subscribe("1", ACTIVITY, r=reference, a=last)
        await _settled(served)
        await world.earn(server, reference, 251)
        assert (await talk.data())["entry"]["points"] == "251"


@pytest.mark.parametrize("given", ["1000000", "-1", "x", "1" * 30, ""])
async def test_an_event_id_that_was_never_given_is_refused(served: Live, server: Caller, given: str) -> None:
    async with served.connection(server) as talk:
        await talk.subscribe("1", ACTIVITY, a=given)
        code, _, field = await talk.refusal()
        assert (code, field) == ("BAD_USER_INPUT", "after")


async def test_balances_come_with_each_posting_and_end_as_they_are(served: Live, server: Caller) -> None:
    world = served.world
    reference = await world.member(server)
    async with served.connection(await world.caller(member=reference)) as talk:
        await talk.subscribe("1", BALANCE)
        await _settled(served)
        await world.earn(server, reference, 30)
        assert (await talk.data())["balance"] == {"available": "30"}
        for _ in range(5):
            await world.redeem(server, reference, 2)
        ids, told = [], None
        while told != "20":
            change = await talk.data()
            ids.append(int(change["eventId"]))
            told = change["balance"]["available"]
        assert ids == sorted(set(ids))


async def test_batches_are_told_of_until_they_end(served: Live, server: Caller) -> None:
    world = served.world
    async with served.connection(server) as talk:
        await talk.subscribe("all", BATCHES)
        await _settled(served)
        file = await world.batch()
        told = [await talk.data() for _ in range(2)]
        assert [(one["done"], one["isFinished"], one["total"]) for one in told] == [(3, False, None), (3, True, 3)]
        assert told[-1]["batch"] == {"fileName": "CPD_1.csv", "status": "FINISHED", "accepted": 2}
        await talk.send(type="complete", id="all")
        await talk.subscribe("one", BATCHES, b=file)
        assert (await talk.data())["isFinished"] is True
        assert await talk.receive() == {"type": "complete", "id": "one"}


async def test_a_queued_batch_is_told_of_until_it_ends(served: Live, server: Caller) -> None:
    world = served.world
    reference = await world.member(server)
    document = "mutation($i: TransactionsQueueInput!) {transactionsQueue(input: $i) {batchId}}"
    items = [world.purchase(reference, 2) for _ in range(250)]
    answer = await server.ask(document, i={"transactions": items})
    batch = answer.data["transactionsQueue"]["batchId"]
    async with served.connection(server) as talk:
        await talk.subscribe("1", BATCHES, q=batch)
        done: list[int] = []
        while not done or done[-1] < 250:
            told = await talk.data()
            assert (told["queueBatchId"], told["total"], told["batch"]) == (batch, 250, None)
            done.append(told["done"])
        assert done == sorted(done)
        assert told["isFinished"] is True
        assert await talk.receive() == {"type": "complete", "id": "1"}
        await talk.subscribe("2", BATCHES, q="00000000-0000-4000-8000-000000000000")
        assert await talk.refusal() == ("NOT_FOUND", "REDEMPTION_NOT_FOUND", None)


async def test_a_token_that_lapses_ends_the_connection(served: Live, server: Caller) -> None:
    world = served.world
    world.services.feed.recheck_s = 0.1
    reference = await world.member(server)
    async with served.connection(await world.caller(member=reference)) as talk:
        await talk.subscribe("1", ACTIVITY)
        await _settled(served)
        world.clock[0] += timedelta(days=2)
        assert await talk.closed() == (4403, "Forbidden")


async def test_credentials_that_are_reset_end_idle_connections_and_streams(served: Live, server: Caller) -> None:
    world = served.world
    world.services.feed.recheck_s = 0.1
    admin = await world.administrator(program=world.ours.program_id)
    async with served.connection(server) as idle, served.connection(server) as busy:
        await busy.subscribe("1", ACTIVITY)
        await _settled(served)
        answer = await admin.ask(
            "mutation($i: CredentialResetInput!) {credentialReset(input: $i) {__typename}}",
            i={"programId": world.ours.program_id},
        )
        assert "errors" not in answer.body, answer.body
        assert await idle.closed() == (4403, "Forbidden")
        assert await busy.closed() == (4403, "Forbidden")


async def test_an_erased_member_is_followed_no_longer(served: Live, server: Caller) -> None:
    world = served.world
    world.services.feed.recheck_s = 0.1
    reference = await _known_member(world, server)
    admin = await world.administrator(program=world.ours.program_id)
    async with served.connection(server) as talk:
        await talk.subscribe("1", ACTIVITY, r=reference)
        await _settled(served)
        document = "mutation($i: MemberEraseInput!) {memberErase(input: $i) {erasedAt}}"
        answer = await admin.ask(document, i={"relationReference": reference})
        assert "errors" not in answer.body, answer.body
        while (message := await talk.receive())["type"] == "next":
            assert message["payload"]["data"]["memberActivity"]["topic"] == "member.erased"
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["reason"] == "MEMBER_NOT_FOUND"


async def test_queries_and_mutations_run_over_the_same_connection(served: Live, server: Caller) -> None:
    async with served.connection(server) as talk:
        reference = served.world.unique("M")
        document = "mutation($i: MemberEnrollInput!) {memberEnroll(input: $i) {replayed}}"
        await talk.subscribe("1", document, i={"relationReference": reference, "status": "ACTIVE"})
        assert await talk.data() == {"replayed": False}
        assert await talk.receive() == {"type": "complete", "id": "1"}
        await talk.subscribe("1", "query($r: String) {member(reference: $r) {relationReference}}", r=reference)
        assert await talk.data() == {"relationReference": reference}


async def test_a_stock_client_subscribes_queries_and_goes_on(served: Live, server: Caller) -> None:
    world = served.world
    reference = await world.member(server)
    member = await world.caller(member=reference)
    transport = WebsocketsTransport(url=served.ws, init_payload=member.headers, subprotocols=["graphql-transport-ws"])
    async with Client(transport=transport) as session:
        found = await session.execute(gql("{lastEventId member {relationReference}}"))
        assert found["member"] == {"relationReference": reference}
        await world.earn(server, reference, 4)
        query = gql(ACTIVITY)
        query.variable_values = {"a": found["lastEventId"]}
        async for result in session.subscribe(query):
            if result["memberActivity"]["topic"] == "points.earned":
                assert result["memberActivity"]["entry"]["points"] == "4"
                break


async def _known_member(world: World, server: Caller) -> str:
    """A new member, of whose enrolment whoever subscribes from now on is not told."""
    reference = await world.member(server)
    await relay_outbox(world.services)
    return reference


async def _settled(served: Live) -> None:
    """Wait until the subscriptions that were asked for stand, and are handed what comes."""
    feed = served.world.services.feed

    def stand() -> bool:
        found = [one for followers in feed._followers.values() for one in followers]
        return bool(found) and all(one.is_live for one in found)

    async with asyncio.timeout(20):
        while not stand():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
