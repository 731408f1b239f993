"""API credentials: what is in force, its history, new ones in its place; logins of partners at the SFTP server."""

from starlette.responses import Response

from domain.access import Permission
from domain.errors import BadRequest, TesseraError
from resolvers.program import go_live, list_credentials, reset_credential
from resolvers.sftp_login import (
    MAX_LOGINS,
    IssuedSftpLogin,
    add_sftp_key,
    create_sftp_login,
    list_sftp_logins,
    remove_sftp_key,
    revoke_sftp_login,
    rotate_sftp_password,
)
from resolvers.token import ENVIRONMENTS
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit


async def show(visit: Visit, error: TesseraError | None = None) -> Response:
    """What is in force, and what was before."""
    credentials = await list_credentials(visit.ctx)
    logins = await list_sftp_logins(visit.ctx, first=MAX_LOGINS)
    terms = (await visit.ctx.read(visit.ctx.program)).terms
    number = visit.ctx.principal.public_program_id
    has_live = any((one.public_id, one.environment) == (number, "live") for one in visit.person.places)
    return visit.page(
        "credentials.html",
        error=error,
        current=next((one for one in credentials if one.revoked_at is None), None),
        history=credentials,
        logins=logins,
        origins=terms.allowed_origins,
        wants_approval="credential_reset" in terms.approvals,
        sftp=(visit.runtime.settings.effective_sftp_host, visit.runtime.settings.sftp_port),
        can_go_live="live" in ENVIRONMENTS[visit.services.environment] and not has_live,
    )


async def reset(visit: Visit) -> Response:
    """New credentials, shown once."""
    try:
        issued = await reset_credential(visit.ctx)
    except TesseraError as error:
        return await show(visit, error)
    return visit.page("credentials_issued.html", issued=issued, is_new=False)


async def open_live(visit: Visit) -> Response:
    """The live environment, with its first credentials."""
    try:
        issued = await go_live(visit.ctx)
    except TesseraError as error:
        return await show(visit, error)
    return visit.page("credentials_issued.html", issued=issued, is_new=True)


async def create_login(visit: Visit) -> Response:
    """A login at the SFTP server, by key or by a password that is shown once."""
    try:
        issued = await create_sftp_login(visit.ctx, visit.optional("public_key"), visit.optional("label"))
    except TesseraError as error:
        return await show(visit, error)
    return _shown(visit, issued)


async def change_login(visit: Visit) -> Response:
    """What the buttons beside a login do."""
    username, what = visit.path["username"], visit.given("what")
    try:
        if what == "password":
            return _shown(visit, await rotate_sftp_password(visit.ctx, username))
        if what == "add-key":
            await add_sftp_key(visit.ctx, username, visit.given("public_key"), visit.optional("label"))
        elif what == "remove-key":
            await remove_sftp_key(visit.ctx, username, visit.given("fingerprint"))
        elif what == "revoke":
            await revoke_sftp_login(visit.ctx, username)
        else:
            raise BadRequest("what: unknown", field="what")
    except TesseraError as error:
        return await show(visit, error)
    return visit.go(visit.url("credentials"), _DONE[what].format(username))


_DONE = {
    "add-key": "{} has another key.",
    "remove-key": "The key is removed; {} cannot use it any more.",
    "revoke": "{} is revoked, and its connections are closed.",
}


def _shown(visit: Visit, issued: IssuedSftpLogin) -> Response:
    settings = visit.runtime.settings
    return visit.page("login_issued.html", issued=issued, sftp=(settings.effective_sftp_host, settings.sftp_port))


PAGES: tuple[Page, ...] = (
    page("credentials", show, Permission.CREDENTIAL_READ),
    action("credentials/reset", reset, Permission.CREDENTIAL_WRITE),
    action("credentials/go-live", open_live, Permission.PROGRAM_CREATE),
    action("credentials/logins", create_login, Permission.CREDENTIAL_WRITE),
    action("credentials/logins/{username}", change_login, Permission.CREDENTIAL_WRITE),
)
