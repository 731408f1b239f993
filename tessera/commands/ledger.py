"""`ledger verify`: recompute every balance, lot, trace and hash chain from the journal."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from resolvers.verification import Finding, verify_ledger
from tessera.console import REFUSED, note, run, show
from tessera.runtime import Runtime, find_program

app = typer.Typer(help="The ledger.", no_args_is_help=True)

_SHOWN = 100


@app.callback()
def group() -> None:
    """The ledger."""


@app.command()
def verify(
    program_id: Annotated[
        int | None, typer.Option("--program", metavar="ID", help="This program; default all.")
    ] = None,
) -> None:
    """Recompute balances, lots, traces and hash chains; exit status 0 only if all hold."""

    async def body(runtime: Runtime) -> list[Finding]:
        if program_id is not None:
            await find_program(runtime, program_id)
        columns = (SpinnerColumn(), TextColumn("{task.completed} accounts"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=None)
            return await verify_ledger(
                runtime.services, program_id, progress=lambda count: bar.update(task, completed=count)
            )

    findings = run(body, read_only=True)
    for finding in findings[:_SHOWN]:
        show(str(finding))
    if findings:
        note(f"{len(findings)} findings: the ledger does not hold.")
        raise typer.Exit(REFUSED)
    show("The ledger holds: every balance, lot, trace and hash chain.")
