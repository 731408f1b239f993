"""Use cases of tiers: the job that takes them away when their time is over, and tiers given by hand."""

from datetime import timedelta

from sqlalchemy import Connection

from domain.access import system_principal
from domain.store.journal import Journal
from domain.store.member import find_members
from domain.store.tier import retained_until
from resolvers.awarding import Awarding
from resolvers.context import Context, Services
from resolvers.program import list_environment_programs
from resolvers.standing import Standing
from resolvers.tiering import Tiering, is_automatic

MEMBERS_PER_COMMIT = 200


async def assess_tiers(services: Services, *, limit: int = MEMBERS_PER_COMMIT) -> int:
    """Assess every member whose retention is over, in batches; how many were looked at.

    A member who still qualifies is retained anew, so that each is looked at once a retention at the most.
    """
    total = 0
    for program in await list_environment_programs(services):
        caller = system_principal(program.id, program.public_id, program.environment, "system:tiers")
        ctx = Context(services=services, principal=caller, source="job", request_id="-")
        while (done := await _assess_batch(ctx, limit)) > 0:
            total += done
    return total


async def _assess_batch(ctx: Context, limit: int) -> int:
    now = ctx.services.clock()

    def over(tx: Connection, most: int) -> list[int]:
        state = ctx.program(tx)
        if not is_automatic(state.configuration):
            return []
        before = now - timedelta(days=state.configuration.tiers.retention_days)
        return retained_until(tx, state.id, before, most)

    if not await ctx.read(lambda tx: over(tx, 1)):
        return 0

    def body(tx: Connection) -> int:
        ids = over(tx, limit)
        state = ctx.program(tx)
        journal = Journal(tx, state.id, state.config_version, now, ctx.principal.actor, ctx.source)
        accounts = journal.lock_accounts(ids)
        journal.flush()
        members = [one.member for one in find_members(tx, ctx.services.keys, state.id, ids=ids)]
        standing = Standing(state)
        standing.load(tx, members, [now])
        awarding = Awarding(tx, state, accounts, now)
        awarding.load()
        tiering = Tiering(tx, state, now, standing, awarding)
        for member in members:
            tiering.assess(member, accounts[member.id])
        tiering.write_down(journal)
        journal.flush()
        return len(ids)

    return await ctx.write(body)
