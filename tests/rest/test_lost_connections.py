"""Sixteen clients, all operations, connections lost once the request is sent: every effect once, none missing."""

import asyncio
from pathlib import Path

from rest_compat.routes import OPERATIONS
from tests.callers import callers
from tests.database import Dialect
from tests.rest.shopper import Shopper
from tests.scale import scaled
from tests.servers import CONFIGURATION, Deployment, running_servers

CLIENTS = 16
SECONDS = scaled(120)
PROCESSES: dict[Dialect, int] = {"sqlite": 1, "postgresql": 2}


async def test_what_is_tried_again_until_it_is_answered_happened_once(
    database_url: str, dialect: Dialect, tmp_path: Path
) -> None:
    deployment = Deployment(database_url, tmp_path)
    credentials = deployment.create_program("Shop", CONFIGURATION)
    with running_servers(deployment, PROCESSES[dialect]) as servers:
        async with callers(servers, credentials) as doors:
            shoppers = [Shopper(number, doors[number % len(doors)], seed=number) for number in range(CLIENTS)]
            await asyncio.gather(*(one.run(SECONDS) for one in shoppers))
            for one in shoppers:
                await one.settled()
        assert sum(one.dropped for one in shoppers) > CLIENTS
        assert set().union(*(one.called for one in shoppers)) == {row.name for row in OPERATIONS}
    deployment.command("ledger", "verify", "--program", str(credentials.program_id))
