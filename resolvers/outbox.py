"""The relay of the outbox numbers events after commit, so that they can be followed without a gap; and its reader."""

from domain.store.feed import CHANNEL, newest_numbers, read_events
from domain.store.outbox import has_unnumbered, number_events
from resolvers.context import Services
from resolvers.program import list_environment_programs

EVENTS_PER_COMMIT = 1000
EVENTS_PER_READ = 500


async def relay_outbox(services: Services, *, limit: int = EVENTS_PER_COMMIT) -> int:
    """Give a `feed_seq` to every committed event that has none; how many were numbered.

    Row ids commit out of order. The feed's own row is the lock, so one relay at a time numbers a program.
    """
    total = 0
    for program in await list_environment_programs(services):
        total += await number_program(services, program.id, limit)
    return total


async def number_program(services: Services, program_id: int, limit: int = EVENTS_PER_COMMIT) -> int:
    """The same for one program: also before something is told that goes up to now."""
    if not await services.db.read(lambda tx: has_unnumbered(tx, program_id)):
        return 0
    numbered, done = 0, limit
    while done == limit:
        topics = await services.db.write(lambda tx: number_events(tx, program_id, limit))
        done = topics.total()
        numbered += done
        # Counted here, where each event passes once, so that what makes them pays nothing for it.
        for topic, count in topics.items():
            services.figures.count("events", topic, count)
    # The database tells the other processes.
    services.feed.bell.set()
    services.couriers.bell.set()
    return numbered


async def read_feed(services: Services, *, limit: int = EVENTS_PER_READ) -> int:
    """Hand on what is new in the programs that anybody follows here; how many events. The process has one reader."""
    positions = services.feed.positions
    if not positions:
        return 0
    await services.db.listen(CHANNEL, services.feed.bell.set)
    newest = await services.db.read(lambda tx: newest_numbers(tx, positions))
    done = 0
    for program_id, position in positions.items():
        if newest.get(program_id, 0) > position:
            done += await _read_program(services, program_id, position, limit)
    return done


async def _read_program(services: Services, program_id: int, position: int, limit: int) -> int:
    events = await services.db.read(lambda tx: read_events(tx, program_id, after=position, limit=limit))
    # Meanwhile the last one may have gone, and another have come who begins somewhere else.
    if services.feed.positions.get(program_id) != position:
        return 0
    services.feed.publish(program_id, events)
    return len(events)
