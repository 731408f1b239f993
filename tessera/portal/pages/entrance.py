"""The entrance: sign in, show a code, enrol a code generator, use a link, choose a program, go away."""

import io

import segno
from markupsafe import Markup
from starlette.responses import Response

from domain.administrator import Link
from domain.errors import InvalidRequest, LinkInvalid, TesseraError, Unauthorized
from resolvers.administrator_accept import accept_invitation
from resolvers.administrator_link import TakeLink, find_link, take_link
from resolvers.sign_in import CODE, ENROL, IN, Entered, begin_enrolment, enrol, show_code, sign_in, sign_out
from tessera.portal.guard import ROOT, THEME_COOKIE, THEMES, drop_session, keep_session, safe_target
from tessera.portal.route import Page
from tessera.portal.visit import Visit

_NEXT_STEP = {CODE: f"{ROOT}/code", ENROL: f"{ROOT}/enrol"}


async def home(visit: Visit) -> Response:
    """The programs of who is signed in; the only one at once."""
    places = visit.person.places
    if len(places) == 1:
        return visit.go(f"{ROOT}/p/{places[0].public_id}/{places[0].environment}")
    return visit.page("home.html", places=places)


async def show_sign_in(visit: Visit, error: TesseraError | None = None) -> Response:
    """The form for address and password."""
    if visit.visitor is not None and visit.visitor.stage == IN:
        return visit.go(safe_target(visit.asked("next")))
    return visit.page("sign_in.html", error=error, target=_target(visit))


async def do_sign_in(visit: Visit) -> Response:
    """The first step."""
    try:
        entered = await sign_in(visit.services, visit.given("email"), typed(visit, "password"), visit.origin)
    except TesseraError as error:
        return await show_sign_in(visit, error)
    return _onward(visit, entered)


async def show_code_form(visit: Visit, error: TesseraError | None = None) -> Response:
    """The form for the code."""
    if visit.person.stage != CODE:
        raise Unauthorized
    return visit.page("code.html", error=error, target=_target(visit))


async def do_code(visit: Visit) -> Response:
    """The second step."""
    if visit.person.stage != CODE:
        raise Unauthorized
    try:
        entered = await show_code(visit.services, visit.token, visit.given("code"), visit.origin)
    except Unauthorized:
        raise
    except TesseraError as error:
        return await show_code_form(visit, error)
    return _onward(visit, entered)


async def show_enrol(visit: Visit, error: TesseraError | None = None) -> Response:
    """The picture that code generators scan, and the form for the first code."""
    if visit.person.stage != ENROL:
        raise Unauthorized
    enrolment = await begin_enrolment(visit.services, visit.token)
    picture, secret = draw_code(enrolment.uri), in_groups(enrolment.secret)
    return visit.page("enrol.html", error=error, picture=picture, secret=secret, target=_target(visit))


async def do_enrol(visit: Visit) -> Response:
    """Take the code generator, and show the recovery codes once."""
    if visit.person.stage != ENROL:
        raise Unauthorized
    try:
        enrolled = await enrol(visit.services, visit.token, visit.given("code"), visit.origin)
    except Unauthorized:
        raise
    except TesseraError as error:
        return await show_enrol(visit, error)
    response = visit.page("recovery.html", codes=enrolled.recovery_codes, target=_target(visit))
    keep_session(visit.request, response, enrolled.entered.token)
    return response


async def show_link(visit: Visit, error: TesseraError | None = None) -> Response:
    """The form behind a link that works once."""
    link = await find_link(visit.services, visit.path["token"])
    if link is None:
        raise LinkInvalid
    return visit.page("link.html", error=error, link=link, token=visit.path["token"], is_own=_is_for(visit, link))


def _is_for(visit: Visit, link: Link) -> bool:
    """Whether it invites who is signed in already."""
    mine = visit.visitor is not None and visit.visitor.stage == IN and visit.visitor.administrator.email == link.email
    return mine and link.administrator_id is None


async def do_link(visit: Visit) -> Response:
    """Use the link up."""
    if visit.given("what") == "accept":
        await accept_invitation(visit.services, visit.person, visit.path["token"])
        return visit.go(ROOT, "You have accepted the invitation.")
    command = TakeLink(
        token=visit.path["token"],
        password=typed(visit, "password"),
        email=visit.optional("email"),
        name=visit.optional("name"),
    )
    try:
        if command.password != typed(visit, "again"):
            raise InvalidRequest("again: the two passwords differ", field="again")
        entered = await take_link(visit.services, command, visit.origin)
    except LinkInvalid:
        raise
    except TesseraError as error:
        return await show_link(visit, error)
    return _onward(visit, entered)


async def do_sign_out(visit: Visit) -> Response:
    """End the session."""
    await sign_out(visit.services, visit.token)
    response = visit.go(f"{ROOT}/sign-in", "You are signed out.")
    drop_session(visit.request, response)
    return response


async def do_theme(visit: Visit) -> Response:
    """Keep how the pages are to look."""
    response = visit.go(safe_target(visit.given("next")))
    chosen = visit.given("theme")
    if chosen in THEMES:
        response.set_cookie(THEME_COOKIE, chosen, max_age=365 * 86_400, path=ROOT, httponly=True, samesite="lax")
    return response


def _onward(visit: Visit, entered: Entered) -> Response:
    target = _target(visit)
    step = _NEXT_STEP.get(entered.stage)
    response = visit.go(target if step is None else f"{step}?next={target}")
    keep_session(visit.request, response, entered.token)
    return response


def _target(visit: Visit) -> str:
    return safe_target(visit.given("next") or visit.asked("next"))


def typed(visit: Visit, name: str) -> str:
    """A password as it was typed: blanks at its ends are of it."""
    value = visit.form.get(name, "")
    return value if isinstance(value, str) else ""


def in_groups(secret: str) -> str:
    """A secret as people type it."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def draw_code(uri: str) -> Markup:
    """A QR code that needs no style sheet."""
    drawn = io.BytesIO()
    code = segno.make(uri, error="m")
    code.save(drawn, kind="svg", xmldecl=False, svgns=False, svgclass="qr", lineclass=None, border=2, omitsize=True)
    return Markup(drawn.getvalue().decode())  # noqa: S704 - drawn here, of a text that is not in it


PAGES = (
    Page(path=ROOT, handler=home),
    Page(path=f"{ROOT}/sign-in", handler=show_sign_in, is_open=True),
    Page(path=f"{ROOT}/sign-in", handler=do_sign_in, method="POST", is_open=True),
    Page(path=f"{ROOT}/code", handler=show_code_form, is_open=True),
    Page(path=f"{ROOT}/code", handler=do_code, method="POST", is_open=True),
    Page(path=f"{ROOT}/enrol", handler=show_enrol, is_open=True),
    Page(path=f"{ROOT}/enrol", handler=do_enrol, method="POST", is_open=True),
    Page(path=f"{ROOT}/link/{{token}}", handler=show_link, is_open=True),
    Page(path=f"{ROOT}/link/{{token}}", handler=do_link, method="POST", is_open=True),
    Page(path=f"{ROOT}/sign-out", handler=do_sign_out, method="POST", is_open=True),
    Page(path=f"{ROOT}/theme", handler=do_theme, method="POST", is_open=True),
)
