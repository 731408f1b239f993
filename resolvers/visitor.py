"""Who has a session at the portal, and what it may do in a program."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from domain.access import ROLES, Permission, Principal, PrincipalKind
from domain.administrator import STEP_UP_LIFE, Administrator
from domain.crypto import hash_secret
from domain.errors import ProgramNotFound
from domain.store import administrator as store
from domain.store.program import list_program_rows
from resolvers.context import Services
from resolvers.sign_in import IN, Origin
from resolvers.token import ENVIRONMENTS

MAX_BROWSER = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A program in one environment that somebody may work in, with the role there."""

    id: int
    public_id: int
    environment: str
    name: str
    role: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Somebody with a session. `stage` says how far the sign-in is; `places` are none before it is done.

    `principal` is for what belongs to the deployment; `in_place` makes that of a program.
    """

    administrator: Administrator
    stage: str
    principal: Principal
    places: Sequence[Place] = ()

    def find_place(self, public_id: int, environment: str) -> Place:
        """The program, if this is one of the administrator's. Raises ProgramNotFound."""
        for place in self.places:
            if (place.public_id, place.environment) == (public_id, environment):
                return place
        raise ProgramNotFound


async def find_visitor(services: Services, token: str, origin: Origin) -> Visitor | None:
    """Whose session this is; None where it is nobody's any more."""
    now = services.clock()

    def body(tx: Connection) -> Visitor | None:
        session = store.find_session(tx, hash_secret(token), now)
        if session is None:
            return None
        [administrator] = store.list_administrators(tx, [session.administrator_id])
        if administrator.disabled_at is not None:
            return None
        principal = _principal(services, administrator, origin, session.proved_at, now)
        places = _places(tx, services, administrator) if session.stage == IN else ()
        return Visitor(administrator=administrator, stage=session.stage, principal=principal, places=places)

    return await services.db.read(body)


async def enter_place(services: Services, visitor: Visitor, place: Place) -> Principal:
    """The principal of an administrator in one of its programs."""
    permissions = await services.db.read(lambda tx: permissions_of(tx, place.public_id, place.role))
    return replace(
        visitor.principal,
        program_id=place.id,
        public_program_id=place.public_id,
        environment=place.environment,
        permissions=permissions,
    )


def permissions_of(tx: Connection, public_program_id: int, role: str) -> frozenset[Permission]:
    """What a role may do: a built-in one, or one of the program's own; nothing where it is gone."""
    built_in = ROLES.get(role)
    if built_in is not None:
        return built_in
    return read_permissions(store.list_roles(tx, public_program_id).get(role, ()))


def read_permissions(texts: Iterable[str]) -> frozenset[Permission]:
    """Stored permissions; what this version does not know any more is nothing."""
    known = {one.value: one for one in Permission}
    return frozenset(known[text] for text in texts if text in known)


def _principal(
    services: Services, administrator: Administrator, origin: Origin, proved_at: datetime | None, now: datetime
) -> Principal:
    roles = [one.role for one in administrator.grants if one.public_program_id is None]
    return Principal(
        kind=PrincipalKind.ADMINISTRATOR,
        actor=administrator.actor,
        environment=services.environment,
        # Over the deployment somebody has what the role gives that is for all programs.
        permissions=frozenset().union(*(ROLES.get(role, frozenset()) for role in roles)),
        needs_proof=proved_at is None or proved_at + STEP_UP_LIFE <= now,
        address=origin.address,
        browser=origin.browser[:MAX_BROWSER],
    )


def _places(tx: Connection, services: Services, administrator: Administrator) -> list[Place]:
    own = {one.public_program_id: one.role for one in administrator.grants}
    places = []
    for row in list_program_rows(tx, ENVIRONMENTS[services.environment]):
        role = own.get(row.public_id, own.get(None))
        if role is not None:
            places.append(
                Place(id=row.id, public_id=row.public_id, environment=row.environment, name=row.name, role=role)
            )
    return places
