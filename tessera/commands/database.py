"""`db`: migrations, check, backup and restore."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from domain.store.schema_version import has_tables
from resolvers.erasure_list import erase_again
from tessera.backup import back_up, check_backup, restore_postgres, restore_sqlite
from tessera.commands.serving import find_schema_state
from tessera.console import REFUSED, begin, note, require_database_file, run, show
from tessera.erasure_file import FILE_NAME, read_erasures
from tessera.locking import CommandRefused, only_server
from tessera.migration import SENTENCES, USABLE, migrate
from tessera.runtime import actor_of_command, open_runtime
from tessera.settings import SECRET_KEY_FILE, Settings

app = typer.Typer(help="Migrations, check, backup and restore of the database.", no_args_is_help=True)


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
    back_up(settings, file)
    show(str(file))
    if settings.secret_key is None:
        key = settings.data_dir / SECRET_KEY_FILE
        note(f"Keep {key} with it, in another place: without it no personal information can be read.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    erasures: Annotated[
        Path | None, typer.Option(help="Who was erased; default: erasures.jsonl in the data folder, if it is there.")
    ] = None,
) -> None:
    """Make the database from a backup, and erase again whom was erased since. There must be no database yet."""
    settings = begin()
    chosen = erasures or settings.data_dir / FILE_NAME
    # Read before anything is written: without the list nobody would be erased again.
    erased = read_erasures(chosen) if erasures is not None or chosen.exists() else []
    check_backup(settings, file)
    with only_server(settings):
        if settings.sqlite_file is not None:
            restore_sqlite(settings.sqlite_file, file)
        else:
            _require_empty(settings)
            restore_postgres(settings, file)
        if find_schema_state(settings) not in USABLE:
            migrate(settings)
        outcome = run(lambda runtime: erase_again(runtime.services, erased, actor_of_command()))
    show(f"{settings.shown_database_url} is what {file} holds.")
    note(f"Erased again: {outcome.erased} of {len(erased)} on the list. Look with `tessera ledger verify`.")


def _require_empty(settings: Settings) -> None:
    async def read() -> bool:
        async with open_runtime(settings, read_only=True) as runtime:
            return await runtime.services.db.read(has_tables)

    if asyncio.run(read()):
        raise CommandRefused(
            f"{settings.shown_database_url} holds tables already; a backup is restored into an empty database."
        )
