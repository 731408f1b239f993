"""`batch`: load a file in the foreground, see how files stand."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from domain.errors import BatchRefused, ProgramNotFound
from ingestion.handback import summary_document
from ingestion.load import BatchSummary, Progress, Report, load_file
from ingestion.naming import FILE_TYPES
from resolvers.batch import RUNNING, Batch, get_batch, list_batches
from resolvers.program import Program, list_environment_programs
from tessera.commands.program import Json
from tessera.console import NOT_ATTEMPTED, REFUSED, note, run, show_fields, show_json, show_table
from tessera.locking import CommandRefused
from tessera.runtime import Runtime, find_program, program_context

app = typer.Typer(help="Batch files.", no_args_is_help=True)

FileType = StrEnum("FileType", {name: name for name in FILE_TYPES})  # type: ignore[misc]


@app.command()
def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    program_id: Annotated[int, typer.Option("--program", metavar="ID", help="The program it is for.")],
    file_type: Annotated[
        FileType | None, typer.Option("--type", case_sensitive=False, help="Where the name does not say it.")
    ] = None,
) -> None:
    """Load a file as an upload would be; exit status 1 if any row was rejected, 2 if the file was refused."""
    type_name = None if file_type is None else file_type.value

    async def body(runtime: Runtime) -> BatchSummary:
        ctx = program_context(runtime, await find_program(runtime, program_id))
        data_dir = runtime.settings.data_dir
        with progress_bar(file.name) as report:
            return await load_file(ctx, file, data_dir=data_dir, file_type=type_name, progress=report)

    try:
        summary = run(body)
    except (BatchRefused, ProgramNotFound) as refusal:
        note(str(refusal))
        raise typer.Exit(NOT_ATTEMPTED) from None
    show_fields(summary_document(summary.batch, summary.totals, summary.ignored_columns))
    note(f"Results by row: {summary.handback}")
    if summary.batch.rejected:
        raise typer.Exit(REFUSED)


@app.command()
def status(
    batch_id: Annotated[
        int | None, typer.Argument(metavar="[ID]", min=1, max=2**63 - 1, help="One batch; else the newest.")
    ] = None,
    program_id: Annotated[int | None, typer.Option("--program", metavar="ID", help="Of this program.")] = None,
    as_json: Json = False,
) -> None:
    """How files stand: one by its id, or the newest of each program."""

    async def body(runtime: Runtime) -> list[tuple[Program, Batch]]:
        programs = await _programs(runtime, program_id)
        if batch_id is not None:
            return [await _one(runtime, programs, batch_id)]
        contexts = [(program, program_context(runtime, program)) for program in programs]
        return [(program, found) for program, ctx in contexts for found in await list_batches(ctx)]

    rows = [_row(program, found) for program, found in run(body, read_only=True)]
    if any(row["status"] == RUNNING for row in rows):
        note("RUNNING: under way, or broken off; then loading the same file again goes on where it was.")
    if as_json:
        show_json(rows if batch_id is None else rows[0])
    elif batch_id is not None:
        show_fields(rows[0])
    else:
        show_table(
            ("batch", "program", "type", "file", "status", "rows", "accepted", "rejected", "parked"),
            [[row[key] for key in _COLUMNS] for row in rows],
        )


_COLUMNS = ("id", "program_id", "type", "file_name", "status", "rows_read", "accepted", "rejected", "parked")
# What the platform keeps for itself.
_OWN = frozenset({"header", "revision"})


async def _programs(runtime: Runtime, program_id: int | None) -> Sequence[Program]:
    if program_id is not None:
        return [await find_program(runtime, program_id)]
    return await list_environment_programs(runtime.services)


async def _one(runtime: Runtime, programs: Sequence[Program], batch_id: int) -> tuple[Program, Batch]:
    if len(programs) != 1:
        raise CommandRefused("Batches are numbered within a program: name it with --program ID.")
    return programs[0], await get_batch(program_context(runtime, programs[0]), batch_id)


def _row(program: Program, found: Batch) -> dict[str, Any]:
    shown = {key: value for key, value in asdict(found).items() if key not in _OWN}
    return {"program_id": program.public_id} | shown


@contextmanager
def progress_bar(name: str) -> Iterator[Report]:
    """A bar on standard error that follows the bytes of the file."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]} rows, {task.fields[rejected]} rejected"),
        TimeRemainingColumn(),
    )
    with ProgressBar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=None, rows=0, rejected=0)

        def report(progress: Progress) -> None:
            bar.update(
                task,
                completed=progress.bytes_read,
                total=progress.bytes_total,
                rows=progress.rows,
                rejected=progress.rejected,
            )

        yield report
