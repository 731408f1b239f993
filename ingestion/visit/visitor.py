"""The visitor: goes to the partners' servers that are due, one at a time in each of its jobs."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from domain.errors import ServiceUnavailable
from domain.network import Network
from ingestion.folder import program_folder
from ingestion.visit.connection import VisitFailed, connected
from ingestion.visit.pull import Pull
from ingestion.visit.push import Push
from resolvers.context import Services
from resolvers.partner_server import LEASE, Visit, claim_visit, end_visit, prolong_visit

_MAX_OUTCOME = 300

_log = structlog.get_logger("tessera.visits")


async def visit_due(services: Services, data_dir: Path, networks: Sequence[Network]) -> int:
    """A job: visit the server that has been due for the longest time; how many were visited, one or none."""
    visit = await claim_visit(services)
    if visit is None:
        return 0
    keeping = asyncio.create_task(_keep(visit))
    try:
        outcome, failed = await _visit(visit, data_dir, networks)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    await end_visit(visit, outcome, failed=failed)
    tell = _log.warning if failed else _log.info
    program = visit.ctx.principal.public_program_id
    tell("partner visited", program=program, server=visit.known.server.name, outcome=outcome)
    return 1


async def _visit(visit: Visit, data_dir: Path, networks: Sequence[Network]) -> tuple[str, bool]:
    """What the visit came to, and whether it failed; what went before it failed is not done again."""
    folder = program_folder(data_dir, visit.ctx.principal)
    await asyncio.to_thread(folder.make)
    session = connected(visit.known.server, visit.secret, networks)
    fetched = brought = 0
    try:
        client = await asyncio.to_thread(session.__enter__)
        try:
            fetched = await Pull(visit, folder, client).run()
            brought = await Push(visit, folder, client).run()
        finally:
            # Closing it ends what a thread still waits for.
            client.close()
            await asyncio.to_thread(session.__exit__, None, None, None)
    except VisitFailed as error:
        return str(error)[:_MAX_OUTCOME], True
    except ServiceUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the partner's server does, the next visit may go well
        return f"{type(error).__name__}: {error}"[:_MAX_OUTCOME], True
    return f"{fetched} fetched, {brought} brought", False


async def _keep(visit: Visit) -> None:
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 4)
        with suppress(ServiceUnavailable):
            await prolong_visit(visit)
