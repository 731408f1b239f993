"""The command line: `tessera …`, also `python -m tessera …`."""

from importlib.metadata import version
from typing import Annotated

import typer

from tessera.commands import (
    administrator,
    attribute,
    batch,
    database,
    demo,
    doctor,
    export,
    keys,
    ledger,
    parity,
    partner_server,
    program,
    rules,
    serving,
    sftp_login,
    snapshot,
)
from tessera.console import RefusingGroup, show

app = typer.Typer(
    cls=RefusingGroup,
    help="Tessera: a GraphQL-native loyalty platform.",
    no_args_is_help=True,
    # A traceback with the values of variables would put secrets on the screen.
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.command()(serving.serve)
app.command()(serving.worker)
app.command()(serving.sftp)
app.command()(demo.demo)
app.add_typer(database.app, name="db")
app.add_typer(program.programs, name="program")
app.add_typer(program.credentials, name="credentials")
app.add_typer(keys.app, name="keys")
app.add_typer(sftp_login.app, name="sftp-login")
app.add_typer(program.admin_tokens, name="admin-token")
app.add_typer(administrator.app, name="administrator")
app.add_typer(batch.app, name="batch")
app.add_typer(partner_server.app, name="partner-server")
app.add_typer(rules.app, name="rules")
app.add_typer(attribute.app, name="attributes")
app.add_typer(ledger.app, name="ledger")
app.command()(parity.parity)
app.command()(export.export)
app.command()(snapshot.errors)
app.command()(snapshot.statuses)
app.command()(snapshot.reversals)
app.add_typer(snapshot.schemas, name="schema")
app.add_typer(snapshot.openapis, name="openapi")
app.command()(doctor.doctor)


def _print_version(asked: bool) -> None:
    if asked:
        show(version("tessera-loyalty"))
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """Tessera: a GraphQL-native loyalty platform."""
