"""Partners' own SFTP servers: which are visited, how the last visit went, and the form for one."""

from datetime import time
from typing import get_args

from starlette.responses import Response

from domain.access import Permission
from domain.errors import BadRequest, TesseraError
from domain.partner_server import FILE_TYPES, AfterFetch, PartnerSecret, PartnerServer
from resolvers.partner_server import (
    list_partner_servers,
    remove_partner_server,
    request_visit,
    save_partner_server,
)
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

_TYPES = sorted(FILE_TYPES)


async def show(visit: Visit, error: TesseraError | None = None) -> Response:
    """The servers, and the form for a new one or for the one that is asked for."""
    servers = await list_partner_servers(visit.ctx)
    name = visit.asked("change") or visit.given("name")
    return visit.page(
        "partners.html",
        error=error,
        servers=servers,
        edited=next((one for one in servers if one.server.name == name), None),
        types=_TYPES,
    )


async def save(visit: Visit) -> Response:
    """Keep a server."""
    try:
        server, secret = _server(visit), _secret(visit)
        await save_partner_server(visit.ctx, server, secret, enabled=visit.given("enabled") == "yes")
    except TesseraError as error:
        return await show(visit, error)
    return visit.go(visit.url("partners"), f"{server.name} is saved, and will be visited at once.")


async def change(visit: Visit) -> Response:
    """Visit a server now, or forget it."""
    name, what = visit.path["name"], visit.given("what")
    try:
        if what == "visit":
            await request_visit(visit.ctx, name)
        elif what == "remove":
            await remove_partner_server(visit.ctx, name)
        else:
            raise BadRequest("what: unknown", field="what")
    except TesseraError as error:
        return await show(visit, error)
    told = f"{name} will be visited as soon as possible." if what == "visit" else f"{name} is removed."
    return visit.go(visit.url("partners"), told)


def _server(visit: Visit) -> PartnerServer:
    """Raises BadRequest."""
    pull = {one: visit.given(f"pull_{one}") for one in _TYPES if visit.given(f"pull_{one}")}
    minutes, daily = visit.optional("everyMinutes"), visit.optional("dailyAt")
    try:
        every, at = None if minutes is None else int(minutes), None if daily is None else time.fromisoformat(daily)
    except ValueError as error:
        raise BadRequest("everyMinutes: a whole number of minutes, or a time of day", field="everyMinutes") from error
    port = visit.given("port", "22")
    if not port.isdecimal():
        raise BadRequest("port: 1 to 65535", field="port")
    after = next((one for one in get_args(AfterFetch) if one == visit.given("afterFetch")), None)
    if after is None:
        raise BadRequest("afterFetch: unknown", field="afterFetch")
    return PartnerServer(
        name=visit.given("name"),
        host=visit.given("host"),
        port=int(port),
        username=visit.given("username"),
        host_key=visit.given("hostKey"),
        pull=pull,
        handback_folder=visit.optional("handbackFolder"),
        download_folder=visit.optional("downloadFolder"),
        after_fetch=after,
        moved_folder=visit.optional("movedFolder"),
        every_minutes=every,
        daily_at=at,
    )


def _secret(visit: Visit) -> PartnerSecret | None:
    """What was typed; None where nothing was, and the server keeps the one it has."""
    password, key = visit.form.get("password"), visit.optional("privateKey")
    if not password and key is None:
        return None
    return PartnerSecret(password=str(password) if password else None, private_key=key and f"{key}\n")


PAGES: tuple[Page, ...] = (
    page("partners", show, Permission.CREDENTIAL_READ),
    action("partners", save, Permission.CREDENTIAL_WRITE),
    action("partners/{name}", change, Permission.CREDENTIAL_WRITE),
)
