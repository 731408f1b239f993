"""`voucher`: pools of voucher codes."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from resolvers.catalog_stock import ImportCodes, import_codes, list_pools
from tessera.commands.program import Json
from tessera.console import run, show, show_json, show_table
from tessera.locking import CommandRefused
from tessera.runtime import Runtime, find_program, program_context

app = typer.Typer(help="Pools of voucher codes.", no_args_is_help=True)

ProgramId = Annotated[int, typer.Option("--program", metavar="ID", help="The program.")]
STANDARD_INPUT = "-"


@app.command()
def load(
    file: Annotated[str, typer.Argument(help="A file with one code on each line; - for standard input.")],
    program_id: ProgramId,
    pool: Annotated[str, typer.Option(help="The pool that they go into.")],
    last_day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day on which they are given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put codes into a pool. Codes that it has or had are left out, so a file can be loaded again."""
    codes = [line.strip() for line in _read(file).splitlines() if line.strip()]
    day = None if last_day is None else last_day.date()
    command = ImportCodes(pool=pool, codes=codes, last_day=day, skips_known=True)

    async def body(runtime: Runtime) -> int:
        return await import_codes(program_context(runtime, await find_program(runtime, program_id)), command)

    new = run(body)
    if as_json:
        show_json({"pool": pool, "new": new, "known": len(codes) - new})
    else:
        show(f"{pool}: {new} new, {len(codes) - new} known.")


@app.command("list")
def list_all(program_id: ProgramId, as_json: Json = False) -> None:
    """The pools of a program, and how many codes each has; never a code."""

    async def body(runtime: Runtime) -> list[dict[str, str | int]]:
        found = await list_pools(program_context(runtime, await find_program(runtime, program_id)))
        names = ("pool", "free", "given", "withdrawn", "expired")
        return [{name: getattr(one, name) for name in names} for one in found]

    rows = run(body, read_only=True)
    if as_json:
        show_json(rows)
    else:
        show_table(("pool", "free", "given", "withdrawn", "expired"), [list(row.values()) for row in rows])


def _read(file: str) -> str:
    """The text of a file or of standard input. Raises CommandRefused."""
    try:
        content = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise CommandRefused(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandRefused(f"{file} is not UTF-8.") from None
