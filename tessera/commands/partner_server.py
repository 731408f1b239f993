"""`partner-server`: partners' own SFTP servers, which are visited on a schedule."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.errors import BadRequest
from domain.partner_server import PartnerSecret, PartnerServer
from resolvers.partner_server import (
    KnownServer,
    list_partner_servers,
    remove_partner_server,
    request_visit,
    save_partner_server,
)
from tessera.commands.program import Json
from tessera.console import note, run, show_json, show_table
from tessera.runtime import Runtime, find_program, program_context

app = typer.Typer(help="Partners' own SFTP servers, which are visited on a schedule.", no_args_is_help=True)

ProgramId = Annotated[int, typer.Option("--program", metavar="ID", help="The program it is for.")]
Name = Annotated[str, typer.Argument(help="Its name in the program.")]


@app.command()
def save(
    name: Name,
    program_id: ProgramId,
    host: Annotated[str, typer.Option(help="A host name or an address.")],
    username: Annotated[str, typer.Option(help="As whom to sign in.")],
    host_key: Annotated[str, typer.Option(help="The host's public key (ssh-ed25519 AAAA...), or SHA256:...")],
    port: Annotated[int, typer.Option(help="The port.")] = 22,
    private_key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A private key without a passphrase.")
    ] = None,
    password: Annotated[bool, typer.Option("--password", help="Read the password from standard input.")] = False,
    pull: Annotated[list[str] | None, typer.Option(metavar="TYPE=FOLDER", help="From where to fetch files.")] = None,
    handback: Annotated[str | None, typer.Option(metavar="FOLDER", help="Where to bring results.")] = None,
    download: Annotated[str | None, typer.Option(metavar="FOLDER", help="Where to bring exports.")] = None,
    after_fetch: Annotated[str, typer.Option(help="leave, delete, or move:FOLDER.")] = "leave",
    every: Annotated[int | None, typer.Option(metavar="MINUTES", help="How often to visit; this, or --daily.")] = None,
    daily: Annotated[datetime | None, typer.Option(formats=["%H:%M"], help="When to visit, once a day.")] = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Keep it without visiting it.")] = False,
) -> None:
    """Keep a server, or replace the one of its name; without a secret that keeps the one it has."""
    server = PartnerServer(
        name=name,
        host=host,
        port=port,
        username=username,
        host_key=host_key.strip(),
        pull=dict(_folder(one) for one in pull or ()),
        handback_folder=handback,
        download_folder=download,
        **_after(after_fetch),
        every_minutes=every,
        daily_at=None if daily is None else daily.time(),
    )
    secret = _secret(private_key, password)

    async def body(runtime: Runtime) -> KnownServer:
        ctx = program_context(runtime, await find_program(runtime, program_id))
        return await save_partner_server(ctx, server, secret, enabled=not disabled)

    found = run(body)
    note(f"{found.server.name} is kept. {'It is visited next by a worker.' if found.enabled else 'It is not visited.'}")


@app.command("list")
def list_all(program_id: ProgramId, as_json: Json = False) -> None:
    """The servers of a program, and what the last visits came to."""

    async def body(runtime: Runtime) -> list[KnownServer]:
        return await list_partner_servers(program_context(runtime, await find_program(runtime, program_id)))

    rows = [_row(one) for one in run(body, read_only=True)]
    if as_json:
        show_json(rows)
    else:
        show_table(
            ("name", "host", "port", "enabled", "next visit", "last visit", "failures", "outcome"),
            [list(row.values()) for row in rows],
        )


@app.command()
def remove(name: Name, program_id: ProgramId) -> None:
    """Forget a server, its secret, and what went either way."""

    async def body(runtime: Runtime) -> None:
        await remove_partner_server(program_context(runtime, await find_program(runtime, program_id)), name)

    run(body)
    note(f"{name} is forgotten.")


@app.command()
def visit(name: Name, program_id: ProgramId) -> None:
    """Have a server visited by a worker as soon as may be, whatever its schedule says."""

    async def body(runtime: Runtime) -> KnownServer:
        return await request_visit(program_context(runtime, await find_program(runtime, program_id)), name)

    run(body)
    note(f"{name} is visited next.")


def _folder(given: str) -> tuple[str, str]:
    file_type, _, folder = given.partition("=")
    return file_type.upper(), folder


def _after(given: str) -> dict[str, Any]:
    """What becomes of a file that was fetched. Raises BadRequest."""
    action, _, folder = given.partition(":")
    if action not in {"leave", "delete", "move"}:
        raise BadRequest("--after-fetch: leave, delete, or move:FOLDER", field="after_fetch")
    return {"after_fetch": action.upper(), "moved_folder": folder or None}


def _secret(private_key: Path | None, password: bool) -> PartnerSecret | None:
    """What was given; a password is read, for what stands in a command line others see."""
    if private_key is None and not password:
        return None
    return PartnerSecret(
        private_key=None if private_key is None else private_key.read_text(),
        password=sys.stdin.readline().rstrip("\n") if password else None,
    )


def _row(one: KnownServer) -> dict[str, Any]:
    return {
        "name": one.server.name,
        "host": one.server.host,
        "port": one.server.port,
        "enabled": one.enabled,
        "next_visit_at": one.next_visit_at,
        "visited_at": one.visited_at,
        "failures": one.failures,
        "outcome": one.outcome,
    }
