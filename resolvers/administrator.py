"""Use cases of administrators: who there are, what they may do, and who is shut out."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission
from domain.administrator import Administrator, Grant
from domain.errors import Forbidden
from domain.store import administrator as store
from domain.store import audit
from resolvers.administrator_rights import (
    find_another,
    is_visible,
    may_give,
    require_administration,
    require_giving,
    told,
)
from resolvers.context import Context


async def list_administrators(ctx: Context) -> list[Administrator]:
    """Those who have a role where the caller works: in its program, or anywhere in the deployment. Raises Forbidden."""
    ctx.principal.require(Permission.ADMINISTRATOR_READ)
    everybody = await ctx.read(lambda tx: store.list_administrators(tx))
    return [one for one in everybody if is_visible(ctx, one)]


async def save_grants(ctx: Context, administrator_id: int, grants: Sequence[Grant]) -> Administrator:
    """Give an administrator these roles in place of what it has where the caller may give any.

    Nobody changes its own. Raises Forbidden, SecondFactorNeeded, AdministratorNotFound, InvalidRequest.
    """
    require_administration(ctx)

    def body(tx: Connection) -> Administrator:
        require_giving(tx, ctx, grants)
        one = find_another(tx, ctx, administrator_id)
        kept = [each for each in one.grants if not may_give(tx, ctx, each)]
        if any(each.public_program_id in {None, ctx.principal.public_program_id} for each in kept):
            raise Forbidden("its role here is not yours to take")
        store.drop_links_to(tx, [one.id])
        store.drop_links_by(tx, one.actor)
        store.replace_grants(tx, one.id, [*kept, *grants])
        [after] = store.list_administrators(tx, [one.id])
        _record(tx, ctx, "administrator.roles", one, told(one.grants), told(after.grants))
        return after

    return await ctx.write(body)


async def set_disabled(ctx: Context, administrator_id: int, *, disabled: bool) -> Administrator:
    """Shut an administrator out at once, or let it in again. Nobody shuts itself out.

    Raises Forbidden, SecondFactorNeeded, AdministratorNotFound.
    """
    require_administration(ctx)

    def body(tx: Connection) -> Administrator:
        one = find_another(tx, ctx, administrator_id)
        require_giving(tx, ctx, one.grants)
        store.update_administrator(tx, one.id, {"disabled_at": ctx.services.clock() if disabled else None})
        if disabled:
            store.end_sessions_of(tx, one.id)
            store.drop_links_to(tx, [one.id])
            store.drop_links_by(tx, one.actor)
        action = "administrator.disable" if disabled else "administrator.enable"
        _record(tx, ctx, action, one, {"disabled": one.disabled_at is not None}, {"disabled": disabled})
        [after] = store.list_administrators(tx, [one.id])
        return after

    return await ctx.write(body)


def _record(tx: Connection, ctx: Context, action: str, one: Administrator, before: Any, after: Any) -> None:
    where = ctx.principal.program_id
    program = audit.DEPLOYMENT if where is None else where
    ctx.audit(tx, action, f"administrator:{one.email}", before=before, after=after, program=program)
