"""The use case of access by publishable key: a page or an app of a program's own, in anybody's hand."""

from typing import Any

from sqlalchemy import Connection, Row

from domain.access import APP_PERMISSIONS, Principal, PrincipalKind
from domain.errors import Forbidden, Unauthorized
from domain.store.credential import find_publishable
from domain.store.origin import is_allowed_somewhere
from resolvers.context import Services
from resolvers.lockout import lift_lapsed_lockouts
from resolvers.rate import admit
from resolvers.token import ENVIRONMENTS

_MAX_KEY = 200


async def authenticate_app(services: Services, publishable_key: str) -> Principal:
    """The principal behind a publishable key. Raises Unauthorized, TooManyRequests."""
    if not 0 < len(publishable_key) <= _MAX_KEY:
        raise Unauthorized

    def look(tx: Connection) -> Row[Any] | None:
        row = find_publishable(tx, publishable_key)
        if row is not None:
            # What the process knows of the configuration is brought up to date with it.
            services.programs.current(tx, row.program_id)
        return row

    row = await services.db.read(look)
    if row is None or row.environment not in ENVIRONMENTS[services.environment]:
        raise Unauthorized
    principal = Principal(
        kind=PrincipalKind.APP,
        actor=f"app:{row.client_id}",
        program_id=row.program_id,
        public_program_id=row.public_id,
        environment=row.environment,
        permissions=APP_PERMISSIONS,
    )
    services.access.remember_app(publishable_key, principal)
    await admit(services, principal)
    await lift_lapsed_lockouts(services)
    return principal


async def refuse_foreign_page(services: Services, principal: Principal, origin: str | None) -> None:
    """Raise Forbidden where a publishable key or a member's token is sent by a page that its program does not allow.

    The browser would keep the answer from it, but only after everything was done. `origin` is None for no page.
    """
    if origin is None or principal.kind not in {PrincipalKind.APP, PrincipalKind.MEMBER}:
        return
    if not await allows_origin(services, origin, principal.program):
        raise Forbidden("the program does not allow this origin")


async def allows_origin(services: Services, origin: str, program_id: int | None) -> bool:
    """Whether a page of this origin may call for this program; for None, whether for any that is served here.

    A browser asks before it says for which program it calls.
    """

    def look(tx: Connection) -> bool:
        if program_id is None:
            return is_allowed_somewhere(tx, origin, ENVIRONMENTS[services.environment])
        return origin in services.programs.current(tx, program_id).terms.allowed_origins

    known = None if program_id is None else services.programs.peek(program_id)
    # `authenticate` brings what is known of a program up to date every second.
    return await services.db.read(look) if known is None else origin in known.terms.allowed_origins
