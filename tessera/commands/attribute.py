"""`attributes`: attribute definitions as files, out of a program and into one."""

from pathlib import Path
from typing import Annotated

import typer

from resolvers.attribute import AttributeFormat, ImportAttributes, export_attributes, import_attributes
from resolvers.configuration import AppliedConfiguration
from tessera.console import note, run, show
from tessera.locking import CommandRefused
from tessera.runtime import Runtime, find_program, program_context

app = typer.Typer(help="Attribute definitions, as JSON or CSV by the file's name.", no_args_is_help=True)

ProgramId = Annotated[int, typer.Option("--program", metavar="ID", help="The program.")]


@app.command("export")
def export_file(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write: .json or .csv.")],
    program_id: ProgramId,
) -> None:
    """Write the program's own attribute definitions to a file."""
    written_as = _format_of(file)

    async def body(runtime: Runtime) -> str:
        ctx = program_context(runtime, await find_program(runtime, program_id))
        return await export_attributes(ctx, written_as)

    text = run(body, read_only=True)
    try:
        # The text has its own ends of lines.
        file.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise CommandRefused(f"{file} cannot be written: {error.strerror}") from None
    note(f"{file} written.")


@app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file to read: .json or .csv.")
    ],
    program_id: ProgramId,
) -> None:
    """Add and change the attribute definitions of a file; those that it does not name stay."""
    written_as = _format_of(file)
    try:
        content = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CommandRefused(f"{file} is not UTF-8.") from None

    async def body(runtime: Runtime) -> AppliedConfiguration:
        ctx = program_context(runtime, await find_program(runtime, program_id))
        return await import_attributes(ctx, ImportAttributes(format=written_as, content=content))

    applied = run(body)
    what = "in force" if applied.changed else "in force already: the file says nothing new"
    show(f"Configuration version {applied.version} is {what}.")


def _format_of(file: Path) -> AttributeFormat:
    try:
        return AttributeFormat(file.suffix.lower().removeprefix("."))
    except ValueError:
        raise CommandRefused(f"{file}: the name must end in .json or .csv.") from None
