"""Use cases of roles: the built-in ones, which nobody changes, and those of a program's own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.access import ROLES, Permission
from domain.errors import Forbidden, InvalidRequest, RoleInUse
from domain.store import administrator as store
from resolvers.administrator_approval import ROLE, waits
from resolvers.administrator_link import to_link
from resolvers.administrator_rights import require_administration
from resolvers.context import Context
from resolvers.visitor import read_permissions

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+){0,9}")
_MAX_NAME = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """A role with its permissions; the built-in ones are locked."""

    name: str
    permissions: frozenset[Permission]
    is_locked: bool


async def list_roles(ctx: Context) -> list[Role]:
    """The built-in roles and the program's own. Raises Forbidden."""
    ctx.principal.require(Permission.ADMINISTRATOR_READ)
    number = _number(ctx)
    custom = await ctx.read(lambda tx: store.list_roles(tx, number))
    locked = [Role(name=name, permissions=permissions, is_locked=True) for name, permissions in ROLES.items()]
    own = [Role(name=name, permissions=read_permissions(each), is_locked=False) for name, each in custom.items()]
    return locked + own


async def save_role(ctx: Context, name: str, permissions: frozenset[Permission]) -> Role:
    """Store a role of the program's own, with no permission that the caller has not; it may have to wait.

    Raises Forbidden, SecondFactorNeeded, InvalidRequest, RoleInUse (a built-in one), ApprovalNeeded.
    """
    require_administration(ctx)
    _check_role_name(name)
    return await ctx.write(lambda tx: store_role(tx, ctx, name, permissions))


def store_role(tx: Connection, ctx: Context, name: str, permissions: frozenset[Permission]) -> Role:
    """The same in a database transaction."""
    if beyond := permissions - ctx.principal.permissions:
        raise Forbidden(f"you have no {', '.join(sorted(beyond))}")
    number, told = _number(ctx), sorted(permissions)
    before = store.list_roles(tx, number).get(name)
    holders = _refuse_beyond(tx, ctx, number, name, before)
    # Also one that nobody has yet: whoever approves that it is given knows it by its name.
    difference = {"permissions": {"before": ", ".join(before or ()) or "none", "after": ", ".join(told) or "none"}}
    if not waits(tx, ctx, ROLE, f"role:{name}", {"name": name, "permissions": told}, difference):
        _drop_links(tx, ctx, number, name, holders)
        values = {"permissions": told, "updated_at": ctx.services.clock(), "updated_by": ctx.principal.actor}
        store.save_role(tx, {"public_program_id": number, "name": name, **values})
        ctx.audit(tx, "role.save", f"role:{name}", before=before, after=told)
    return Role(name=name, permissions=permissions, is_locked=False)


async def remove_role(ctx: Context, name: str) -> None:
    """Forget a role that nobody has. Raises Forbidden, SecondFactorNeeded, InvalidRequest, RoleInUse."""
    require_administration(ctx)
    _check_role_name(name)
    number = _number(ctx)

    def body(tx: Connection) -> None:
        before = store.list_roles(tx, number).get(name)
        holders = _refuse_beyond(tx, ctx, number, name, before)
        _drop_links(tx, ctx, number, name, holders)
        if store.has_holders(tx, number, name):
            raise RoleInUse(f"administrators have the role {name}")
        if before is None or not store.remove_role(tx, number, name):
            raise InvalidRequest("name: no such role", field="name")
        ctx.audit(tx, "role.remove", f"role:{name}", before=before)

    await ctx.write(body)


def _refuse_beyond(tx: Connection, ctx: Context, number: int, name: str, before: Sequence[str] | None) -> list[int]:
    """Raise Forbidden for a role that may do more than the caller, or that is the caller's own; who has it.

    Who could take from a role could make those who have it small enough to be reset.
    """
    if beyond := read_permissions(before or ()) - ctx.principal.permissions:
        raise Forbidden(f"the role may do more than you: {', '.join(sorted(beyond))}")
    holders = store.list_holders(tx, number, name)
    if ctx.principal.actor in {one.actor for one in store.list_administrators(tx, holders)}:
        raise Forbidden("nobody changes what it may do itself")
    return holders


def _drop_links(tx: Connection, ctx: Context, number: int, name: str, holders: Sequence[int]) -> None:
    """Links were made for what the role allowed: to those who have it, by them, and to the role itself."""
    store.drop_links_to(tx, holders)
    for one in store.list_administrators(tx, holders):
        store.drop_links_by(tx, one.actor)
    for row in store.list_links(tx, ctx.services.clock()):
        if any((one.public_program_id, one.role) == (number, name) for one in to_link(row).grants):
            store.take_link(tx, row.token_hash)


def _number(ctx: Context) -> int:
    """The public id of the caller's program, whose sandbox and live have the same roles. Raises Forbidden."""
    number = ctx.principal.public_program_id
    if number is None:
        raise Forbidden("no program chosen")
    return number


def _check_role_name(name: str) -> None:
    if name in ROLES:
        raise RoleInUse(f"{name} is built in")
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME:
        raise InvalidRequest(f"name: small letters, digits and -, at most {_MAX_NAME}", field="name")
