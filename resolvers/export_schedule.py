"""Exports that a program's schedule asks for."""

from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from domain.access import Permission, Principal, PrincipalKind
from domain.file_terms import ScheduledExport
from domain.store.export import has_due
from resolvers.context import Context, Services
from resolvers.export import RequestExport, stored_request
from resolvers.program import list_environment_programs


async def export_contexts(services: Services) -> list[Context]:
    """A context for each program, in which exports are asked for and written."""
    return [
        Context(
            services=services,
            principal=Principal(
                kind=PrincipalKind.SYSTEM,
                actor="system:exports",
                program_id=program.id,
                public_program_id=program.public_id,
                environment=program.environment,
                permissions=frozenset({Permission.EXPORT_READ, Permission.EXPORT_WRITE}),
            ),
            source="job",
            request_id="exports",
        )
        for program in await list_environment_programs(services)
    ]


async def schedule_exports(ctx: Context) -> int:
    """Ask for what is due and was not asked for yet; how many. Of what was missed the newest. Raises Forbidden."""
    ctx.principal.require(Permission.EXPORT_WRITE)
    now = ctx.services.clock()

    def find(tx: Connection) -> list[tuple[ScheduledExport, datetime]]:
        state = ctx.program(tx)
        due = [(one, one.due_at(now, state.zone)) for one in state.configuration.files.exports]
        return [(one, at) for one, at in due if not has_due(tx, state.id, one.kind, at)]

    return sum([await ctx.write(partial(_ask, ctx, *due)) for due in await ctx.read(find)])


def _ask(ctx: Context, one: ScheduledExport, due_at: datetime, tx: Connection) -> int:
    state = ctx.program(tx)
    # Another process may have asked meanwhile.
    if has_due(tx, state.id, one.kind, due_at):
        return 0
    command = RequestExport(kind=one.kind, since_last=one.since_last, is_gzip=one.gzip)
    stored_request(tx, ctx, state, command, due_at=due_at)
    return 1
