"""Your account: who one is here, another password, another code generator, and where one is signed in."""

from starlette.responses import Response

from domain.administrator import RECOVERY_CODES
from domain.errors import InvalidRequest, TesseraError, Unauthorized
from resolvers.own_account import (
    ChangePassword,
    begin_new_factor,
    change_own_password,
    end_other_sessions,
    find_new_factor,
    get_own_access,
    take_new_factor,
)
from tessera.portal.guard import ROOT, keep_session
from tessera.portal.pages.entrance import draw_code, in_groups, typed
from tessera.portal.route import Page
from tessera.portal.visit import Visit

HERE = f"{ROOT}/account"
_FACTOR = f"{HERE}/second-factor"


async def show(visit: Visit) -> Response:
    """Name, roles, how one gets in, and the sessions."""
    access = await get_own_access(visit.services, visit.token)
    return visit.page("account.html", access=access, most_codes=RECOVERY_CODES)


async def end_others(visit: Visit) -> Response:
    """End all sessions but this one."""
    ended = await end_other_sessions(visit.services, visit.token, visit.origin)
    return visit.go(HERE, "All other sessions are ended." if ended else "There was no other session.")


async def show_password(visit: Visit, error: TesseraError | None = None) -> Response:
    """The form for another password."""
    return visit.page("account_password.html", error=error)


async def change_password(visit: Visit) -> Response:
    """Take another password; the session goes on under another token."""
    command = ChangePassword(present=typed(visit, "present"), password=typed(visit, "password"))
    try:
        if command.password != typed(visit, "again"):
            raise InvalidRequest("again: the two passwords differ", field="again")
        entered = await change_own_password(visit.services, visit.token, command, visit.origin)
    except Unauthorized:
        raise
    except TesseraError as error:
        return await show_password(visit, error)
    response = visit.go(HERE, "Your password is changed, and all other sessions are ended.")
    keep_session(visit.request, response, entered.token)
    return response


async def show_factor(visit: Visit, error: TesseraError | None = None) -> Response:
    """The form that begins with another code generator."""
    return visit.page("account_factor.html", error=error)


async def begin_factor(visit: Visit) -> Response:
    """Draw the secret of another code generator."""
    try:
        await begin_new_factor(visit.services, visit.token, typed(visit, "present"), visit.origin)
    except Unauthorized:
        raise
    except TesseraError as error:
        return await show_factor(visit, error)
    return visit.go(f"{_FACTOR}/new")


async def show_new_factor(visit: Visit, error: TesseraError | None = None) -> Response:
    """The picture that the other code generator scans, and the form for its first code."""
    enrolment = await find_new_factor(visit.services, visit.token)
    if enrolment is None:
        return visit.go(_FACTOR)
    picture, secret = draw_code(enrolment.uri), in_groups(enrolment.secret)
    return visit.page("account_scan.html", error=error, picture=picture, secret=secret)


async def take_factor(visit: Visit) -> Response:
    """Take the other code generator, and show the recovery codes once."""
    try:
        enrolled = await take_new_factor(visit.services, visit.token, visit.given("code"), visit.origin)
    except Unauthorized:
        raise
    except TesseraError as error:
        return await show_new_factor(visit, error)
    response = visit.page("recovery.html", codes=enrolled.recovery_codes, target=HERE)
    keep_session(visit.request, response, enrolled.entered.token)
    return response


PAGES = (
    Page(path=HERE, handler=show),
    Page(path=f"{HERE}/sessions", handler=end_others, method="POST"),
    Page(path=f"{HERE}/password", handler=show_password),
    Page(path=f"{HERE}/password", handler=change_password, method="POST"),
    Page(path=_FACTOR, handler=show_factor),
    Page(path=_FACTOR, handler=begin_factor, method="POST"),
    Page(path=f"{_FACTOR}/new", handler=show_new_factor),
    Page(path=f"{_FACTOR}/new", handler=take_factor, method="POST"),
)
