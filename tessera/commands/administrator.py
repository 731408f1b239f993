"""`administrator`: who may sign in at the portal, for whoever has the machine."""

from typing import Annotated, Any

import typer

from domain.administrator import Grant, Link
from domain.errors import AdministratorNotFound
from resolvers.administrator import list_administrators
from resolvers.administrator_link import invite_administrator, offer_setup, reset_administrator
from tessera.commands.program import Json, Role
from tessera.console import note, run, show, show_json, show_table
from tessera.listening import local_host
from tessera.runtime import Runtime, deployment_context
from tessera.settings import Settings

app = typer.Typer(help="Administrators, who sign in at the portal.", no_args_is_help=True)

_ONCE = "It works once, within a day."


@app.command("list")
def list_all(as_json: Json = False) -> None:
    """Everybody, with the roles by program."""

    async def body(runtime: Runtime) -> list[dict[str, Any]]:
        return [
            {
                "email": one.email,
                "name": one.name,
                "roles": {str(each.public_program_id or "all"): each.role for each in one.grants},
                "second_factor": one.has_second_factor,
                "disabled": one.disabled_at is not None,
                "last_seen_at": None if one.last_seen_at is None else one.last_seen_at.isoformat(),
            }
            for one in await list_administrators(deployment_context(runtime))
        ]

    found = run(body, read_only=True)
    if as_json:
        show_json(found)
    else:
        show_table(list(found[0]) if found else ["email"], [list(one.values()) for one in found])


@app.command()
def invite(
    email: Annotated[str, typer.Argument(help="Whom the link is for.")],
    role: Annotated[Role, typer.Option(help="What the administrator may do.")],
    program_id: Annotated[
        int | None, typer.Option("--program", metavar="ID", help="Where; default: everywhere.")
    ] = None,
) -> None:
    """A link by which somebody becomes an administrator."""

    async def body(runtime: Runtime) -> str:
        grants = [Grant(public_program_id=program_id, role=role.value)]
        return link_url(runtime.settings, await invite_administrator(deployment_context(runtime), email, grants))

    show(run(body))
    note(_ONCE)


@app.command()
def reset(email: Annotated[str, typer.Argument(help="Who lost a password or a phone.")]) -> None:
    """A link for a new password and code generator; all sessions of the administrator end."""

    async def body(runtime: Runtime) -> str:
        ctx = deployment_context(runtime)
        known = {one.email: one.id for one in await list_administrators(ctx)}
        if email.casefold() not in known:
            raise AdministratorNotFound(email)
        return link_url(runtime.settings, await reset_administrator(ctx, known[email.casefold()]))

    show(run(body))
    note(_ONCE)


@app.command()
def setup() -> None:
    """A new link for the first administrator, where there is none yet."""

    async def body(runtime: Runtime) -> str | None:
        link = await offer_setup(deployment_context(runtime))
        return None if link is None else link_url(runtime.settings, link)

    url = run(body)
    if url is None:
        note("There is an administrator already: `tessera administrator invite` adds another.")
    else:
        show(url)
        note(_ONCE)


def link_url(settings: Settings, link: Link) -> str:
    """Where a link leads, on this machine: behind a proxy the host is another one."""
    host = local_host(settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/portal/link/{link.token}"
