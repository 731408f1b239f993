"""`kill -9` in the middle of queued transactions: what was accepted is posted, once, whoever takes it up again."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from domain.clock import system_clock
from domain.crypto import KeyRing
from domain.store.database import open_database
from domain.store.program import ProgramCache
from resolvers.context import Services
from resolvers.verification import verify_ledger
from tests.callers import Caller, callers
from tests.database import FreshDatabase
from tests.scale import scaled
from tests.servers import CONFIGURATION, SECRET, Deployment, running_servers
from tests.warm import WarmProcess

ROUNDS = max(2, scaled(20))
ITEMS = 400
MEMBERS = 5


def transactions(prefix: str) -> list[dict[str, Any]]:
    """Purchases of one point each; the first of every four is refunded by the second."""
    return [
        {
            "transaction_id": f"{prefix}-{number - 1 if number % 4 == 1 else number}",
            "transaction_type": "cr" if number % 4 == 1 else "dr",
            "amount": 1,
            "transaction_date": time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400)),
            "product_code": "PLAIN",
            "member_relation_reference": f"Q{number // 4 % MEMBERS}",
            "_xoxo_api_client_idempotency": f"{prefix}-{number}",
        }
        for number in range(ITEMS)
    ]


async def queue(caller: Caller, elements: Sequence[Mapping[str, Any]]) -> str:
    """Queue transactions, and give what to poll by."""
    answer = await caller.client.post("/v1/InsertTransactionDataV2", json=elements)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["ReturnObject"]["batch_id"])


async def poll(caller: Caller, batch_id: str) -> dict[str, Any]:
    """How far a batch is."""
    answer = await caller.client.get("/v1/PollTransactionBatchStatus", params={"batch_id": batch_id})
    assert answer.status_code == 200, answer.text
    polled: dict[str, Any] = answer.json()["ReturnObject"]
    return polled


async def finished(caller: Caller, batch_id: str, pause_s: float = 0.05) -> dict[str, Any]:
    """The batch when nothing of it is pending."""
    until = time.monotonic() + 120
    while (polled := await poll(caller, batch_id))["summary"]["pending"]:
        assert time.monotonic() < until, "the queue stands still"
        await asyncio.sleep(pause_s)
    return polled


def assert_done_once(polled: dict[str, Any]) -> None:
    """Everything is posted, and no key was met a second time."""
    assert polled["summary"] == {
        "total": ITEMS, "success": ITEMS, "failed": 0, "pending": 0, "on_hold": 0, "partial_hold": 0,
    }  # fmt: skip
    assert [row["points"] for row in polled["results"]] == [-1 if place % 4 == 1 else 1 for place in range(ITEMS)]


async def balances(caller: Caller) -> int:
    return sum([await caller.available(f"Q{number}") for number in range(MEMBERS)])


async def sound(url: str, folder: Path) -> None:
    """Every balance, lot, trace and hash chain holds."""
    db = open_database(url, data_dir=folder, serving=False, read_only=True)
    services = Services(
        db=db,
        clock=system_clock,
        keys=KeyRing(SECRET),
        programs=ProgramCache(),
        environment="sandbox",
    )
    try:
        assert await verify_ledger(services) == []
    finally:
        await db.close()


async def test_a_killed_server_posts_what_it_accepted_once(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    chance, batches, interrupted = random.Random(ROUNDS), list[str](), 0
    with fresh_database() as url:
        deployment = Deployment(url, tmp_path)
        credentials = deployment.create_program("shop", CONFIGURATION)
        with running_servers(deployment) as [server]:
            async with callers([server], credentials) as [caller]:
                for number in range(MEMBERS):
                    await caller.enroll(f"Q{number}")
            for turn in range(ROUNDS):
                async with callers([server], credentials) as [caller]:
                    batches.append(await queue(caller, transactions(f"T{turn}")))
                    await asyncio.sleep(chance.random() * 0.1)
                    interrupted += (await poll(caller, batches[-1]))["summary"]["pending"] > 0
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            async with callers([server], credentials) as [caller]:
                for one in batches:
                    assert_done_once(await finished(caller, one))
                assert interrupted > 0, "kills that interrupt nothing prove nothing"
                assert await balances(caller) == ROUNDS * ITEMS // 2
        await sound(url, tmp_path)


async def start_worker(deployment: Deployment) -> WarmProcess:
    """`tessera worker`, once it works."""
    process = WarmProcess(["worker"], env=deployment.environment, cwd=deployment.data_dir)
    assert process.stderr is not None
    assert "working" in await asyncio.to_thread(process.stderr.readline)
    return process


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_workers_share_what_a_server_accepted_and_may_be_killed_or_stopped(
    fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    with fresh_database() as url:
        deployment = Deployment(url, tmp_path)
        credentials = deployment.create_program("shop", CONFIGURATION)
        with running_servers(deployment) as [server]:
            async with callers([server], credentials) as [caller]:
                for number in range(MEMBERS):
                    await caller.enroll(f"Q{number}")
                workers = [await start_worker(deployment) for _ in range(2)]
                batches = [await queue(caller, transactions(f"W{turn}")) for turn in range(4)]
                await asyncio.sleep(0.2)
                workers[0].kill()
                workers[1].terminate()
                ends = [await asyncio.to_thread(one.communicate, 30) for one in workers]
                assert [one.returncode for one in workers] == [-9, 0], ends
                for one in batches:
                    assert_done_once(await finished(caller, one))
                assert await balances(caller) == 4 * ITEMS // 2
        await sound(url, tmp_path)


async def test_what_was_accepted_is_soon_posted(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    with fresh_database() as url:
        deployment = Deployment(url, tmp_path)
        credentials = deployment.create_program("shop", CONFIGURATION)
        with running_servers(deployment) as [server]:
            async with callers([server], credentials) as [caller]:
                await caller.enroll("Q0")
                waits: Sequence[float] = [await _wait_for_one(caller, turn) for turn in range(8)]
    # The server is woken; it would look by itself four times a second. The machine may be busy at times.
    assert sorted(waits)[len(waits) // 2] < 0.2


async def _wait_for_one(caller: Caller, turn: int) -> float:
    batch_id = await queue(caller, [transactions(f"S{turn}")[0]])
    since = time.monotonic()
    await finished(caller, batch_id, 0.005)
    return time.monotonic() - since
