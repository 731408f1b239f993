"""`kill -9` of the server under load: what was acknowledged is there once, and a retry settles the rest."""

import asyncio
import random
from pathlib import Path

from tests.callers import Caller, callers
from tests.database import Dialect, FreshDatabase
from tests.ledger.invariants import Books, stored_books
from tests.ledger.load import (
    MEMBERS,
    Load,
    everything_is_there_once,
    open_accounts,
    redemptions,
    reversals,
    verify,
)
from tests.scale import scaled
from tests.servers import CONFIGURATION, Deployment, Server, running_servers

KILLS = max(2, scaled(20))


async def kill_in_the_middle(server: Server, caller: Caller, load: Load) -> None:
    """Start a load, and end the server while requests are on their way."""
    running = asyncio.create_task(load.run(caller))
    await asyncio.sleep(load.randomness.uniform(0.1, 0.8))
    await asyncio.to_thread(server.kill)
    await running
    assert load.answers == []
    assert load.open, "a kill that interrupts nothing proves nothing"


async def settle(caller: Caller, load: Load, before: Books) -> None:
    """Retry everything that is open, and some of what is not, each with its key."""
    kept = {"redemption": redemptions(before), "reversal": reversals(before)}
    open_requests = dict(load.open)
    for key, answer in (await load.settle(caller)).items():
        request = open_requests[key]
        if request.reverses is None:
            was_there = str(answer.value) in kept["redemption"]
        else:
            was_there = request.reverses in kept["reversal"]
        assert answer.code == "000"
        assert answer.is_replay == was_there, "a retry replays what is there, and does what is not"
    for request, reference in list(load.done.values())[-25:]:
        answer = await request.send(caller)
        assert (answer.code, answer.is_replay, str(answer.value)) == ("000", True, reference)


async def test_a_killed_server_keeps_its_word(dialect: Dialect, fresh_database: FreshDatabase, tmp_path: Path) -> None:
    with fresh_database() as url:
        deployment = Deployment(url, tmp_path)
        credentials = deployment.create_program("shop", CONFIGURATION)
        load = Load(MEMBERS, random.Random(f"{dialect} {KILLS}"))
        with running_servers(deployment) as [server]:
            await open_accounts(server, credentials)
            for _ in range(KILLS):
                async with callers([server], credentials) as [caller]:
                    await kill_in_the_middle(server, caller, load)
                await asyncio.to_thread(server.start)
                before = await stored_books(url, tmp_path, credentials.program_id)
                assert set(load.redeemed) <= set(redemptions(before)), "an acknowledged redemption is gone"
                assert set(load.reversed) <= set(reversals(before)), "an acknowledged reversal is gone"
                async with callers([server], credentials) as [caller]:
                    await settle(caller, load, before)
                await everything_is_there_once(deployment, credentials, load)
            await verify(deployment, credentials)
