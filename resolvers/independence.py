"""Whether two administrators are two people, as far as it can be known.

Whoever saw the link by which somebody's secrets were set may have used it; whoever let somebody in again may know why.
So each administrator carries who could be behind it, and nobody decides where one person could be behind both.
"""

from collections.abc import Iterable

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.errors import DeciderNotIndependent
from domain.store import administrator as store
from domain.store.credential import find_credential
from resolvers.context import Context
from resolvers.visitor import permissions_of

_ADMINISTRATOR, _CLIENT = "admin:", "client:"


def require_independent(tx: Connection, ctx: Context, maker: str) -> None:
    """Raise DeciderNotIndependent where one person may be behind the caller and who asked.

    A client is whoever was shown its secret.
    """
    if ctx.principal.kind is PrincipalKind.ADMINISTRATOR and behind(tx, maker) & behind(tx, ctx.principal.actor):
        raise DeciderNotIndependent


def behind(tx: Connection, actor: str) -> frozenset[str]:
    """The administrators who could be behind somebody; nobody is behind the machine."""
    if actor.startswith(_CLIENT):
        client = find_credential(tx, actor.split(":")[1])
        return frozenset() if client is None else behind(tx, client.created_by)
    if not actor.startswith(_ADMINISTRATOR):
        return frozenset()
    row = store.find_by_email(tx, actor.removeprefix(_ADMINISTRATOR))
    return frozenset({actor, *(() if row is None else row.vouched_by)})


def has_other(tx: Connection, ctx: Context, needed: Iterable[Permission]) -> bool:
    """Whether the program has another administrator who may do this, and may decide about what the caller asks for."""
    number, own = ctx.principal.public_program_id, behind(tx, ctx.principal.actor)
    for one in store.list_administrators(tx):
        if one.disabled_at is not None or behind(tx, one.actor) & own:
            continue
        roles = {grant.public_program_id: grant.role for grant in one.grants}
        role = roles.get(number, roles.get(None))
        if role is not None and permissions_of(tx, number or 0, role).issuperset(needed):
            return True
    return False
