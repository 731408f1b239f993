"""Who was erased, as a list that outlives the database: a database from an older backup has to forget them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from domain.access import system_principal
from domain.ids import new_token
from domain.store import audit
from domain.store.erasure import Erasure, list_erasures
from domain.store.member import find_members
from resolvers.context import Context, Services
from resolvers.erasure import forget_person, lock_accounts, reference_hash
from resolvers.program import list_environment_programs

__all__ = ["ErasedAgain", "Erasure", "erase_again", "erasures_since"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasedAgain:
    """Of a list: how many are erased now, how many had been, and how many members this database does not have."""

    erased: int = 0
    before: int = 0
    absent: int = 0


async def erasures_since(services: Services, since: datetime | None) -> Sequence[Erasure]:
    """Everybody who was erased then or later, in whatever program; None: ever."""
    return await services.db.read(lambda tx: list_erasures(tx, since))


async def erase_again(services: Services, erasures: Sequence[Erasure], actor: str) -> ErasedAgain:
    """Forget everybody on the list whom this database still knows, each in a database transaction of its own.

    Whom it does not know as the one who was erased is left alone: ids of members who were enrolled after the backup
    are given to others.
    """
    programs = {one.id: one for one in await list_environment_programs(services)}
    counts = {"erased": 0, "before": 0, "absent": 0}
    for one in erasures:
        outcome = "absent"
        if (program := programs.get(one.program_id)) is not None:
            principal = system_principal(program.id, program.public_id, program.environment, actor)
            ctx = Context(
                services=services, principal=principal, source="cli", request_id=new_token("erasure", nbytes=8)
            )
            outcome = await ctx.write(partial(_erase_again, ctx, one))
        counts[outcome] += 1
    return ErasedAgain(**counts)


def _erase_again(ctx: Context, erasure: Erasure, tx: Connection) -> str:
    state = ctx.program(tx)
    lock_accounts(tx, ctx, state, [erasure.member_id])
    found = find_members(tx, ctx.services.keys, state.id, ids=[erasure.member_id], lock=True)
    if not found:
        return "absent"
    member = found[0].member
    if member.erased_at is not None:
        return "before"
    if reference_hash(ctx.services.keys, state.id, member.relation_reference) != erasure.reference_hash:
        return "absent"
    # When it was erased is when it was asked for; when it had to be done again stands in the audit trail.
    forget_person(tx, state, ctx.services.keys, member, erasure.erased_at)
    now, subject = ctx.services.clock(), f"member:{member.id}"
    audit.record(tx, state.id, now=now, actor=ctx.principal, action="member.erase-again", subject=subject)
    return "erased"
