"""Use cases of administrators: who there are, what they may do, and who is shut out."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission
from domain.administrator import Administrator, Grant
from domain.errors import Forbidden
from domain.store import administrator as store
from domain.store import audit
from resolvers.administrator_approval import ENABLE, ROLES, waits
from resolvers.administrator_rights import (
    find_another,
    is_visible,
    may_give,
    require_administration,
    require_giving,
    told,
    words_of,
)
from resolvers.context import Context
from resolvers.independence import behind


async def list_administrators(ctx: Context) -> list[Administrator]:
    """Those who have a role where the caller works: in its program, or anywhere in the deployment. Raises Forbidden."""
    ctx.principal.require(Permission.ADMINISTRATOR_READ)
    everybody = await ctx.read(lambda tx: store.list_administrators(tx))
    return [one for one in everybody if is_visible(ctx, one)]


async def save_grants(ctx: Context, administrator_id: int, grants: Sequence[Grant]) -> Administrator:
    """Give an administrator these roles in place of what it has where the caller may give any.

    Nobody changes its own. None can be taken at once; giving one may have to wait: then nothing has changed yet.
    Raises Forbidden, SecondFactorNeeded, AdministratorNotFound, InvalidRequest, ApprovalNeeded.
    """
    require_administration(ctx)
    return await ctx.write(lambda tx: give(tx, ctx, administrator_id, grants))


def give(tx: Connection, ctx: Context, administrator_id: int, grants: Sequence[Grant]) -> Administrator:
    """The same in a database transaction."""
    require_giving(tx, ctx, grants)
    # Whom it is given to may be accepting an invitation just now.
    store.find_row(tx, administrator_id, lock=True)
    one = find_another(tx, ctx, administrator_id)
    kept = [each for each in one.grants if not may_give(tx, ctx, each)]
    if any(each.public_program_id in {None, ctx.principal.public_program_id} for each in kept):
        raise Forbidden("its role here is not yours to take")
    payload = {"administrator_id": one.id, "grants": [asdict(each) for each in grants]}
    difference = {"role": {"before": words_of(one.grants), "after": words_of([*kept, *grants])}}
    if grants and waits(tx, ctx, ROLES, f"administrator:{one.email}", payload, difference):
        return one
    store.drop_links_to(tx, [one.id])
    store.drop_links_by(tx, one.actor)
    store.replace_grants(tx, one.id, [*kept, *grants])
    [after] = store.list_administrators(tx, [one.id])
    _record(tx, ctx, "administrator.roles", one, told(one.grants), told(after.grants))
    return after


async def set_disabled(ctx: Context, administrator_id: int, *, disabled: bool) -> Administrator:
    """Shut an administrator out at once, or let it in again, which may have to wait. Nobody shuts itself out.

    Raises Forbidden, SecondFactorNeeded, AdministratorNotFound, ApprovalNeeded.
    """
    require_administration(ctx)
    return await ctx.write(lambda tx: disable(tx, ctx, administrator_id, disabled=disabled))


def disable(tx: Connection, ctx: Context, administrator_id: int, *, disabled: bool) -> Administrator:
    """The same in a database transaction."""
    one = find_another(tx, ctx, administrator_id)
    require_giving(tx, ctx, one.grants)
    before = {"disabled": one.disabled_at is not None}
    difference = {"state": {"before": "shut out", "after": "may sign in"}}
    subject, payload = f"administrator:{one.email}", {"administrator_id": one.id}
    if not disabled and waits(tx, ctx, ENABLE, subject, payload, difference):
        return one
    store.update_administrator(tx, one.id, {"disabled_at": ctx.services.clock() if disabled else None})
    if disabled:
        store.end_sessions_of(tx, one.id)
        store.drop_links_to(tx, [one.id])
        store.drop_links_by(tx, one.actor)
    else:
        # Whoever lets somebody in again may know how to sign in as it.
        known = behind(tx, one.actor) - {one.actor} | behind(tx, ctx.principal.actor)
        store.update_administrator(tx, one.id, {"vouched_by": sorted(known)})
    action = "administrator.disable" if disabled else "administrator.enable"
    _record(tx, ctx, action, one, before, {"disabled": disabled})
    [after] = store.list_administrators(tx, [one.id])
    return after


def _record(tx: Connection, ctx: Context, action: str, one: Administrator, before: Any, after: Any) -> None:
    where = ctx.principal.program_id
    program = audit.DEPLOYMENT if where is None else where
    ctx.audit(tx, action, f"administrator:{one.email}", before=before, after=after, program=program)
