"""What `doctor` looks at on the machine and on the database's server."""

import asyncio
import shutil
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.exc import DBAPIError

from domain.clock import system_clock
from domain.errors import TesseraError
from domain.store.server import ServerState, describe_server
from tessera.commands.finding import Finding
from tessera.runtime import open_runtime
from tessera.settings import Settings

LEAST_FREE_BYTES = 1024**3
LEAST_POSTGRES = 140000
MOST_SKEW = timedelta(seconds=5)


def folder_mode(settings: Settings) -> Finding:
    """Others may not look into the data folder: keys and files of partners lie in it."""
    folder = settings.data_dir.absolute()
    if folder.exists() and stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return Finding("wrong", f"{folder} is open to others: chmod 700 {folder}")
    return Finding("ok", "Nobody else may look into the data folder.")


def free_space(settings: Settings) -> Finding:
    """Room for the database, its log, and files."""
    folder = settings.data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"{free / LEAST_FREE_BYTES:.1f} GiB are free at {folder}."
    return Finding("ok" if free >= LEAST_FREE_BYTES else "wrong", text)


def time_zones(_settings: Settings) -> Finding:
    """Days of programs end in their own zones."""
    try:
        ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError:
        return Finding("wrong", "There are no time zones: install the package tzdata.")
    return Finding("ok", "Time zones are known.")


def backup_programs(settings: Settings) -> Finding:
    """What `db backup` and `db restore` need."""
    missing = [name for name in ("pg_dump", "pg_restore") if shutil.which(name) is None]
    if settings.sqlite_file is None and missing:
        return Finding(
            "note", f"`tessera db backup` and `db restore` need {' and '.join(missing)}, not on the path here."
        )
    return Finding("ok", "Backups can be made and restored here.")


def database_server(settings: Settings) -> Finding:
    """Version, encoding, clock and durability of PostgreSQL."""
    if settings.sqlite_file is not None:
        return Finding("ok", "PostgreSQL is not in use.")

    async def ask() -> ServerState | None:
        async with open_runtime(settings, read_only=True) as runtime:
            return await runtime.services.db.read(describe_server)

    try:
        server = asyncio.run(ask())
    except (TesseraError, DBAPIError):
        # Why not, the check of the database says.
        return Finding("note", "The database cannot be reached, so nothing is known of its server.")
    assert server is not None  # noqa: S101 - it is no SQLite
    wrong = list(faults(server, system_clock()))
    return Finding("wrong", " ".join(wrong)) if wrong else Finding("ok", f"PostgreSQL {server.version // 10000} fits.")


def faults(server: ServerState, now: datetime) -> Iterator[str]:
    """What is wrong with a server of PostgreSQL, a sentence each."""
    if server.version < LEAST_POSTGRES:
        yield f"PostgreSQL {server.version // 10000} is too old: 14 is the least."
    if server.encoding != "UTF8":
        yield f"The database is encoded as {server.encoding}: make one with ENCODING 'UTF8'."
    if abs(server.clock - now) > MOST_SKEW:
        skew = abs(server.clock - now).total_seconds()
        yield f"The clocks of this machine and of the database differ by {skew:.0f} s."
    if not server.is_durable:
        yield "The database does not wait for its disk: fsync, full_page_writes and synchronous_commit belong on."
