"""The command line: `tessera …`, also `python -m tessera …`."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.main import get_command, get_group

from tessera.console import RefusingGroup, show

# Where each command stands. Its module is imported when it runs, with the parts of the product that it works with:
# those of all commands together take longer to import than most commands take.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": ("serving", "serve"),
    "worker": ("serving", "worker"),
    "sftp": ("serving", "sftp"),
    "demo": ("demo", "demo"),
    "parity": ("parity", "parity"),
    "export": ("export", "export"),
    "errors": ("snapshot", "errors"),
    "statuses": ("snapshot", "statuses"),
    "reversals": ("snapshot", "reversals"),
    "doctor": ("doctor", "doctor"),
    "db": ("database", "app"),
    "program": ("program", "programs"),
    "credentials": ("program", "credentials"),
    "keys": ("keys", "app"),
    "sftp-login": ("sftp_login", "app"),
    "admin-token": ("program", "admin_tokens"),
    "administrator": ("administrator", "app"),
    "batch": ("batch", "app"),
    "partner-server": ("partner_server", "app"),
    "rules": ("rules", "app"),
    "voucher": ("voucher", "app"),
    "attributes": ("attribute", "app"),
    "ledger": ("ledger", "app"),
    "schema": ("snapshot", "schemas"),
    "openapi": ("snapshot", "openapis"),
}


class _Commands(Mapping[str, Any]):
    """The commands by name, each made from its module when it is looked up."""

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __getitem__(self, name: str) -> Any:
        module, member = COMMANDS[name]
        found = getattr(import_module(f"tessera.commands.{module}"), member)
        if isinstance(found, typer.Typer):
            command: Any = get_group(found)
        else:
            holder = typer.Typer(add_completion=False)
            holder.command()(found)
            command = get_command(holder)
        command.name = name
        return command


class _Group(RefusingGroup):
    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": _Commands()})


app = typer.Typer(
    cls=_Group,
    help="Tessera: a GraphQL-native loyalty platform.",
    no_args_is_help=True,
    # A traceback with the values of variables would put secrets on the screen.
    pretty_exceptions_enable=False,
    add_completion=False,
)


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
