"""`program`, `credentials`, `admin-token`: who may get in."""

from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from domain.access import ROLES
from resolvers.program import (
    IssuedCredential,
    create_admin_token,
    create_program,
    go_live,
    list_programs,
    reset_credential,
)
from tessera.console import note, run, show, show_fields, show_json, show_table
from tessera.runtime import Runtime, deployment_context, find_program, program_context

programs = typer.Typer(help="Programs of this deployment.", no_args_is_help=True)
credentials = typer.Typer(help="The API credentials of a program.", no_args_is_help=True)
admin_tokens = typer.Typer(help="Tokens for administration through GraphQL.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]
Role = StrEnum("Role", {name.upper().replace("-", "_"): name for name in ROLES})  # type: ignore[misc]


@programs.command()
def create(name: Annotated[str, typer.Argument(help="What people call it.")], as_json: Json = False) -> None:
    """Create a program; prints its credentials, the secret for the only time."""

    async def body(runtime: Runtime) -> IssuedCredential:
        return await create_program(deployment_context(runtime), name)

    _show_credential(run(body), as_json=as_json)


@programs.command("list")
def list_all(as_json: Json = False) -> None:
    """The programs of this deployment's environment."""

    async def body(runtime: Runtime) -> list[dict[str, Any]]:
        return [
            {
                "program_id": program.public_id,
                "environment": program.environment,
                "name": program.name,
                "config_version": program.config_version,
                "created_at": program.created_at.isoformat(),
            }
            for program in await list_programs(deployment_context(runtime))
        ]

    found = run(body, read_only=True)
    if as_json:
        show_json(found)
    else:
        show_table(
            ("program", "environment", "name", "configuration", "created"),
            [list(row.values()) for row in found],
        )


@programs.command("go-live")
def open_live(program_id: int, as_json: Json = False) -> None:
    """Open a program's live environment with the sandbox's configuration; in production only."""

    async def body(runtime: Runtime) -> IssuedCredential:
        program = await find_program(runtime, program_id)
        return await go_live(program_context(runtime, program))

    _show_credential(run(body), as_json=as_json)


@credentials.command()
def reset(program_id: int, as_json: Json = False) -> None:
    """New client id and secret; every earlier token of the program dies at once."""

    async def body(runtime: Runtime) -> IssuedCredential:
        program = await find_program(runtime, program_id)
        return await reset_credential(program_context(runtime, program))

    _show_credential(run(body), as_json=as_json)


@admin_tokens.command("create")
def create_token(
    role: Annotated[Role, typer.Option(help="What its holder may do.")],
    days: Annotated[int, typer.Option(min=1, help="Days until it lapses.")] = 30,
    as_json: Json = False,
) -> None:
    """Create a token for administration through GraphQL; shown this once."""

    async def body(runtime: Runtime) -> str:
        return await create_admin_token(deployment_context(runtime), role.value, days)

    token = run(body)
    if as_json:
        show_json({"token": token, "role": role.value, "expires_in_days": days})
    else:
        show(token)
        note("Shown this once. Send it as `Authorization: Bearer TOKEN` to /graphql.")


def _show_credential(issued: IssuedCredential, *, as_json: bool) -> None:
    fields: Mapping[str, Any] = asdict(issued)
    if as_json:
        show_json(fields)
    else:
        show_fields(fields)
        note("The secret is shown this once; keep it where secrets are kept.")
