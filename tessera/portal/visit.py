"""One request to the portal: who makes it, in which program, and the answers that it may get."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from domain.access import Permission
from domain.errors import BadRequest, SecondFactorNeeded, TesseraError, Unauthorized
from domain.ids import new_token
from resolvers.context import Context, Services
from resolvers.sign_in import Origin
from resolvers.visitor import Place, Visitor
from tessera.portal.cell import label_cells
from tessera.portal.guard import (
    NOTICE_COOKIE,
    ROOT,
    form_token,
    keep_notice,
    read_notice,
    read_theme,
    session_token,
)
from tessera.portal.menu import Item, menu_of
from tessera.portal.render import environment
from tessera.runtime import Runtime

MAX_FIELDS, MAX_FIELD_BYTES, MAX_DIGITS = 500, 1024 * 1024, 18


@dataclass(slots=True)
class Visit:
    """A request; `place` and `ctx` are there on pages of a program."""

    request: Request
    visitor: Visitor | None = None
    place: Place | None = None
    zone: ZoneInfo = ZoneInfo("UTC")
    program_ctx: Context | None = None
    form: FormData = field(default_factory=FormData)
    wrong_proof: TesseraError | None = None

    @property
    def runtime(self) -> Runtime:
        """The services and settings of the process."""
        runtime: Runtime = self.request.state.runtime
        return runtime

    @property
    def services(self) -> Services:
        """The services of the process."""
        return self.runtime.services

    @property
    def origin(self) -> Origin:
        """From where the request comes."""
        client = self.request.client
        return Origin(address=client.host if client else "", browser=self.request.headers.get("user-agent", "")[:300])

    @property
    def person(self) -> Visitor:
        """Who is signed in, at least by password. Raises Unauthorized."""
        if self.visitor is None:
            raise Unauthorized
        return self.visitor

    @property
    def token(self) -> str:
        """The token of the session. Raises Unauthorized."""
        token = session_token(self.request)
        if token is None:
            raise Unauthorized
        return token

    @property
    def ctx(self) -> Context:
        """The call for use cases of the program. Raises Unauthorized."""
        if self.program_ctx is None:
            raise Unauthorized
        return self.program_ctx

    @property
    def deployment_ctx(self) -> Context:
        """The call for use cases of the whole deployment. Raises Unauthorized."""
        return Context(services=self.services, principal=self.person.principal, source="portal", request_id=uuid4().hex)

    def may(self, permission: Permission) -> bool:
        """Whether the caller may do something here: for buttons; the use case decides."""
        return self.program_ctx is not None and permission in self.program_ctx.principal.permissions

    # What was asked.

    @property
    def path(self) -> Mapping[str, Any]:
        """What stands in the address."""
        return self.request.path_params

    def asked(self, name: str, default: str = "") -> str:
        """A value behind the question mark, without blanks around it."""
        return self.request.query_params.get(name, default).strip()

    def asked_number(self, name: str) -> int | None:
        """A number behind the question mark that an id can be; None for anything else."""
        text = self.asked(name)
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else None

    def given(self, name: str, default: str = "") -> str:
        """A text of the form, without blanks around it. Raises BadRequest for a file."""
        value = self.form.get(name, default)
        if isinstance(value, UploadFile):
            raise BadRequest(f"{name}: is no text", field=name)
        return value.strip()

    def optional(self, name: str) -> str | None:
        """A text of the form, or None where it is blank."""
        return self.given(name) or None

    def many(self, name: str) -> list[str]:
        """All texts of the form under one name."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    # What is answered.

    def url(self, path: str = "") -> str:
        """The address of a page of the program."""
        if self.place is None:
            return f"{ROOT}/{path}".rstrip("/")
        return f"{ROOT}/p/{self.place.public_id}/{self.place.environment}/{path}".rstrip("/")

    def page(self, template: str, *, status: int = 200, error: TesseraError | None = None, **values: Any) -> Response:
        """A page, drawn. With an error its status is that of the error."""
        if isinstance(error, SecondFactorNeeded) and self.wrong_proof is not None:
            error = self.wrong_proof
        notice = read_notice(self.request)
        session = session_token(self.request)
        body = (
            environment()
            .get_template(template)
            .render(
                visit=self,
                visitor=self.visitor,
                place=self.place,
                zone=self.zone,
                theme=read_theme(self.request),
                menu=self._menu(),
                notice=notice,
                error=error,
                form=self.form,
                form_token=None if session is None else form_token(session),
                once=new_token("portal", nbytes=16),
                unique=count(1).__next__,
                url=self.url,
                **values,
            )
        )
        response = HTMLResponse(label_cells(body), status if error is None else error.status)
        if notice is not None:
            response.delete_cookie(NOTICE_COOKIE, path=ROOT, httponly=True, samesite="strict")
        return response

    def go(self, target: str, notice: str | None = None, *, kind: str = "done") -> Response:
        """Send the browser to a page, which may say what was done."""
        response = RedirectResponse(target, 303)
        if notice is not None:
            keep_notice(response, notice, kind)
        return response

    def file(self, body: bytes, name: str, media_type: str) -> Response:
        """A file to keep, never to show: what members and partners wrote is no page of ours."""
        plain_name = "".join(one if one.isalnum() or one in "._-" else "_" for one in name) or "file"
        headers = {"content-disposition": f'attachment; filename="{plain_name}"'}
        return Response(body, media_type=media_type, headers=headers)

    def _menu(self) -> Sequence[tuple[str, Sequence[Item]]]:
        if self.place is None or self.program_ctx is None:
            return ()
        return menu_of(self.program_ctx.principal.permissions)


Handler = Callable[[Visit], Awaitable[Response]]


async def read_zone(ctx: Context) -> ZoneInfo:
    """The zone of the program."""
    return ZoneInfo((await ctx.read(ctx.program)).terms.time_zone)
