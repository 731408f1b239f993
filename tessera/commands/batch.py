"""`batch`: load a file in the foreground, see how files stand."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
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
from resolvers.batch import HELD, RUNNING, WAITING, Batch, get_batch, list_batches
from resolvers.batch import REFUSED as FILE_REFUSED
from resolvers.batch_decision import discard_batch, release_batch
from resolvers.batch_queue import find_queue_position
from resolvers.context import Context
from resolvers.program import Program, list_environment_programs
from tessera.commands.program import Json
from tessera.console import NOT_ATTEMPTED, REFUSED, note, run, show_fields, show_json, show_table
from tessera.lane import lanes_beside
from tessera.locking import CommandRefused
from tessera.memory import FILE_OBJECTS, settle_memory
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
        settle_memory(FILE_OBJECTS)
        with progress_bar(file.name) as report:
            lanes = lanes_beside(runtime.settings)
            return await load_file(ctx, file, data_dir=data_dir, file_type=type_name, progress=report, lanes=lanes)

    try:
        summary = run(body)
    except (BatchRefused, ProgramNotFound) as refusal:
        note(str(refusal))
        raise typer.Exit(NOT_ATTEMPTED) from None
    show_fields(summary_document(summary.batch, summary.totals, summary.ignored_columns))
    note(f"Results by row: {summary.handback}")
    if summary.batch.status == HELD:
        note(_MEANINGS[HELD][:1].upper() + _MEANINGS[HELD][1:])
    if summary.batch.rejected or summary.batch.status == HELD:
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

    async def body(runtime: Runtime) -> list[dict[str, Any]]:
        programs = await _programs(runtime, program_id)
        contexts = [(program, program_context(runtime, program)) for program in programs]
        if batch_id is None:
            found = [(program, ctx, batch) for program, ctx in contexts for batch in await list_batches(ctx)]
        elif len(programs) == 1:
            found = [(*contexts[0], await get_batch(contexts[0][1], batch_id))]
        else:
            raise CommandRefused("Batches are numbered within a program: name it with --program ID.")
        return [await _row(program, ctx, batch) for program, ctx, batch in found]

    rows = run(body, read_only=True)
    for status_name, meaning in _MEANINGS.items():
        if any(row["status"] == status_name for row in rows):
            note(f"{status_name}: {meaning}")
    if as_json:
        show_json(rows if batch_id is None else rows[0])
    elif batch_id is not None:
        show_fields(rows[0])
    else:
        show_table(
            _HEADINGS,
            [[*(row[key] for key in _COLUMNS), _share(row["progress"]), _last(row)] for row in rows],
        )


ProgramId = Annotated[int, typer.Option("--program", metavar="ID", help="The program it is for.")]
BatchId = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1, help="The batch.")]


@app.command()
def release(batch_id: BatchId, program_id: ProgramId) -> None:
    """Go on with a file that was held: a worker does, or `tessera batch load` of the same file."""
    _decide(release_batch, batch_id, program_id)


@app.command()
def discard(batch_id: BatchId, program_id: ProgramId) -> None:
    """Give up a file that was held: what was posted of it stays, nothing else is."""
    _decide(discard_batch, batch_id, program_id)


def _decide(decide: Callable[[Context, int], Awaitable[Batch]], batch_id: int, program_id: int) -> None:
    async def body(runtime: Runtime) -> Batch:
        return await decide(program_context(runtime, await find_program(runtime, program_id)), batch_id)

    found = run(body)
    note(f"Batch {found.id}, {found.file_name}, is {found.status}.")


_HEADINGS = (
    *("batch", "program", "type", "file", "status"),
    *("rows", "accepted", "rejected", "parked", "pending", "done", "rows/s, or why not"),
)
_COLUMNS = ("id", "program_id", "type", "file_name", "status", "decided", "accepted", "rejected", "parked", "pending")
# What the platform keeps for itself.
_OWN = frozenset({"header", "revision", "uploaded_by"})

_MEANINGS = {
    RUNNING: "under way, or broken off; then loading the same file again goes on where it was.",
    HELD: "too many rows are rejected, or it was uploaded by hand where somebody else decides: "
    "`tessera batch release` or `tessera batch discard`.",
    FILE_REFUSED: "the whole file; nothing of it was processed.",
}


async def _programs(runtime: Runtime, program_id: int | None) -> Sequence[Program]:
    if program_id is not None:
        return [await find_program(runtime, program_id)]
    return await list_environment_programs(runtime.services)


async def _row(program: Program, ctx: Context, found: Batch) -> dict[str, Any]:
    rate = found.rows_per_second(ctx.services.clock())
    return (
        {"program_id": program.public_id}
        | {key: value for key, value in asdict(found).items() if key not in _OWN}
        | {
            "decided": found.decided,
            "pending": found.pending,
            "progress": found.progress,
            "rows_per_second": None if rate is None else round(rate, 1),
            "queue_position": await find_queue_position(ctx, found.id) if found.status == WAITING else None,
        }
    )


def _share(progress: float | None) -> str:
    return "" if progress is None else f"{progress:.0%}"


def _last(row: Mapping[str, Any]) -> str:
    if row["message"] is not None:
        return f"{row['code']} {row['message']}"
    if row["queue_position"] is not None:
        return f"no. {row['queue_position']} in the queue"
    return "" if row["rows_per_second"] is None else f"{row['rows_per_second']:,.0f}"


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
