"""Use cases of the SFTP server: who is at the door, and who may still be inside.

Nobody learns from an answer or its time whether a username is somebody's: failures are counted for whatever was
submitted, and a wrong password costs the same work whoever it is for.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from domain.access import Principal, PrincipalKind
from domain.errors import InvalidCredentials
from domain.password import MAX_SECRET, Secret, matches
from domain.public_key import fingerprint_of_key
from domain.store.sftp_login import find_key, find_login, keys_in_force, note_use, passwords_in_force
from resolvers.context import Services
from resolvers.rate import DEPLOYMENT, count_failure, refuse_guessing
from resolvers.token import ENVIRONMENTS

_DOOR = "sftp"
_MAX_USERNAME = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Entered:
    """Who came in, and by what: a key, or the password that is kept like this."""

    principal: Principal
    login_id: int
    username: str
    key_id: int | None = None
    kept_password: str | None = field(default=None, repr=False)


async def enter_by_password(services: Services, username: str, password: str, address: str) -> Entered:
    """Whose name and password these are.

    Raises TooManyRequests (failures, or too many passwords at once), InvalidCredentials, ServiceUnavailable.
    """
    row = await services.db.read(lambda tx: _find(tx, services, username, address))
    kept = None if row is None or row.password is None else Secret(encoded=row.password)
    received = password[:MAX_SECRET]
    # All who knock share what one program may have of the threads, known or not.
    is_right = await services.hashing.run(lambda: matches(kept, received, 0), program=DEPLOYMENT)
    if row is None or not is_right:
        await count_failure(services, username[:_MAX_USERNAME], address, _DOOR)
        raise InvalidCredentials
    return _entered(row, kept_password=row.password)


async def enter_by_key(services: Services, username: str, key: bytes, address: str) -> Entered:
    """Whose name this is, where the key is one of its own; that the caller has the key is for the edge to check.

    A wrong one is no guess, and is not counted: clients offer all that they have. Raises TooManyRequests,
    InvalidCredentials, ServiceUnavailable.
    """

    def body(tx: Connection) -> tuple[Row[Any] | None, Row[Any] | None]:
        row = _find(tx, services, username, address)
        found = None if row is None else find_key(tx, row.program_id, row.id, fingerprint_of_key(key))
        return row, found

    row, found = await services.db.read(body)
    if row is None or found is None:
        raise InvalidCredentials
    return _entered(row, key_id=found.id)


async def note_entry(services: Services, entered: Entered) -> None:
    """Write down that a login was used, and which key opened it."""
    now, program_id = services.clock(), entered.principal.program
    await services.db.write(lambda tx: note_use(tx, program_id, entered.login_id, entered.key_id, now))


async def list_shut_out(services: Services, inside: Collection[Entered]) -> list[Entered]:
    """Those who came in by what is good no longer: login revoked, key removed, password replaced."""

    def body(tx: Connection) -> tuple[dict[tuple[int, int], str | None], set[tuple[int, int]]]:
        logins = {(one.principal.program, one.login_id) for one in inside}
        keys = {(one.principal.program, one.key_id) for one in inside if one.key_id is not None}
        return passwords_in_force(tx, logins), keys_in_force(tx, keys)

    passwords, keys = await services.db.read(body)

    def is_good(one: Entered) -> bool:
        program_id = one.principal.program
        if (program_id, one.login_id) not in passwords:
            return False
        if one.key_id is not None:
            return (program_id, one.key_id) in keys
        return passwords[program_id, one.login_id] == one.kept_password

    return [one for one in inside if not is_good(one)]


def _find(tx: Connection, services: Services, username: str, address: str) -> Row[Any] | None:
    refuse_guessing(tx, services, username[:_MAX_USERNAME], address, services.clock(), _DOOR)
    # No username has one, and PostgreSQL no text.
    return None if "\0" in username else find_login(tx, username, ENVIRONMENTS[services.environment])


def _entered(row: Row[Any], *, key_id: int | None = None, kept_password: str | None = None) -> Entered:
    principal = Principal(
        kind=PrincipalKind.PROGRAM,
        actor=f"sftp:{row.username}",
        program_id=row.program_id,
        public_program_id=row.public_id,
        environment=row.environment,
    )
    return Entered(
        principal=principal, login_id=row.id, username=row.username, key_id=key_id, kept_password=kept_password
    )
