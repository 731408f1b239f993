"""What an administrator may do to others: no more than it may do itself, and only where it works."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from domain.access import ROLES, Permission
from domain.administrator import Administrator, Grant
from domain.errors import AdministratorNotFound, Forbidden, InvalidRequest
from domain.store import administrator as store
from resolvers.context import Context
from resolvers.visitor import permissions_of


def require_giving(tx: Connection, ctx: Context, grants: Sequence[Grant]) -> None:
    """Raise InvalidRequest for roles that there are not, Forbidden for those that are not the caller's to give."""
    if len({one.public_program_id for one in grants}) != len(grants):
        raise InvalidRequest("role: one for each program", field="role")
    for one in grants:
        is_custom = one.public_program_id is not None and one.role in store.list_roles(tx, one.public_program_id)
        if one.role not in ROLES and not is_custom:
            raise InvalidRequest(f"role: no role {one.role}", field="role")
        if not may_give(tx, ctx, one):
            raise Forbidden("a role may be given by those who may do as much, where they work")


def may_give(tx: Connection, ctx: Context, grant: Grant) -> bool:
    """Whether a role is the caller's to give and take."""
    principal = ctx.principal
    if principal.public_program_id is not None and grant.public_program_id != principal.public_program_id:
        return False
    return permissions_of(tx, grant.public_program_id or 0, grant.role) <= principal.permissions


def find_visible(tx: Connection, ctx: Context, administrator_id: int) -> Administrator:
    """An administrator who has a role where the caller works. Raises AdministratorNotFound."""
    found = store.list_administrators(tx, [administrator_id])
    if not found or not is_visible(ctx, found[0]):
        raise AdministratorNotFound
    return found[0]


def find_another(tx: Connection, ctx: Context, administrator_id: int) -> Administrator:
    """The same, who is not the caller. Raises AdministratorNotFound, Forbidden."""
    one = find_visible(tx, ctx, administrator_id)
    if one.actor == ctx.principal.actor:
        raise Forbidden("nobody changes what it may do itself")
    return one


def is_visible(ctx: Context, one: Administrator) -> bool:
    """Whether somebody has a role where the caller works."""
    own = ctx.principal.public_program_id
    return own is None or any(grant.public_program_id in {None, own} for grant in one.grants)


def require_administration(ctx: Context) -> None:
    """Raise Forbidden, SecondFactorNeeded."""
    ctx.principal.require(Permission.ADMINISTRATOR_WRITE)
    ctx.principal.require_proof()


def told(grants: Sequence[Grant]) -> dict[str, Any]:
    """Roles by program, for the audit trail."""
    return {"all" if one.public_program_id is None else str(one.public_program_id): one.role for one in grants}


def words_of(grants: Sequence[Grant]) -> str:
    """Roles for whoever approves them."""
    return ", ".join(sorted(one.role for one in grants))
