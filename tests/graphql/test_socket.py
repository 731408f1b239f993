"""The `graphql-transport-ws` protocol: what ends a connection, with which code."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from resolvers.outbox import relay_outbox
from schema import crowd
from schema import socket as edge
from schema import subscription as subscriptions
from schema.app import build_graphql_app
from tests.graphql.live import Live, Talk, live
from tests.graphql.world import CONFIGURATION, Caller, World

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

ACTIVITY = "subscription {memberActivity {eventId}}"


@pytest.fixture
async def served(world: World) -> AsyncIterator[Live]:
    """The world behind a server."""
    async with live(world) as opened:
        yield opened


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no json", 4400),
        ("[]", 4400),
        ('{"type": 1}', 4400),
        ('{"type": "start"}', 4400),
        ('{"type": "subscribe", "payload": {"query": "{__typename}"}}', 4400),
        ('{"type": "subscribe", "id": "", "payload": {"query": "{__typename}"}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{__typename}", "variables": []}}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{\\u0000}"}}', 4400),
        ("[" * 100 + "]" * 100, 4400),
        (b"\x00\x01", 4400),
        ('{"type": "connection_init"}', 4429),
    ],
)
async def test_what_is_no_message_ends_the_connection(
    served: Live, server: Caller, message: str | bytes, code: int
) -> None:
    async with served.connection(server) as talk:
        await talk.connection.send(message)
        assert (await talk.closed())[0] == code


async def test_an_id_in_use_is_refused_and_one_that_is_free_again_is_not(served: Live, server: Caller) -> None:
    async with served.connection(server) as talk:
        for _ in range(2):
            await talk.subscribe("1", "{__typename}")
            assert await talk.data() == "Query"
            assert await talk.receive() == {"type": "complete", "id": "1"}
        await talk.subscribe("2", ACTIVITY)
        await talk.send(type="complete", id="2")
        await talk.subscribe("2", ACTIVITY)
        await talk.subscribe("2", ACTIVITY)
        assert await talk.closed() == (4409, "Subscriber for 2 already exists")


async def test_pings_are_answered_before_and_after_the_acknowledgement(served: Live, server: Caller) -> None:
    async with served.connection() as talk:
        await talk.send(type="ping", payload={"a": 1})
        assert await talk.receive() == {"type": "pong", "payload": {"a": 1}}
        await talk.send(type="connection_init", payload={"headers": {"Authorization": f"Bearer {server.token}"}})
        assert await talk.receive() == {"type": "connection_ack"}
        await talk.send(type="pong")
        await talk.send(type="ping")
        assert await talk.receive() == {"type": "pong"}


async def test_nothing_runs_before_the_acknowledgement(served: Live) -> None:
    async with served.connection() as talk:
        await talk.subscribe("1", "{__typename}")
        assert await talk.closed() == (4401, "Unauthorized")


@pytest.mark.parametrize("payload", [None, {}, {"authorization": "Bearer x"}, {"authorization": 1}, {"headers": 1}])
async def test_who_has_no_good_token_is_not_let_in(served: Live, payload: object) -> None:
    async with served.connection() as talk:
        await talk.send(type="connection_init", payload=payload)
        assert await talk.closed() == (4403, "Forbidden")


async def test_the_handshake_may_carry_the_token(served: Live, server: Caller) -> None:
    async with served.connection(additional_headers=server.headers) as talk:
        await talk.send(type="connection_init")
        assert await talk.receive() == {"type": "connection_ack"}


async def test_who_does_not_begin_in_time_is_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "INIT_LIMIT_S", 0.2)
    async with live(world) as served, served.connection() as talk:
        await talk.send(type="ping")
        assert await talk.receive() == {"type": "pong"}
        assert await talk.closed() == (4408, "Connection initialisation timeout")


@pytest.mark.parametrize("offered", [None, ["graphql-ws"], ["nope"]])
async def test_another_subprotocol_is_not_spoken(served: Live, offered: list[str] | None) -> None:
    async with asyncio.timeout(20):
        try:
            async with connect(served.ws, subprotocols=offered, proxy=None) as opened:  # type: ignore[arg-type]
                assert (await Talk(opened).closed())[0] == 4406
        except InvalidStatus as error:
            pytest.fail(f"refused with {error}")


async def test_no_key_holds_for_a_whole_connection(served: Live, server: Caller) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with served.connection(server, additional_headers={"idempotency-key": "k"}):
            pass
    assert refused.value.response.status_code == 400


async def test_pages_of_other_origins_are_refused(
    served: Live, server: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{served.port}.evil.example"):
        with pytest.raises(InvalidStatus) as refused:
            async with served.connection(server, additional_headers={"origin": origin}):
                pass
        assert refused.value.response.status_code == 403
    # No page of the world fills the log with errors.
    assert [one.getMessage() for one in caplog.records if one.levelname in ("WARNING", "ERROR")] == []
    async with served.connection(server, additional_headers={"origin": f"http://127.0.0.1:{served.port}"}):
        pass


async def test_documents_are_held_to_the_limits_of_queries(served: Live, server: Caller) -> None:
    many = "".join(f"a{number}: __typename " for number in range(40))
    async with served.connection(server) as talk:
        await talk.subscribe("1", "subscription {memberActivity {" + many + "}}")
        assert await talk.refusal() == ("BAD_USER_INPUT", "QUERY_TOO_COMPLEX", None)
        dear = "subscription {memberActivity {member {statement {entries {member {statement {entries {id}}}}}}}}"
        await talk.subscribe("1", dear)
        assert (await talk.refusal())[1] == "QUERY_TOO_COMPLEX"


async def test_one_connection_has_so_many_operations_and_no_more(
    served: Live, server: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "MAX_OPERATIONS", 3)
    async with served.connection(server) as talk:
        for name in "1234":
            await talk.subscribe(name, ACTIVITY)
        assert (await talk.refusal())[1] == "TOO_MANY_REQUESTS"
        await talk.send(type="complete", id="1")
        await talk.subscribe("1", "{__typename}")
        assert await talk.data() == "Query"


async def test_one_member_has_so_many_connections_and_no_more(
    served: Live, server: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "MAX_OF_MEMBER", 2)
    member = await served.world.caller(member=await served.world.member(server))
    async with served.connection(member), served.connection(member):
        async with served.connection() as third:
            await third.send(type="connection_init", payload=member.headers)
            assert await third.closed() == (1013, "Too many connections")
        async with served.connection(server):
            pass
    async with served.connection(member):
        pass


async def test_a_process_has_so_many_connections_and_no_more(
    served: Live, server: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "MAX_CONNECTIONS", 1)
    async with served.connection(server):
        with pytest.raises(InvalidStatus) as refused:
            async with served.connection(server):
                pass
        assert refused.value.response.status_code == 503


async def test_one_address_has_so_many_connections_that_do_not_say_who_they_are(
    served: Live, server: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "MAX_WAITING", 2)
    # Who says it, waits no longer.
    async with served.connection(server), served.connection(server), served.connection(server):
        async with served.connection(), served.connection():
            with pytest.raises(InvalidStatus) as refused:
                async with served.connection():
                    pass
            assert refused.value.response.status_code == 503
        async with served.connection(server):
            pass


async def test_operations_over_a_websocket_count_against_the_rate_limit(
    world: World, served: Live, server: Caller
) -> None:
    document = CONFIGURATION.replace("program: {", "program: {rate_limit_per_second: 1, rate_burst: 2, ")
    apply = "mutation($i: ConfigurationApplyInput!) {configurationApply(input: $i) {changed}}"
    assert (await server.ask(apply, i={"document": document})).data["configurationApply"]["changed"] is True
    world.clock[0] += timedelta(seconds=1)
    async with served.connection(server) as talk:
        for _ in range(2):
            await talk.subscribe("1", "{__typename}")
            assert await talk.data() == "Query"
            await talk.receive()
        # Of a document that nobody would run no more is said.
        await talk.subscribe("1", "{")
        assert await talk.refusal() == ("RATE_LIMITED", "TOO_MANY_REQUESTS", None)


async def test_surprises_are_masked(served: Live, server: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr(subscriptions, "to_activities", broken)
    await relay_outbox(served.world.services)
    await served.world.member(server)
    async with served.connection(server) as talk:
        await talk.subscribe("1", "subscription {memberActivity(after: 0) {eventId}}")
        message = await talk.receive()
        assert message["type"] == "error"
        assert message["payload"][0]["message"] == "Unexpected error"
        assert message["payload"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert "secret" not in str(message)


async def test_without_introspection_errors_suggest_no_names(world: World, server: Caller) -> None:
    world.app = build_graphql_app(introspection=False)
    async with live(world) as served, served.connection(server) as talk:
        await talk.subscribe("1", "subscription {memberActivit {eventId}}")
        (error,) = (await talk.receive())["payload"]
        assert "Did you mean" not in error["message"]


async def test_a_server_that_stops_tells_its_clients_to_come_back(world: World, server: Caller) -> None:
    async with live(world) as served, served.connection(server) as talk:
        await talk.subscribe("1", ACTIVITY)
        served.server.should_exit = True
        assert (await talk.closed())[0] == 1012
