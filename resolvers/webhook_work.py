"""The job of webhooks: takes up endpoints that have something to deliver, and works on many of them at a time."""

import asyncio
import time
from contextlib import suppress
from datetime import datetime

import structlog

from domain.errors import ServiceUnavailable
from domain.store import webhook as endpoints
from resolvers.context import Services
from resolvers.couriers import LEASE, Lease
from resolvers.token import ENVIRONMENTS
from resolvers.webhook_note import note_round
from resolvers.webhook_round import Posting, Round, load_round

ENDPOINTS_AT_ONCE = 32
"""Endpoints that a process works on at a time: one whose receiver hangs keeps none of the others waiting."""
_ROUNDS = 20
"""After so many rounds an endpoint is given back, so that others have their turn."""
PATIENCE_S = 4.0
"""How long requests that are under way may take when the process ends."""

_log = structlog.get_logger("tessera.webhooks")


async def deliver_webhooks(services: Services) -> int:
    """Take up endpoints that have something to deliver; how many. They are worked on beside the caller."""
    couriers = services.couriers
    room = ENDPOINTS_AT_ONCE - len(couriers.tasks)
    if services.carrier is None or couriers.is_stopping or room <= 0:
        return 0
    now, environments = services.clock(), ENVIRONMENTS[services.environment]
    if not await services.db.read(lambda tx: endpoints.has_work(tx, environments, now)):
        return 0
    claimed = await services.db.write(lambda tx: endpoints.claim_endpoints(tx, environments, now, now + LEASE, room))
    for row in claimed:
        lease = Lease(row.program_id, row.id, row.lease + 1)
        task = asyncio.create_task(_work(services, lease), name=f"webhook-{row.program_id}-{row.id}")
        couriers.tasks.add(task)
        task.add_done_callback(couriers.tasks.discard)
        # What was left while this process was busy is looked for.
        task.add_done_callback(lambda _: couriers.bell.set())
    return len(claimed)


async def stop_webhooks(services: Services) -> None:
    """End the work: requests under way are waited for a little; what was not tried is left to others."""
    await services.couriers.stop(PATIENCE_S)


async def _work(services: Services, lease: Lease) -> None:
    """Work on an endpoint until nothing is left to do, or others are to have their turn."""
    keeping = asyncio.create_task(_keep(services, lease))
    try:
        goes_on = True
        for _ in range(_ROUNDS):
            goes_on = goes_on and not services.couriers.is_stopping and await _round(services, lease)
        if goes_on or services.couriers.is_stopping:
            await _lease_until(services, lease, services.clock())
    except ServiceUnavailable:
        # The database is away: the lease lapses by itself.
        _log.warning("webhooks wait for the database", endpoint=lease.endpoint_id)
    except Exception:
        # The task has no caller: what goes wrong at one endpoint is said, and the lease lapses.
        _log.exception("webhooks of an endpoint failed, and are tried again", endpoint=lease.endpoint_id)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _round(services: Services, lease: Lease) -> bool:
    """Post what is due; whether there is more to do at once."""
    now = services.clock()
    found = await services.db.read(lambda tx: load_round(tx, services, lease, now))
    if found is None or found.is_empty:
        await _lease_until(services, lease, services.clock())
        return False
    await _post(services, lease, found)
    ended = services.clock()
    return await services.db.write(lambda tx: note_round(tx, lease, found, ended))


async def _post(services: Services, lease: Lease, found: Round) -> None:
    couriers, carrier = services.couriers, services.carrier
    assert carrier is not None  # noqa: S101 - without one nothing is taken up
    posting = Posting(found, carrier, services.clock, lambda: lease.is_good and not couriers.is_stopping)
    couriers.hurry.add(posting.end)
    try:
        await posting.run()
    finally:
        couriers.hurry.discard(posting.end)


async def _keep(services: Services, lease: Lease) -> None:
    """Prolong the lease for as long as it is worked on."""
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 5)
        with suppress(ServiceUnavailable):
            since = time.monotonic()
            if await _lease_until(services, lease, services.clock() + LEASE):
                lease.prolonged(since)
            else:
                lease.lost()


async def _lease_until(services: Services, lease: Lease, until: datetime) -> bool:
    return await services.db.write(
        lambda tx: endpoints.prolong_lease(tx, lease.program_id, lease.endpoint_id, lease.number, until)
    )
