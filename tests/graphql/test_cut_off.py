"""Subscribers that are cut off again and again while points are posted, and go on behind the last event they saw."""

import asyncio
import itertools
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from httpx_sse import aconnect_sse
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.callers import Caller, callers
from tests.scale import long_run, scaled
from tests.servers import CONFIGURATION, NO_CERTIFICATES, Deployment, Server, running_servers

ENTRIES = scaled(5_000)
CUTS = 50 if long_run else 10
MEMBERS = [f"MEMBER-{number}" for number in range(7)]
WORKERS = 6
LIMIT_S = 600.0 if long_run else 120.0

_DOCUMENT = """subscription($reference: String, $after: ID) {memberActivity(reference: $reference, after: $after) {
    eventId topic member {relationReference} entry {id sequence}}}"""


@dataclass
class Subscriber:
    """Follows a member or all of them, and remembers what it was told. `last`: where it goes on."""

    token: str
    reference: str | None
    last: str
    cuts: list[int]
    servers: Iterator[Server]
    events: list[dict[str, Any]] = field(default_factory=list)

    def take(self, event: dict[str, Any]) -> bool:
        """Note an event; whether the connection is to be cut now."""
        self.last = event["eventId"]
        if event["topic"] == "points.earned":
            self.events.append(event)
        return bool(self.cuts) and len(self.events) >= self.cuts[0]

    @property
    def headers(self) -> dict[str, str]:
        """Who it is."""
        return {"authorization": f"Bearer {self.token}"}

    @property
    def variables(self) -> dict[str, str | None]:
        """What it follows, from where on."""
        return {"reference": self.reference, "after": self.last}

    async def over_websocket(self, expected: int) -> None:
        """Follow over `graphql-transport-ws`, with another server each time."""
        while len(self.events) < expected:
            url = next(self.servers).url.replace("http", "ws") + "/graphql"
            async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as connection:
                await connection.send(json.dumps({"type": "connection_init", "payload": self.headers}))
                await connection.recv()
                payload = {"query": _DOCUMENT, "variables": self.variables}
                await connection.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
                try:
                    while len(self.events) < expected:
                        message = json.loads(await connection.recv())
                        assert message["type"] == "next", message
                        if self.take(message["payload"]["data"]["memberActivity"]):
                            self.cuts.pop(0)
                            # What is on its way to us is lost, as where the network goes away.
                            connection.transport.abort()
                            break
                except ConnectionClosed:
                    continue

    async def over_sse(self, expected: int) -> None:
        """Follow over server-sent events, by `Last-Event-ID`."""
        while len(self.events) < expected:
            url = next(self.servers).url + "/graphql"
            headers = self.headers | {"accept": "text/event-stream", "last-event-id": self.last}
            body = {"query": _DOCUMENT, "variables": {"reference": self.reference}}
            async with (
                httpx.AsyncClient(timeout=60, trust_env=False, verify=NO_CERTIFICATES) as client,
                aconnect_sse(client, "POST", url, json=body, headers=headers) as source,
            ):
                async for one in source.aiter_sse():
                    assert one.event == "next", one
                    if self.take(json.loads(one.data)["data"]["memberActivity"]):
                        self.cuts.pop(0)
                        break
                    if len(self.events) >= expected:
                        break


async def test_who_is_cut_off_gets_each_entry_once_and_in_order(database_url: str, tmp_path: Path) -> None:
    deployment = Deployment(database_url, tmp_path)
    credentials = deployment.create_program("Cut", CONFIGURATION)
    # The embedded database is served by one process.
    with running_servers(deployment, 1 if database_url.startswith("sqlite") else 2) as servers:
        async with callers(servers, credentials) as clients, asyncio.timeout(LIMIT_S):
            await _campaign(servers, clients)


async def _campaign(servers: Sequence[Server], clients: Sequence[Caller]) -> None:
    randomness = random.Random(5)
    for member in MEMBERS:
        await clients[0].enroll(member)
    plan = [randomness.choice(MEMBERS) for _ in range(ENTRIES)]
    mine = plan.count(MEMBERS[0])
    last = (await _ask(clients[0], "{lastEventId}"))["lastEventId"]
    token = clients[0].token
    of_all = Subscriber(token, None, last, _cuts(randomness, ENTRIES), itertools.cycle(servers))
    of_one = Subscriber(token, MEMBERS[0], last, _cuts(randomness, mine), itertools.cycle(reversed(servers)))
    async with asyncio.TaskGroup() as group:
        group.create_task(of_all.over_websocket(ENTRIES))
        group.create_task(of_one.over_sse(mine))
        numbered = iter(enumerate(plan))
        for worker in range(WORKERS):
            group.create_task(_post(clients[worker % len(clients)], numbered))
    _each_once_and_in_order(of_all, plan)
    _each_once_and_in_order(of_one, [MEMBERS[0]] * mine)
    # Nothing more comes, and nothing comes again, from the very beginning either.
    again = Subscriber(token, None, "0", [], itertools.cycle(servers))
    await again.over_websocket(ENTRIES)
    assert [one["eventId"] for one in again.events] == [one["eventId"] for one in of_all.events]
    assert not of_all.cuts
    assert not of_one.cuts


def _cuts(randomness: random.Random, count: int) -> list[int]:
    """After how many entries to cut: at random places, all of which are reached."""
    return sorted(randomness.sample(range(1, count), min(CUTS, count - 1)))


async def _post(caller: Caller, plan: Iterator[tuple[int, str]]) -> None:
    for number, member in plan:
        await caller.earn(member, 1, f"T-{number}")


async def _ask(caller: Caller, query: str) -> Any:
    answer = await caller.client.post("/graphql", json={"query": query})
    return answer.json()["data"]


def _each_once_and_in_order(subscriber: Subscriber, plan: Sequence[str]) -> None:
    numbers = [int(one["eventId"]) for one in subscriber.events]
    assert numbers == sorted(set(numbers))
    assert len({one["entry"]["id"] for one in subscriber.events}) == len(subscriber.events) == len(plan)
    sequences: dict[str, list[int]] = defaultdict(list)
    for one in subscriber.events:
        sequences[one["member"]["relationReference"]].append(one["entry"]["sequence"])
    assert sequences == {member: list(range(1, plan.count(member) + 1)) for member in set(plan)}
