"""Copies of the whole database, and databases made from them. Everything here raises CommandRefused."""

import hmac
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from domain.crypto import KeyRing
from tessera.data_folder import ensure_secret_key
from tessera.locking import CommandRefused
from tessera.runtime import KEY_CHECK
from tessera.settings import SECRET_KEY_FILE, Settings

_ARCHIVE, _SQLITE = b"PGDMP", b"SQLite format 3\x00"
_BESIDE = ("-wal", "-shm", "-journal")
# What pg_restore writes of the table `deployment`: a name and its value.
_KEPT = re.compile(rf"^{KEY_CHECK}\t\\\\x([0-9a-f]+)$", re.MULTILINE)


def back_up(settings: Settings, target: Path) -> None:
    """Write a consistent copy, also while the database is served."""
    if target.exists():
        raise CommandRefused(f"{target} exists already; a backup overwrites nothing.")
    with _draft(target) as draft:
        if settings.sqlite_file is not None:
            _copy_sqlite(settings.sqlite_file, draft)
        else:
            _run_program(settings, "pg_dump", "A backup of", "--format=custom", f"--file={draft}")


def check_backup(settings: Settings, source: Path) -> None:
    """Refuse what is no backup of the settings' kind of database, is damaged, or was made under another secret key."""
    try:
        with source.open("rb") as stream:
            head = stream.read(len(_SQLITE))
    except OSError as error:
        raise CommandRefused(f"Cannot read {source}: {error.strerror}.") from None
    is_archive = head.startswith(_ARCHIVE)
    if not is_archive and head != _SQLITE:
        raise CommandRefused(f"{source} is no backup: neither a SQLite database nor an archive of pg_dump.")
    if is_archive is (settings.sqlite_file is not None):
        kinds = ("a SQLite database", "a PostgreSQL") if is_archive else ("a PostgreSQL", "a SQLite database")
        raise CommandRefused(f"{source} is a backup of {kinds[1]}, and the settings name {kinds[0]}.")
    kept = _key_in_archive(settings, source) if is_archive else _key_in_sqlite(source)
    if kept is not None and not _has_key(settings, kept):
        raise CommandRefused(
            f"{source} was made with another secret key: set TESSERA_SECRET_KEY, or {SECRET_KEY_FILE} in the data "
            "folder, to that one first."
        )


def _has_key(settings: Settings, kept: bytes) -> bool:
    """Whether the secret key of the settings is known by this; where there is none yet, none is made."""
    if settings.secret_key is None and not (settings.data_dir / SECRET_KEY_FILE).exists():
        return False
    return hmac.compare_digest(kept, KeyRing(ensure_secret_key(settings)).check_value())


def restore_sqlite(target: Path, source: Path) -> None:
    """Make the embedded database from a backup; there must be none yet."""
    for file in (target, *(target.with_name(target.name + ending) for ending in _BESIDE)):
        if file.exists():
            raise CommandRefused(f"{file} exists already; a backup is restored where there is no database yet.")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _draft(target) as draft:
        _copy_sqlite(source, draft)


def restore_postgres(settings: Settings, source: Path) -> None:
    """Fill an empty database from an archive: all of it, or nothing."""
    options = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges")
    _run_program(settings, "pg_restore", "Restoring a backup of", *options, str(source))


def _copy_sqlite(source: Path, draft: Path) -> None:
    """Copy one snapshot through SQLite itself: a copied file would lack what its log still holds."""
    try:
        origin = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
        with closing(origin), closing(sqlite3.connect(draft)) as copy:
            origin.backup(copy)
    except sqlite3.Error as error:
        raise CommandRefused(f"{source} cannot be copied: {error}.") from None


def _key_in_sqlite(source: Path) -> bytes | None:
    """What a backup knows its secret key by."""
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as database:
            [(state,)] = database.execute("PRAGMA quick_check(1)").fetchall()
            if state != "ok":
                raise CommandRefused(f"{source} is damaged: {state}.")
            database.execute("SELECT version_num FROM alembic_version").fetchone()
            row = database.execute("SELECT value FROM deployment WHERE name = ?", (KEY_CHECK,)).fetchone()
    except sqlite3.Error as error:
        raise CommandRefused(f"{source} is no backup of Tessera: {error}.") from None
    return None if row is None else bytes(row[0])


def _key_in_archive(settings: Settings, source: Path) -> bytes | None:
    listed = _run_program(settings, "pg_restore", "Restoring a backup of", "--list", str(source), connects=False)
    if not re.search(r" TABLE DATA \S+ alembic_version ", listed):
        raise CommandRefused(f"{source} is no backup of Tessera: it has no table alembic_version.")
    options = ("--data-only", "--table=deployment", "--file=-", str(source))
    found = _KEPT.search(_run_program(settings, "pg_restore", "Restoring a backup of", *options, connects=False))
    return None if found is None else bytes.fromhex(found[1])


def _run_program(settings: Settings, name: str, purpose: str, *options: str, connects: bool = True) -> str:
    """Run a program of PostgreSQL on the settings' database, and give what it printed."""
    program = shutil.which(name)
    if program is None:
        raise CommandRefused(f"{purpose} PostgreSQL needs the program {name}, which is not on the path.")
    environment: Mapping[str, str] = os.environ
    if connects:
        url = make_url(settings.effective_database_url)
        # The password goes through the environment, because everybody can read the arguments of a process.
        environment = {**os.environ, "PGPASSWORD": url.password or ""}
        dsn = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
        options = ("--no-password", f"--dbname={dsn}", *options)
    # No shell reads it, and the program is one of two that are named here.
    done = subprocess.run([program, *options], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise CommandRefused(f"{name} refused: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """Where a copy grows, readable for its owner only; under its name it is whole or absent."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise CommandRefused(f"Cannot write {target}: {error.strerror}.") from None
    try:
        yield draft
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        os.link(draft, target)
    except OSError as error:
        raise CommandRefused(f"Cannot write {target}: {error.strerror}.") from None
    finally:
        for file in (draft, *(draft.with_name(draft.name + ending) for ending in _BESIDE)):
            file.unlink(missing_ok=True)
