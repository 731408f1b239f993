"""`sftp-login`: how partners get at their program's folder."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.public_key import MAX_KEY_CHARACTERS
from resolvers.sftp_login import (
    IssuedSftpLogin,
    SftpLogin,
    create_sftp_login,
    list_sftp_logins,
    revoke_sftp_login,
    rotate_sftp_password,
)
from tessera.console import begin, note, run, show_fields, show_json, show_table
from tessera.listening import local_host
from tessera.locking import CommandRefused
from tessera.runtime import Runtime, find_program, program_context
from tessera.settings import Settings

app = typer.Typer(help="SFTP logins of a program.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]
Username = Annotated[str, typer.Argument(help="The login's username.")]
_SHOWN = 1000
_TIMES = ("created_at", "password_set_at", "last_used_at")


@app.command()
def create(
    program_id: int,
    public_key: Annotated[Path | None, typer.Option(help="An OpenSSH public key, in place of a password.")] = None,
    label: Annotated[str | None, typer.Option(help="What people call the key; default its comment.")] = None,
    as_json: Json = False,
) -> None:
    """Create an SFTP login for a program; its password is shown this once."""
    key = None if public_key is None else _read(public_key)

    async def body(runtime: Runtime) -> IssuedSftpLogin:
        program = await find_program(runtime, program_id)
        return await create_sftp_login(program_context(runtime, program), key, label)

    _show_issued(run(body), as_json=as_json)


@app.command()
def rotate(program_id: int, username: Username, as_json: Json = False) -> None:
    """Give a login a new password; sessions opened by the former one end."""

    async def body(runtime: Runtime) -> IssuedSftpLogin:
        program = await find_program(runtime, program_id)
        return await rotate_sftp_password(program_context(runtime, program), username)

    _show_issued(run(body), as_json=as_json)


@app.command()
def revoke(program_id: int, username: Username) -> None:
    """End a login for good; its sessions end within seconds."""

    async def body(runtime: Runtime) -> None:
        program = await find_program(runtime, program_id)
        await revoke_sftp_login(program_context(runtime, program), username)

    run(body)
    note(f"{username} is revoked.")


@app.command("list")
def list_all(program_id: int, as_json: Json = False) -> None:
    """The logins that a program has and had, newest first."""

    async def body(runtime: Runtime) -> list[SftpLogin]:
        program = await find_program(runtime, program_id)
        return await list_sftp_logins(program_context(runtime, program), first=_SHOWN)

    found = [_fields(one) for one in run(body, read_only=True)]
    if as_json:
        show_json(found)
        return
    rows = [
        [one["username"], one["status"], *(_shown(one[name]) for name in _TIMES), len(one["keys"])] for one in found
    ]
    show_table(("username", "status", *(name.removesuffix("_at").replace("_", " ") for name in _TIMES), "keys"), rows)


def _shown(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant:%Y-%m-%d %H:%M}"


def _read(file: Path) -> str:
    """The text of a key file. Raises CommandRefused."""
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_KEY_CHARACTERS + 1).decode(errors="replace")
    except OSError as error:
        raise CommandRefused(f"{file} cannot be read: {error.strerror}.") from None


def _fields(login: SftpLogin) -> dict[str, Any]:
    return {
        "username": login.username,
        "status": "revoked" if login.revoked_at else "active",
        "password_set_at": login.password_set_at,
        "created_at": login.created_at,
        "created_by": login.created_by,
        "last_used_at": login.last_used_at,
        "revoked_at": login.revoked_at,
        "keys": [
            {
                "fingerprint": key.fingerprint,
                "label": key.label,
                "added_at": key.added_at,
                "last_used_at": key.last_used_at,
            }
            for key in login.keys
        ],
    }


def _show_issued(issued: IssuedSftpLogin, *, as_json: bool) -> None:
    login = {"username": issued.username, "password": issued.password, "fingerprint": issued.fingerprint}
    fields = {**login, **_server(begin())}
    if as_json:
        show_json(fields)
        return
    keys = fields.pop("host_keys")
    show_fields({name: value for name, value in fields.items() if value is not None} | {"host_keys": ", ".join(keys)})
    if issued.password is not None:
        note("The password is shown this once; keep it where secrets are kept.")


def _server(settings: Settings) -> dict[str, Any]:
    """Where the server is, and what it is known by."""
    from tessera.sftp import open_host_keys

    return {
        "host": local_host(settings.effective_sftp_host),
        "port": settings.sftp_port,
        "host_keys": [f"{key.get_name()} {key.fingerprint}" for key in open_host_keys(settings)],
    }
