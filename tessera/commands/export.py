"""`export`: write what a program has into a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress as ProgressBar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from domain.errors import ProgramNotFound, TesseraError
from domain.export import KINDS
from ingestion.outbound.writing import write_export
from resolvers.context import Context
from resolvers.export import Export, RequestExport, fail_export, start_export
from tessera.commands.member_export import export_member
from tessera.console import NOT_ATTEMPTED, note, run, show_fields
from tessera.locking import CommandRefused
from tessera.runtime import Runtime, find_program, program_context

# The names are known when it runs, which the type checker does not follow.
ExportKind = StrEnum("ExportKind", {name.upper().replace("-", "_"): name for name in (*KINDS, "member")})  # type: ignore[misc]

_SHOWN = ("kind", "from_seq", "to_seq", "rows", "left_out", "personal_data", "sha256")


def export(
    kind: Annotated[ExportKind, typer.Argument(help="What to export; `member`: all that is stored on one, as JSON.")],
    *,
    reference: Annotated[str | None, typer.Argument(help="The member, with `member`.")] = None,
    program_id: Annotated[int, typer.Option("--program", metavar="ID", help="The program that it is of.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", dir_okay=False, help="The file to write.")],
    since_last: Annotated[
        bool, typer.Option("--since-last", help="What happened since the last export of this kind by this option.")
    ] = False,
    is_pipe: Annotated[bool, typer.Option("--pipe", help="`|` between the columns; else as the program says.")] = False,
    is_gzip: Annotated[bool, typer.Option("--gzip", help="Pack the file.")] = False,
    personal: Annotated[
        bool, typer.Option("--with-personal-data", help="With what is about the person; else as the program says.")
    ] = False,
) -> None:
    """Write data of a program into a file, and its SHA-256 into FILE.sha256; FILE appears when it is whole."""
    if kind.value == "member" or reference is not None:
        export_member(kind.value, reference, program_id, out)
        return
    command = RequestExport(
        kind=kind.value,
        since_last=since_last,
        with_personal_data=personal or None,
        is_pipe=is_pipe or None,
        is_gzip=is_gzip,
    )
    if not out.parent.is_dir():
        raise CommandRefused(f"{out.parent} is no folder.")

    async def body(runtime: Runtime) -> Export:
        ctx = program_context(runtime, await find_program(runtime, program_id))
        return await _write(ctx, await start_export(ctx, command, out.name), out)

    try:
        written = run(body)
    except ProgramNotFound as refusal:
        note(str(refusal))
        raise typer.Exit(NOT_ATTEMPTED) from None
    _show(written, out, is_gzip=is_gzip)


def _show(written: Export, out: Path, *, is_gzip: bool) -> None:
    show_fields({name: value for name, value in asdict(written).items() if name in _SHOWN})
    if is_gzip != (out.suffix.lower() == ".gz"):
        note(f"{out.name} is {'packed' if is_gzip else 'not packed'}, and its name says otherwise.")
    if written.left_out:
        note(f"{written.left_out} could not stand in a file: docs/files.md says which.")


async def _write(ctx: Context, begun: Export, out: Path) -> Export:
    try:
        with _counter(out.name) as progress:
            return await write_export(ctx, begun, out, unfinished=out.parent, progress=progress)
    except OSError as error:
        await fail_export(ctx, begun, f"it could not be written: {error.strerror}")
        raise CommandRefused(f"{out} cannot be written: {error.strerror}") from None
    except BaseException:
        # Interrupted, or worse: the next since the last one need not wait until this one counts as gone.
        with suppress(TesseraError):
            await fail_export(ctx, begun, "it was broken off")
        raise


@contextmanager
def _counter(name: str) -> Iterator[Callable[[int], None]]:
    """Rows as they are written, on standard error."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed} rows"))
    with ProgressBar(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=None)
        yield lambda rows: bar.update(task, completed=rows)
