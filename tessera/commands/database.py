"""`db`: migrations, check and backup."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import make_url

from tessera.commands.serving import find_schema_state
from tessera.console import REFUSED, begin, not_yet, note, require_database_file, show
from tessera.locking import CommandRefused, only_server
from tessera.migration import SENTENCES, USABLE, migrate
from tessera.settings import SECRET_KEY_FILE, Settings

app = typer.Typer(help="Migrations, check and backup of the database.", no_args_is_help=True)


@app.command("upgrade")
def upgrade_database() -> None:
    """Bring the database to the newest schema."""
    settings = begin()
    file = settings.sqlite_file
    if file is None or file.exists():
        state = find_schema_state(settings)
        if state in USABLE:
            show(f"{SENTENCES[state]} There is nothing to do.")
            return
    with only_server(settings):
        migrate(settings)
    show("The database schema has been brought up to date.")


@app.command()
def check() -> None:
    """Is the schema current? Exit status 1 where this version cannot work with it."""
    settings = begin()
    require_database_file(settings)
    state = find_schema_state(settings)
    show(SENTENCES[state])
    if state not in USABLE:
        raise typer.Exit(REFUSED)


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")]) -> None:
    """Write a consistent copy of the database, also while it is served."""
    settings = begin()
    require_database_file(settings)
    if file.exists():
        raise CommandRefused(f"{file} exists already; a backup overwrites nothing.")
    if settings.sqlite_file is not None:
        _copy_sqlite(settings.sqlite_file, file)
    else:
        _dump_postgres(settings, file)
    show(str(file))
    if settings.secret_key is None:
        key = settings.data_dir / SECRET_KEY_FILE
        note(f"Keep {key} with it, in another place: without it no personal information can be read.")


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A backup.")]) -> None:
    """Restore a backup."""
    not_yet(f"Restoring ({file}) is")


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy one snapshot through SQLite itself: a copied file would lack what its log still holds."""
    draft = _draft(target)
    origin = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    with closing(origin), closing(sqlite3.connect(draft)) as copy:
        origin.backup(copy)
    _keep(draft, target)


def _dump_postgres(settings: Settings, target: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise CommandRefused("A backup of PostgreSQL needs the program pg_dump, which is not on the path.")
    url = make_url(settings.effective_database_url)
    draft = _draft(target)
    # The password goes through the environment, because everybody can read the arguments of a process.
    environment = os.environ | {"PGPASSWORD": url.password or ""}
    dsn = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    command = [program, "--format=custom", "--no-password", f"--file={draft}", f"--dbname={dsn}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        draft.unlink(missing_ok=True)
        raise CommandRefused(f"pg_dump refused: {done.stderr.strip()}")
    _keep(draft, target)


def _draft(target: Path) -> Path:
    """Where a backup grows, readable for its owner only; under its name it is whole or absent."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise CommandRefused(f"Cannot write {target}: {error.strerror}.") from None
    return draft


def _keep(draft: Path, target: Path) -> None:
    with draft.open("rb") as stream:
        os.fsync(stream.fileno())
    os.link(draft, target)
    draft.unlink()
