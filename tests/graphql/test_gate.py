"""Work that keeps others waiting is done one piece at a time, with time for the others in between."""

import asyncio
import time
from dataclasses import replace

import pytest
import uvloop

from domain.errors import TooManyRequests
from schema import gate as gating
from schema.app import build_graphql_app
from schema.build import schema
from schema.document import CACHED_DOCUMENTS, Documents
from schema.gate import Gate
from schema.request import BODY_PAUSE_S, MAX_BODY_BYTES, GraphQLRequest, read_in_turn
from tests.graphql.live import live
from tests.graphql.world import Caller, World

KNOWN = GraphQLRequest("query Known {__typename}")


@pytest.fixture(scope="session")
def dialect() -> str:
    """What is tested here is the same on every database."""
    return "sqlite"


async def _work(gate: Gate, done: list[tuple[float, float]]) -> None:
    async with gate.turn():
        start = time.monotonic()
        time.sleep(0.02)  # noqa: ASYNC251 - it stands for work on the event loop
        done.append((start, time.monotonic()))


async def test_between_two_pieces_others_have_as_much_time() -> None:
    gate, done = Gate(), list[tuple[float, float]]()
    turns = 0

    async def others() -> None:
        nonlocal turns
        while len(done) < 5:
            turns += 1
            await asyncio.sleep(0.001)

    await asyncio.gather(others(), *(_work(gate, done) for _ in range(5)))
    for (start, end), (following, _) in zip(done, done[1:], strict=False):
        assert following - end >= (end - start) * 0.9
    assert turns > 10


def test_pieces_too_short_for_a_timer_leave_time_in_between_too() -> None:
    """The loop that serves counts whole milliseconds. A refused document of a few fragments takes a tenth of one."""
    done, turns = 0, 0

    async def others() -> None:
        nonlocal turns
        while done < 20:
            turns += 1
            await asyncio.sleep(0)

    async def work(gate: Gate) -> None:
        nonlocal done
        async with gate.turn():
            done += 1

    async def all_at_once() -> None:
        gate = Gate()
        await asyncio.gather(others(), *(work(gate) for _ in range(20)))

    uvloop.run(all_at_once())
    # Without a pause it is one or two for each piece.
    assert turns > 200


async def test_after_a_large_body_others_have_time_for_what_it_cost_to_take_it_in() -> None:
    for size, pause in ((MAX_BODY_BYTES, BODY_PAUSE_S), (MAX_BODY_BYTES // 4, BODY_PAUSE_S / 4)):
        gate, start = Gate(), time.monotonic()
        await read_in_turn(b'"' + b" " * (size - 2) + b'"', gate)
        assert gate._free_at >= start + pause


async def test_too_many_that_wait_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gating, "MAX_WAITING", 3)
    gate, done = Gate(), list[tuple[float, float]]()
    results = await asyncio.gather(*(_work(gate, done) for _ in range(10)), return_exceptions=True)
    refused = [one for one in results if isinstance(one, TooManyRequests)]
    # One goes at once, one has the turn and lets time pass, three wait.
    assert (len(done), len(refused)) == (5, 5)
    assert refused[0].retry_after_s == 1
    await _work(gate, done)


async def _named(gate: Gate, who: str, done: list[str]) -> None:
    async with gate.turn(who):
        done.append(who)


async def test_of_those_who_wait_each_is_next_in_turn() -> None:
    gate, done = Gate(), list[str]()
    await asyncio.gather(*(_named(gate, who, done) for who in ["flood"] * 20 + ["one", "two", "one"]))
    # One of the flood goes at once, one has the turn and lets time pass, one waits in front of the others.
    assert done[:7] == ["flood", "flood", "flood", "one", "two", "flood", "one"]
    assert len(done) == 23


async def test_whoever_has_the_most_that_waits_gives_up_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gating, "MAX_WAITING", 3)
    gate, done = Gate(), list[str]()
    names = ["flood"] * 6 + ["one"] * 3 + ["two"]
    results = await asyncio.gather(*(_named(gate, who, done) for who in names), return_exceptions=True)
    refused = [who for who, one in zip(names, results, strict=True) if isinstance(one, TooManyRequests)]
    assert refused == ["flood"] * 3 + ["one"] * 2
    assert sorted(done) == ["flood", "flood", "flood", "one", "two"]


