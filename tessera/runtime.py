"""What a process holds while it runs: its settings and the services of the use cases."""

import getpass
import hmac
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from domain.access import Permission, Principal, PrincipalKind, system_principal
from domain.clock import system_clock
from domain.crypto import KeyRing
from domain.errors import ProgramNotFound
from domain.ids import new_token
from domain.rate import rate_per_second
from domain.store.database import PostgresDatabase, SqliteDatabase, open_database
from domain.store.deployment import find_value, keep_value
from domain.store.program import ProgramCache
from resolvers.context import Context, Services
from resolvers.program import Program, list_environment_programs
from tessera.data_folder import ensure_secret_key
from tessera.locking import CommandRefused
from tessera.messenger import build_messenger
from tessera.settings import SECRET_KEY_FILE, Settings
from tessera.webhook import build_carrier

KEY_CHECK = "secret-key-check"
"""What the database knows its secret key by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """Travels in the state of the ASGI lifespan, never in a global."""

    settings: Settings
    services: Services


@asynccontextmanager
async def open_runtime(settings: Settings, *, serving: bool = False, read_only: bool = False) -> AsyncIterator[Runtime]:
    """The services of one process, closed afterwards. `read_only` opens no writer on SQLite.

    Raises SettingsRefused, CommandRefused.
    """
    keys = KeyRing(ensure_secret_key(settings))
    database = _open(settings, serving=serving, read_only=read_only)
    services = Services(
        db=database,
        clock=system_clock,
        keys=keys,
        programs=ProgramCache(),
        environment=settings.env,
        messenger=build_messenger(settings),
        carrier=build_carrier(settings),
        token_algorithm=settings.token_algorithm,
        rate_ceiling=rate_per_second(settings.rate_limit_per_second, settings.rate_burst),
    )
    try:
        yield Runtime(settings=settings, services=services)
    finally:
        await services.together.finish()
        services.hashing.close()
        await database.close()


def _open(settings: Settings, *, serving: bool, read_only: bool) -> SqliteDatabase | PostgresDatabase:
    try:
        return open_database(
            settings.effective_database_url,
            data_dir=settings.data_dir,
            serving=serving,
            read_only=read_only,
            pool_size=settings.database_pool_size,
        )
    except (sqlite3.Error, OSError) as error:
        raise CommandRefused(f"{settings.shown_database_url} cannot be used: {error}") from error


async def require_own_key(runtime: Runtime, *, read_only: bool = False) -> None:
    """Refuse a database that was first used with another secret key: what it holds could not be read.

    The first use that may write keeps what the key is known by. Raises CommandRefused, ServiceUnavailable.
    """
    db, own = runtime.services.db, runtime.services.keys.check_value()
    kept = await db.read(lambda tx: find_value(tx, KEY_CHECK))
    if kept is None and not read_only:
        kept = await db.write(lambda tx: keep_value(tx, KEY_CHECK, own))
    if kept is not None and not hmac.compare_digest(kept, own):
        raise CommandRefused(
            f"{runtime.settings.shown_database_url} belongs to another secret key: set TESSERA_SECRET_KEY, or "
            f"{SECRET_KEY_FILE} in the data folder, to the one that it was made with."
        )


def deployment_context(runtime: Runtime) -> Context:
    """A call from the command line that belongs to no program: to create one, to list them."""
    principal = Principal(
        kind=PrincipalKind.SYSTEM,
        actor=actor_of_command(),
        environment=runtime.settings.env,
        permissions=frozenset(Permission),
    )
    return _context(runtime, principal)


def program_context(runtime: Runtime, program: Program) -> Context:
    """A call from the command line within one program."""
    return _context(runtime, system_principal(program.id, program.public_id, program.environment, actor_of_command()))


async def find_program(runtime: Runtime, public_id: int) -> Program:
    """The program with this public id in the deployment's environment. Raises ProgramNotFound."""
    for program in await list_environment_programs(runtime.services):
        if program.public_id == public_id:
            return program
    raise ProgramNotFound(f"{public_id} in {runtime.settings.env}")


def _context(runtime: Runtime, principal: Principal) -> Context:
    return Context(services=runtime.services, principal=principal, source="cli", request_id=new_token("cli", nbytes=8))


def actor_of_command() -> str:
    """Who typed the command, for the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a user id without a name, as in many containers
        return "cli"
