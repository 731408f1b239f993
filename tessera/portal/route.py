"""How pages are declared, and what happens around each: the session, the program, forgery, refusals."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote
from uuid import uuid4

import structlog
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from domain.access import Permission
from domain.errors import (
    BadRequest,
    BodyTooLarge,
    OtpAttemptsExceeded,
    OtpInvalid,
    SecondFactorNeeded,
    TesseraError,
    Unauthorized,
    UnexpectedFailure,
)
from resolvers.context import Context
from resolvers.sign_in import IN, prove_again
from resolvers.visitor import enter_place, find_visitor
from tessera.portal.guard import ROOT, drop_session, refuse_foreign, refuse_forgery, session_token
from tessera.portal.step_up import FRESH
from tessera.portal.visit import MAX_FIELD_BYTES, MAX_FIELDS, Handler, Visit, read_zone

MAX_UPLOAD_BYTES = 10 * 1024 * 1024
_MAX_FORM_BYTES, _MAX_OPEN_BYTES = MAX_UPLOAD_BYTES + MAX_FIELD_BYTES, 64 * 1024
_SECRETS = {"password", "privateKey"}
_log = structlog.get_logger()


class _Number(Convertor[int]):
    """A whole number in an address that a 64-bit id can be, in its one spelling; anything else is no such path."""

    regex = "0|[1-9][0-9]{0,17}"

    def convert(self, value: str) -> int:
        """The number."""
        return int(value)

    def to_string(self, value: int) -> str:
        """As it stands in addresses."""
        return str(value)


register_url_convertor("number", _Number())


BODY_LIMIT_S = 120.0
"""How long a form may take to arrive: the largest file over a slow line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page or an action. `needs`: what one has to be allowed; pages of a program have one, others none.

    `also`: what else, where a page shows more than one thing. `is_open`: also for who is not signed in. `is_fresh`:
    only with a second factor that was shown just now.
    """

    path: str
    handler: Handler
    method: str = "GET"
    needs: Permission | None = None
    also: Sequence[Permission] = ()
    is_open: bool = False
    is_fresh: bool = False


def page(path: str, handler: Handler, needs: Permission, *also: Permission) -> Page:
    """A page of a program."""
    return Page(path=_of_program(path), handler=handler, needs=needs, also=also)


def action(path: str, handler: Handler, needs: Permission, *also: Permission) -> Page:
    """What a form of a program does."""
    is_fresh = path in FRESH
    return Page(path=_of_program(path), handler=handler, method="POST", needs=needs, also=also, is_fresh=is_fresh)


def _of_program(path: str) -> str:
    return f"{ROOT}/p/{{program:int}}/{{environment:str}}/{path}".rstrip("/")


def routes_of(pages: Sequence[Page]) -> list[Route]:
    """The routes of these pages."""
    return [Route(one.path.replace(":int}", ":number}"), partial(_serve, one), methods=[one.method]) for one in pages]


def answer_beside(error: TesseraError) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What answers where no page is: the error, in the frame of whoever is signed in."""

    async def refuse(_visit: Visit) -> Response:
        raise error

    async def answer(request: Request, _error: Exception) -> Response:
        return await _serve(Page(path="", handler=refuse, is_open=True), request)

    return answer


async def _serve(one: Page, request: Request) -> Response:
    visit = Visit(request)
    try:
        response = await _answer(one, visit)
    except Unauthorized:
        response = visit.go(_sign_in(one, request))
        if session_token(request) is not None and visit.visitor is None:
            drop_session(request, response)
    except TesseraError as error:
        response = visit.page("refused.html", error=error)
    except Exception:
        request_id = uuid4().hex
        _log.exception("a page of the portal failed", path=request.url.path, request_id=request_id)
        response = visit.page("refused.html", error=UnexpectedFailure(f"tell us {request_id}"))
    finally:
        await visit.form.close()
    response.headers.setdefault("cache-control", "no-store")
    return response


