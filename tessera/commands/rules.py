"""`rules`: apply a configuration file, run its examples, replay a past period under it."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.points import plain_text
from domain.rules.document import MAX_BYTES
from domain.rules.examples import run_examples
from domain.rules.model import Configuration
from domain.rules.parse import parse_file
from domain.rules.problem import ConfigurationInvalid
from domain.rules.schema import schema_text
from resolvers.back_test import BackTest, BackTestReport, Difference, back_test
from resolvers.configuration import (
    get_configuration,
    joined,
    preview_configuration,
    read_source,
)
from resolvers.program import AppliedConfiguration, apply_configuration
from tessera.commands.program import Json
from tessera.console import REFUSED, note, run, show, show_fields, show_json, show_table
from tessera.locking import CommandRefused
from tessera.runtime import Runtime, find_program, program_context

app = typer.Typer(help="Configuration files: attributes, product codes, rules, expiry.", no_args_is_help=True)

_COLUMNS = ("given", "by the draft", "difference", "in money")

ConfigurationFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


@app.command()
def apply(
    file: ConfigurationFile,
    program_id: Annotated[int, typer.Option("--program", metavar="ID", help="The program it is for.")],
    prune: Annotated[bool, typer.Option("--prune", help="Remove what the file leaves out.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check the file and tell what it would change.")
    ] = False,
) -> None:
    """Apply a configuration file, in one database transaction; tells what it adds, changes, removes and keeps."""

    async def body(runtime: Runtime) -> AppliedConfiguration:
        ctx = program_context(runtime, await find_program(runtime, program_id))
        use_case = preview_configuration if dry_run else apply_configuration
        return await use_case(ctx, _read(file), prune=prune)

    applied = run(body, read_only=dry_run)
    _show_changes(applied)
    if dry_run:
        would = "would be replaced" if applied.changed else "would stay: the file says nothing new"
        show(f"Configuration version {applied.version} {would}. Nothing was written.")
        return
    what = "in force" if applied.changed else "in force already: the file says nothing new"
    show(f"Configuration version {applied.version} is {what}.")


@app.command("back-test")
def run_back_test(
    file: ConfigurationFile,
    program_id: Annotated[int, typer.Option("--program", metavar="ID", help="The program it is for.")],
    first_day: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")],
    last_day: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, included.")],
    as_json: Json = False,
) -> None:
    """Replay the transactions of a past period under a configuration file joined with what is in force; reads only."""

    async def body(runtime: Runtime) -> BackTestReport:
        ctx = program_context(runtime, await find_program(runtime, program_id))
        command = BackTest(draft=_read(file), first_day=first_day.date(), last_day=last_day.date())
        return await back_test(ctx, command)

    report = run(body, read_only=True)
    if as_json:
        show_json(_plain(asdict(report)))
    else:
        _show_report(report)


@app.command()
def schema() -> None:
    """Print the JSON Schema of configuration files."""
    show(schema_text().removesuffix("\n"))


@app.command("test")
def run_tests(
    file: ConfigurationFile,
    program_id: Annotated[
        int | None,
        typer.Option("--program", metavar="ID", help="Joined with what is in force there, as `apply` would."),
    ] = None,
) -> None:
    """Run the examples of a configuration file; exit status 1 if one gives other points."""
    results = run_examples(_parsed(file) if program_id is None else _joined(file, program_id))
    for result in results:
        verdict = "ok  " if result.passed else "FAIL"
        got, expected = plain_text(result.got), plain_text(result.expected)
        show(f"{verdict} {result.name}: {got} points, expected {expected}")
        if not result.passed:
            show_json(result.explanation)
    failed = sum(not result.passed for result in results)
    note(f"{len(results)} examples, {failed} failed.")
    if failed:
        raise typer.Exit(REFUSED)


def _show_changes(applied: AppliedConfiguration) -> None:
    for one in applied.changes:
        for verb, names in (
            ("adds", one.added),
            ("changes", one.changed),
            ("removes", one.removed),
            ("reorders", [*one.changed, *one.kept] if one.reordered else ()),
            ("keeps", one.kept),
        ):
            if names:
                show(f"{verb:<9} {one.where}: {', '.join(names)}")


def _show_report(report: BackTestReport) -> None:
    rows = [("total", report.total), *report.groups.items()]
    show_table(("rule group", *_COLUMNS), [_cells(name, one) for name, one in rows])
    show("")
    show_fields(
        {
            "members who gain": report.members_gained,
            "members who lose": report.members_lost,
            "members unchanged": report.members_unchanged,
            "transactions": report.transactions,
            "replayed before": report.warmed_up,
            "refused": report.refused,
        }
    )
    if report.largest:
        show("")
        show_table(("member", *_COLUMNS), [_cells(name, one) for name, one in report.largest.items()])


def _cells(name: str, one: Difference) -> list[str]:
    return [name, *(plain_text(figure) for figure in (one.actual, one.draft, one.points, one.money))]


def _plain(value: Any) -> Any:
    """Exact numbers as texts without an exponent."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return plain_text(value) if isinstance(value, Decimal) else value


def _parsed(file: Path) -> Configuration:
    try:
        return parse_file(_read(file))
    except ConfigurationInvalid as invalid:
        raise CommandRefused("\n".join(map(str, invalid.problems))) from None


def _joined(file: Path, program_id: int) -> Configuration:
    async def body(runtime: Runtime) -> Configuration:
        ctx = program_context(runtime, await find_program(runtime, program_id))
        stored = (await get_configuration(ctx)).document
        return joined(read_source(_read(file)), stored)

    return run(body, read_only=True)


def _read(file: Path) -> bytes:
    # One byte more than is taken is enough to refuse a file of any size.
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)
