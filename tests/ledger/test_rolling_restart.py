"""Two servers and a worker are restarted in turn under load, as a new version is rolled out: nobody notices."""

import asyncio
import itertools
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.callers import Answer, Caller, callers
from tests.database import FreshDatabase
from tests.ledger.invariants import stored_books, violations
from tests.ledger.load import MEMBERS, open_accounts, redemptions, verify
from tests.ledger.test_queue_crash import assert_done_once, finished, queue, start_worker, transactions
from tests.scale import scaled
from tests.servers import CONFIGURATION, Deployment, Server, running_servers

TURNS = max(1, scaled(10))
CLIENTS = 6
PATIENCE_S = 60.0


@dataclass
class Place:
    """A server behind the balancer. It gets no new requests while it is told to end, or is not ready yet."""

    server: Server
    caller: Caller
    is_leaving: bool = False
    answered: int = 0


@dataclass
class Balancer:
    """Clients behind a load balancer, which sends each request to the next server that takes requests.

    A request that it had sent when it learned that the server leaves is awaited; one that is broken off nevertheless
    goes to the other server with its key, and is noted: only a server that is leaving may break one off.
    """

    places: list[Place]
    done: list[str] = field(default_factory=list)
    refused: list[Answer] = field(default_factory=list)
    broken: list[bool] = field(default_factory=list)
    is_stopping: bool = False

    async def run(self) -> None:
        """Redeem from all clients until `is_stopping`."""
        turn = itertools.cycle(self.places)
        await asyncio.gather(*(self._work(turn, random.Random(number)) for number in range(CLIENTS)))

    async def _work(self, turn: "itertools.cycle[Place]", randomness: random.Random) -> None:
        while not self.is_stopping:
            await self._redeem(turn, randomness.choice(MEMBERS), str(uuid.uuid4()))
            # Servers that start need the processor too, and every redemption is looked at afterwards.
            await asyncio.sleep(randomness.uniform(0.05, 0.2))

    async def _redeem(self, turn: "itertools.cycle[Place]", member: str, key: str) -> None:
        while True:
            place = next(one for one in turn if not one.is_leaving)
            try:
                answer = await place.caller.redeem(member, 1, key)
            except httpx2.TransportError:
                self.broken.append(place.is_leaving)
                continue
            place.answered += 1
            if answer.code == "000":
                self.done.append(str(answer.value))
            else:
                self.refused.append(answer)
            return


async def restart(place: Place) -> None:
    """Take a server out, end it as a service manager does, start the next version of it, and put that in."""
    place.is_leaving = True
    assert await asyncio.to_thread(place.server.stop) == 0
    await asyncio.to_thread(place.server.start)
    place.is_leaving = False
    before = place.answered
    await _until(lambda: place.answered > before + 10)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_servers_and_workers_are_replaced_one_by_one_under_load(
    fresh_database: FreshDatabase, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with fresh_database() as url:
        deployment = Deployment(url, tmp_path)
        credentials = deployment.create_program("shop", CONFIGURATION)
        with running_servers(deployment, 2) as servers:
            await open_accounts(servers[0], credentials)
            async with callers(servers, credentials) as each:
                for number in range(5):
                    await each[0].enroll(f"Q{number}")
                balancer = Balancer([Place(*pair) for pair in zip(servers, each, strict=True)])
                running = asyncio.create_task(balancer.run())
                batches = await _replace_all(deployment, balancer)
                balancer.is_stopping = True
                await running
                for one in batches:
                    assert_done_once(await finished(each[0], one))
        record_property("restarts", TURNS * 3)
        record_property("acknowledged", len(balancer.done))
        record_property("broken off by a server that was leaving", len(balancer.broken))
        assert balancer.refused == [], "a refusal, though there was always a server that could have answered"
        assert all(balancer.broken), "a request was broken off by a server that was to go on"
        books = await stored_books(url, tmp_path, credentials.program_id)
        assert sorted(redemptions(books)) == sorted(balancer.done), "each acknowledged redemption is there, once"
        assert violations(books) == []
        await verify(deployment, credentials)


async def _replace_all(deployment: Deployment, balancer: Balancer) -> list[str]:
    """Restart one server, the worker, the other server, while transactions are queued; what these are polled by."""
    batches: list[str] = []
    worker = await start_worker(deployment)
    try:
        for turn in range(TURNS):
            for place, other in itertools.permutations(balancer.places):
                batches.append(await queue(other.caller, transactions(f"R{turn}-{place.server.port}")))
                await restart(place)
            batches.append(await queue(balancer.places[0].caller, transactions(f"W{turn}")))
            worker.terminate()
            await asyncio.to_thread(worker.communicate, PATIENCE_S)
            assert worker.returncode == 0
            worker = await start_worker(deployment)
    finally:
        worker.terminate()
        await asyncio.to_thread(worker.communicate)
    return batches


async def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)