async def _answer(one: Page, visit: Visit) -> Response:
    session = session_token(visit.request)
    if session is not None:
        visit.visitor = await find_visitor(visit.services, session, visit.origin)
    if one.method == "POST":
        own = session if visit.visitor is not None else None
        refuse_foreign(visit.request, has_session=own is not None)
        _require_entered(one, visit)
        await _read_in_time(visit, _MAX_OPEN_BYTES if one.is_open else _MAX_FORM_BYTES)
        if session is not None:
            # Somebody may have been shut out while the form was on its way.
            visit.visitor = await find_visitor(visit.services, session, visit.origin)
        refuse_forgery(own, visit.given("form_token"))
    _require_entered(one, visit)
    if one.method == "POST" and not one.is_open and visit.person.principal.needs_proof and visit.given("proof"):
        await _prove(visit)
    if one.needs is not None:
        await _enter(visit, [one.needs, *one.also])
    if one.is_fresh and visit.person.principal.needs_proof:
        return _ask_for_proof(visit)
    return await one.handler(visit)


def _require_entered(one: Page, visit: Visit) -> None:
    if not one.is_open and (visit.visitor is None or visit.visitor.stage != IN):
        raise Unauthorized


def _ask_for_proof(visit: Visit) -> Response:
    """Have a code shown, and keep what was filled in; files and passwords have to be given again."""
    fields = [(name, value) for name, value in visit.form.multi_items() if name not in {"form_token", "proof"}]
    kept = [(name, value) for name, value in fields if isinstance(value, str) and not (value and name in _SECRETS)]
    return visit.page("proof.html", error=SecondFactorNeeded(), kept=kept, is_whole=len(kept) == len(fields))


async def _prove(visit: Visit) -> None:
    """Take the code that came with a form. What is wrong with it is told where the form is shown again."""
    try:
        await prove_again(visit.services, visit.token, visit.given("proof"), visit.origin)
    except (OtpInvalid, OtpAttemptsExceeded) as error:
        visit.wrong_proof = error
    else:
        visit.visitor = await find_visitor(visit.services, visit.token, visit.origin)


async def _enter(visit: Visit, needs: Sequence[Permission]) -> None:
    """Go to the program that the address names. Raises ProgramNotFound, Forbidden."""
    place = visit.person.find_place(visit.path["program"], visit.path["environment"])
    principal = await enter_place(visit.services, visit.person, place)
    ctx = Context(services=visit.services, principal=principal, source="portal", request_id=uuid4().hex)
    visit.place, visit.program_ctx, visit.zone = place, ctx, await read_zone(ctx)
    for permission in needs:
        principal.require(permission)


async def _read_in_time(visit: Visit, most: int) -> None:
    """Read the form while somebody waits for it. Raises BodyTooLarge, BadRequest."""
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            await _read_form(visit, most)
    except TimeoutError:
        raise BadRequest("the form did not arrive in time") from None


async def _read_form(visit: Visit, most: int) -> None:
    """Read the form, of bounded size; only one with a file may be large. Raises BodyTooLarge, BadRequest."""
    is_multipart = visit.request.headers.get("content-type", "").startswith("multipart/form-data")
    left = most if is_multipart else min(most, 2 * MAX_FIELD_BYTES)
    receive = visit.request.receive

    async def bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise BodyTooLarge
        return message

    request = Request(visit.request.scope, bounded)
    try:
        visit.form = await request.form(max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES)
    except (MultiPartException, HTTPException, ValueError) as error:
        raise BadRequest("the form cannot be read") from error
    texts = [value for value in visit.form.values() if isinstance(value, str)]
    if any("\0" in text for text in texts):
        raise BadRequest("a field has a NUL character")


def _sign_in(one: Page, request: Request) -> str:
    """Where one signs in, and from there comes back to the page that was asked for."""
    if one.method == "POST" or request.url.path == ROOT:
        return f"{ROOT}/sign-in"
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"{ROOT}/sign-in?next={quote(asked)}"
