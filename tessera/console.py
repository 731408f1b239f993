"""How commands speak: results on standard output, messages on standard error, one exit status each.

0: done. 1: refused, or something checked does not hold. 2: nothing was attempted, because the usage is
wrong, or the file is refused as a whole.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from domain.errors import TesseraError
from tessera.locking import CommandRefused
from tessera.log import configure_logging
from tessera.migration import SENTENCES, USABLE, read_schema_state
from tessera.runtime import Runtime, open_runtime, require_own_key
from tessera.settings import Settings, SettingsRefused, load_settings

Result = TypeVar("Result")

_PIPE_WIDTH = 1000

REFUSED = 1
NOT_ATTEMPTED = 2


class RefusingGroup(TyperGroup):
    """Turns a refusal, wherever it was raised, into a sentence and an exit status in place of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (CommandRefused, SettingsRefused, TesseraError) as refusal:
            note(str(refusal))
            raise typer.Exit(REFUSED) from None


def show(text: str) -> None:
    """A result, for people and pipes."""
    typer.echo(text)


def show_json(value: Any) -> None:
    """A result for programs."""
    typer.echo(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode())


def show_fields(fields: Mapping[str, Any]) -> None:
    """A result of a few named values, one a line."""
    width = max(map(len, fields))
    for name, value in fields.items():
        typer.echo(f"{name:<{width}}  {value}")


def show_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A result of many rows."""
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*["" if cell is None else str(cell) for cell in row])
    # What reads a pipe has no edge that a line could go over.
    Console(soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)


def note(text: str) -> None:
    """A message, which is no result."""
    typer.echo(text, err=True)


def begin() -> Settings:
    """The settings, with logging set up after them. Raises SettingsRefused."""
    settings = load_settings()
    configure_logging(settings)
    return settings


def run(body: Callable[[Runtime], Awaitable[Result]], *, read_only: bool = False) -> Result:
    """Run `body` with the services of this process on a database with a usable schema.

    Raises CommandRefused, SettingsRefused and whatever `body` raises.
    """
    settings = begin()
    require_database_file(settings)

    async def work() -> Result:
        async with open_runtime(settings, read_only=read_only) as runtime:
            state = await read_schema_state(runtime)
            if state not in USABLE:
                raise CommandRefused(SENTENCES[state])
            await require_own_key(runtime, read_only=read_only)
            return await body(runtime)

    return asyncio.run(work())


def require_database_file(settings: Settings) -> None:
    """Refuse where the embedded database does not exist, before a connection makes an empty one."""
    if settings.sqlite_file is not None and not settings.sqlite_file.exists():
        raise CommandRefused(
            f"There is no database at {settings.sqlite_file} yet: run `tessera db upgrade` or `tessera demo`."
        )
