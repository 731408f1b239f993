"""The job that books what is due and what lapsed: any number of processes, stopped and started anywhere."""

from sqlalchemy import Connection

from domain.store.journal import Journal
from domain.store.lot import due_members
from resolvers.context import Services
from resolvers.program import list_environment_programs

MEMBERS_PER_COMMIT = 200
_ACTOR = "system:expiry"


async def expire_due(services: Services, *, limit: int = MEMBERS_PER_COMMIT) -> int:
    """Write off due lots and end overdue holds in every program, in batches; how many members were seen to.

    Balances are right without it, because what is due or lapsed is counted so on read: this only books it.
    """
    total = 0
    for program in await list_environment_programs(services):
        while (done := await _expire_batch(services, program.id, limit)) > 0:
            total += done
    return total


async def _expire_batch(services: Services, program_id: int, limit: int) -> int:
    now = services.clock()
    if not await services.db.read(lambda tx: due_members(tx, program_id, now, 1)):
        return 0

    def body(tx: Connection) -> int:
        members = due_members(tx, program_id, now, limit)
        state = services.programs.current(tx, program_id)
        # Locking an account books what is due and what lapsed on it, once: a second process finds nothing left.
        journal = Journal(tx, program_id, state.config_version, now, _ACTOR, "job")
        journal.lock_accounts(members)
        journal.flush()
        return len(members)

    return await services.db.write(body)