async def test_who_was_given_the_turn_and_is_gone_passes_it_on() -> None:
    gate, done = Gate(), list[str]()
    async with gate.turn("first"):
        gone = asyncio.create_task(_named(gate, "gone", done))
        kept = asyncio.create_task(_named(gate, "kept", done))
        await asyncio.sleep(0)
    gone.cancel()
    async with asyncio.timeout(1):
        await asyncio.gather(gone, kept, return_exceptions=True)
    assert done == ["kept"]
    async with asyncio.timeout(1):
        await _named(gate, "later", done)


async def test_who_goes_away_leaves_the_way_free() -> None:
    gate, done = Gate(), list[tuple[float, float]]()
    tasks = [asyncio.create_task(_work(gate, done)) for _ in range(3)]
    await asyncio.sleep(0.025)
    for one in tasks:
        one.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(1):
        await _work(gate, done)


async def test_what_is_known_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gating, "MAX_WAITING", 0)
    documents = Documents(schema, introspection=True)
    documents.prepare(KNOWN.query)
    async with documents._new_of_strangers.turn():
        assert (await documents.look_up(KNOWN, None)).text == KNOWN.query
        with pytest.raises(TooManyRequests):
            await documents.look_up(GraphQLRequest("query New {__typename}"), None)


async def test_strangers_keep_none_waiting_who_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = Documents(schema, introspection=True)
    new = (GraphQLRequest(f"query New{number} {{__typename}}") for number in range(100))
    async with asyncio.timeout(20):
        async with documents._new_of_strangers.turn():
            assert await documents.look_up(next(new), ("program", "us"))
            waiting = asyncio.create_task(documents.look_up(next(new), None))
            await asyncio.sleep(0.05)
            assert not waiting.done()
        assert await waiting


async def test_a_large_body_waits_for_its_turn(world: World, server: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gating, "MAX_WAITING", 0)
    documents = Documents(schema, introspection=True)
    async with (
        world.client_of(build_graphql_app(introspection=True, documents=documents)) as client,
        documents.large_bodies.turn(),
    ):
        answer = await replace(server, client=client).send(b'{"query": "{__typename}"' + b" " * 70_000 + b"}")
    assert (answer.status, answer.refusal[1]) == (429, "TOO_MANY_REQUESTS")
    assert answer.headers["retry-after"] == "1"


async def test_a_large_message_waits_for_its_turn_too(
    world: World, server: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gating, "MAX_WAITING", 0)
    documents = Documents(schema, introspection=True)
    ours = replace(world, app=build_graphql_app(introspection=True, documents=documents))
    async with live(ours) as served, served.connection(server) as talk, documents.large_bodies.turn():
        await talk.send(type="ping", payload={"a": "b" * 70_000})
        assert await talk.closed() == (1013, "Too many requests")


async def test_an_app_whose_key_was_good_is_no_stranger(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has no token and no key can neither keep it waiting nor push out what it uses."""
    documents = Documents(schema, introspection=True)
    async with world.client_of(build_graphql_app(introspection=True, documents=documents)) as client:
        app, stranger = Caller(client, key=world.ours.publishable_key), Caller(client, key="tp_sandbox_nobody")
        assert (await app.ask("{program {name}}")).data
        monkeypatch.setattr(gating, "MAX_WAITING", 0)
        async with documents._new_of_strangers.turn("flood"):
            assert (await app.ask("query New {program {name}}")).data
            assert (await stranger.ask("query Newer {program {name}}")).refusal[0] == "RATE_LIMITED"
    for number in range(CACHED_DOCUMENTS + 1):
        documents.prepare(f"query Flood{number} {{__typename}}", None)
    assert "query New {program {name}}" in documents._kept
