"""Whether the database's schema fits this version of the code."""

from functools import cache
from typing import Literal

from sqlalchemy import Connection

from domain.errors import TesseraError
from domain.store.schema_version import packaged_revisions, stored_revision
from tessera.locking import CommandRefused
from tessera.runtime import Runtime
from tessera.settings import Settings

SchemaState = Literal["current", "behind", "ahead", "none"]

SENTENCES: dict[SchemaState, str] = {
    "current": "The database schema is current.",
    "behind": "The database schema is older than this version: run `tessera db upgrade`.",
    "ahead": "The database schema is newer than this version, which goes on working with it.",
    "none": "There is no database schema yet: run `tessera db upgrade`.",
}

USABLE: frozenset[SchemaState] = frozenset({"current", "ahead"})
"""Migrations add before they take away, so the version before keeps working during a rolling upgrade."""


def schema_state(tx: Connection) -> SchemaState:
    """How the schema in the database stands to the migrations in this package."""
    revision = stored_revision(tx)
    if revision is None:
        return "none"
    if revision not in _known():
        return "ahead"
    return "current" if revision == _known()[-1] else "behind"


async def read_schema_state(runtime: Runtime) -> SchemaState:
    """How the schema stands. Raises ServiceUnavailable where the database is away, CommandRefused where it is not
    one that can be used: another name, other credentials, another kind of file.
    """
    try:
        return await runtime.services.db.read(schema_state)
    except TesseraError:
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise CommandRefused(f"{runtime.settings.shown_database_url} cannot be used: {reason}") from error


def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema."""
    # Alembic takes half a second to load, which no other start needs.
    from domain.migrations import upgrade

    upgrade(settings.effective_database_url)


@cache
def _known() -> tuple[str, ...]:
    return packaged_revisions()
