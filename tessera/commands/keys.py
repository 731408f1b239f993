"""`keys`: the keys that sign access tokens."""

from dataclasses import asdict
from typing import Annotated

import typer

from resolvers.key_rotation import SigningKey, list_signing_keys, rotate_signing_key
from tessera.console import note, run, show_fields, show_json, show_table
from tessera.runtime import Runtime, deployment_context

app = typer.Typer(help="The keys that sign access tokens.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]


@app.command()
def rotate(
    environment: Annotated[
        str | None, typer.Option(help="`sandbox` or `live`; by default the usual one of the deployment.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put the next key in force; tokens that the former one signed are good until they lapse."""

    async def body(runtime: Runtime) -> SigningKey:
        return await rotate_signing_key(deployment_context(runtime), environment)

    key = run(body)
    if as_json:
        show_json(asdict(key))
    else:
        show_fields({"kid": key.kid, "environment": key.environment, "in_force_at": key.in_force_at})
        note("New tokens are signed with it; running servers notice by themselves.")


@app.command("list")
def list_all(as_json: Json = False) -> None:
    """The keys in force, and the former ones whose tokens are still accepted."""

    async def body(runtime: Runtime) -> list[SigningKey]:
        return await list_signing_keys(deployment_context(runtime))

    keys = [asdict(key) for key in run(body, read_only=True)]
    if as_json:
        show_json(keys)
    else:
        show_table(("kid", "environment", "in force", "accepted until"), [list(key.values()) for key in keys])
