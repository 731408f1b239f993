"""PostgreSQL goes away under load and comes back: 503 meanwhile, and then as if nothing had been."""

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from domain.migrations import upgrade
from tests.callers import Caller, callers
from tests.ledger.load import MEMBERS, Load, everything_is_there_once, open_accounts, verify
from tests.postgres import LocalPostgres, running_postgres
from tests.scale import scaled
from tests.servers import CONFIGURATION, Deployment, running_servers

PATIENCE_S = 30.0
OUTAGES = max(1, scaled(10))


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_database_that_goes_away_and_comes_back(
    how: Literal["stop", "kill"], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with running_postgres() as postgres:
        deployment = Deployment(postgres.create_database("outage"), tmp_path)
        upgrade(deployment.database_url)
        credentials = deployment.create_program("shop", CONFIGURATION)
        load = Load(MEMBERS, random.Random(how))
        with running_servers(deployment) as [server]:
            await open_accounts(server, credentials)
            async with callers([server], credentials) as [caller]:
                running = asyncio.create_task(load.run(caller))
                await until(lambda: len(load.done) > 50)
                for _ in range(OUTAGES):
                    await one_outage(postgres, how, load, caller)
                load.stop()
                await running
                assert load.answers == []
                assert all(answer.status == 503 and "retry-after" in answer.headers for answer in load.away)
                assert all(answer.envelope["IsSucessful"] is False for answer in load.away)
                await load.settle(caller)
            record_property("outages", OUTAGES)
            record_property("acknowledged", len(load.done))
            record_property("answered with 503", len(load.away))
            assert load.open == {}
            assert server.is_running
            await everything_is_there_once(deployment, credentials, load)
            await verify(deployment, credentials)


async def one_outage(postgres: LocalPostgres, how: Literal["stop", "kill"], load: Load, caller: Caller) -> None:
    """Take the database away under load, and bring it back."""
    away = len(load.away)
    await asyncio.to_thread(getattr(postgres, how))
    await until(lambda: len(load.away) > away + 20)
    await every_operation_says_so(caller)
    await asyncio.to_thread(postgres.start)
    recovered = len(load.done)
    await until(lambda: len(load.done) > recovered + 50)


async def every_operation_says_so(caller: Caller) -> None:
    """Reading and writing, in the envelope, soon."""
    started = time.monotonic()
    answers = await asyncio.gather(
        caller.post("CheckAvailability", {"RelationReference": MEMBERS[0]}),
        caller.post("GetMemberStatementSummary", {"RelationReference": MEMBERS[0]}),
        caller.post("CreateProfileWithAttributes", {"relation_reference": "NEW"}),
        caller.redeem(MEMBERS[0], 1),
    )
    assert [(answer.status, answer.code) for answer in answers] == [(503, "503")] * 4
    assert time.monotonic() - started < PATIENCE_S


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it, but not for ever."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)
