"""`parity`: one scenario through REST, GraphQL and SFTP; what they make of it has to be equal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as ProgressBar

from domain.errors import ConfigurationRefused
from tessera.commands.program import Json
from tessera.console import NOT_ATTEMPTED, REFUSED, note, show, show_json, show_table
from tessera.locking import CommandRefused
from tessera.settings import SettingsRefused

if TYPE_CHECKING:
    from tessera.parity.comparison import Comparison
    from tessera.parity.run import Progress
    from tessera.parity.scenario import Scenario

_SHOWN = 50


def parity(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A scenario.")],
    database_url: Annotated[
        str | None, typer.Option(help="An empty database to use; else an embedded one that is thrown away.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Send a scenario through every door and compare; exit status 1 if anything differs, 2 if nothing was tried."""
    # The doors' clients and the edges take a moment to load.
    from tessera.parity.run import run_scenario
    from tessera.parity.scenario import ScenarioRefused, read_scenario

    try:
        scenario = read_scenario(file.read_bytes())
        with _bar(scenario) as progress:
            comparison = run_scenario(scenario, database_url, progress)
    except ScenarioRefused as refused:
        for problem in refused.problems:
            note(str(problem))
        raise typer.Exit(NOT_ATTEMPTED) from None
    except (CommandRefused, SettingsRefused, ConfigurationRefused) as refused:
        note(str(refused))
        raise typer.Exit(NOT_ATTEMPTED) from None
    show_json(_document(comparison)) if as_json else _show(comparison)
    if not comparison.is_equal:
        raise typer.Exit(REFUSED)


@contextmanager
def _bar(scenario: "Scenario") -> Iterator["Progress"]:
    """A bar for each door on standard error."""
    from tessera.parity.comparison import DOORS

    total = sum(len(upload.lines) for upload in scenario.uploads)
    columns = (TextColumn("{task.description:>8}"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"))
    with ProgressBar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks = {door: bar.add_task(door, total=total) for door in DOORS}
        yield lambda door, rows: bar.advance(tasks[door], rows)


def _document(comparison: "Comparison") -> dict[str, Any]:
    return {"equal": comparison.is_equal, **asdict(comparison)}


def _show(comparison: "Comparison") -> None:
    show_table(
        ("door", "rows", "postings", "ledger digest"),
        [[door, comparison.rows, comparison.postings[door], digest] for door, digest in comparison.digests.items()],
    )
    equal = comparison.rows - len(comparison.differences)
    counted = ", ".join(f"{code} {count}" for code, count in comparison.codes.items())
    show(f"\n{equal} of {comparison.rows} rows have equal codes ({comparison.equivalent} by equivalence): {counted}")
    _show_differences(comparison)
    show("Equal." if comparison.is_equal else "Not equal.")


def _show_differences(comparison: "Comparison") -> None:
    doors = list(comparison.digests)
    if comparison.differences:
        show("")
        show_table(
            ("row", "type", "expected", *doors, "what the file said"),
            [
                [
                    one.place,
                    one.type,
                    one.expected,
                    *(one.answers[door].code for door in doors),
                    one.answers["sftp"].message,
                ]
                for one in comparison.differences[:_SHOWN]
            ],
        )
    if comparison.posting_differences:
        show("\nPostings that not all ledgers have, and how often each has them:")
        columns = ("member", "kind", "points", "date", "expires", "transaction", "reverses")
        show_table(
            (*columns, *doors),
            [
                [*map(_cell, one.posting), *(one.times[door] for door in doors)]
                for one in comparison.posting_differences[:_SHOWN]
            ],
        )


def _cell(value: Any) -> Any:
    """What a posting is called: the parts of its name that there are."""
    return " ".join(str(part) for part in value if part is not None) if isinstance(value, list) else value
