"""The relay of the outbox: numbers events after commit, so that readers can follow them without a gap."""

from domain.store.outbox import has_unnumbered, number_events
from resolvers.context import Services
from resolvers.program import list_environment_programs

EVENTS_PER_COMMIT = 1000


async def relay_outbox(services: Services, *, limit: int = EVENTS_PER_COMMIT) -> int:
    """Give a `feed_seq` to every committed event that has none; how many were numbered.

    Row ids commit out of order. The feed's own row is the lock, so one relay at a time numbers a program.
    """
    total = 0
    for program in await list_environment_programs(services):
        total += await _relay_program(services, program.id, limit)
    return total


async def _relay_program(services: Services, program_id: int, limit: int) -> int:
    if not await services.db.read(lambda tx: has_unnumbered(tx, program_id)):
        return 0
    numbered, done = 0, limit
    while done == limit:
        done = await services.db.write(lambda tx: number_events(tx, program_id, limit))
        numbered += done
    return numbered
