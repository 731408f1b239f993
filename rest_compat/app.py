"""The dispatcher: one plain ASGI callable that the route table drives.

It is all that stands between the socket and a use case, because whatever stands there costs every
redemption. Nothing leaves it without the envelope.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import cast
from urllib.parse import quote
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import (
    BadRequest,
    BodyTooLarge,
    InvalidRequest,
    MethodNotAllowed,
    NotJson,
    PathNotFound,
    TesseraError,
    Unauthorized,
    UnexpectedFailure,
)
from resolvers.context import Services
from resolvers.figures import UNKNOWN
from rest_compat.call import REPLAYED
from rest_compat.envelope import Answer, Family, render_answer, render_error
from rest_compat.operation import JSON_TYPE, Operation, Request
from rest_compat.routes import OPERATIONS

ServicesGetter = Callable[[Scope], Services]
Header = tuple[bytes, bytes]

LBMS_ROOT = "/lbms-ingress"
RETRY_AFTER_S = 1
BODY_LIMIT_S = 30.0
BODY_LATE = "body did not arrive in time"

_MAX_IGNORED = 50
_MAX_IGNORED_LENGTH = 50
_MAX_IGNORED_BYTES = 1024
_REQUEST_ID = re.compile(rb"[0-9A-Za-z._:-]{1,100}")
_CHARSETS = frozenset({b"utf-8", b"utf8", b"us-ascii"})

# Proxies and libraries differ in which of two they believe, so neither is.
_SINGLE: Mapping[bytes, Callable[[], TesseraError]] = {
    b"authorization": Unauthorized,
    b"content-type": NotJson,
    b"idempotency-key": lambda: InvalidRequest("Idempotency-Key stands twice", field="Idempotency-Key"),
}

_log = structlog.get_logger("tessera.rest")


class ClientGone(Exception):
    """The client went away before its request was complete."""


def services_of(scope: Scope) -> Services:
    """The services that the lifespan of the process put into the scope."""
    return cast(Services, scope["state"]["runtime"].services)


def build_rest_app(services_getter: ServicesGetter = services_of) -> ASGIApp:
    """The sub-application that serves every path below `/v1`, `/lbms-ingress` and `/oauth`."""
    v1 = {operation.path(Family.V1): operation for operation in OPERATIONS}
    lbms = {operation.path(Family.LBMS).lower(): operation for operation in OPERATIONS}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        began, code, services = perf_counter(), UnexpectedFailure.code, None
        request, path = _opened(scope)
        operation = v1.get(path) if request.family is Family.V1 else lbms.get(path.lower())
        try:
            services = services_getter(scope)
            await _admit(operation, request, scope, receive)
            assert operation is not None  # noqa: S101 - else it was not admitted
            status, headers, body = _succeeded(await operation.serve(operation, request, services), operation, request)
            code = operation.ok_code
        except ClientGone:
            return
        except TesseraError as error:
            if error.status == 500:
                _log.exception("request failed", request_id=request.request_id, path=path, code=error.code)
            elif error.status > 500:
                _log.warning("request refused", request_id=request.request_id, path=path, code=error.code)
            status, headers, body = _refused(error, operation, request)
            code = error.code
        except Exception:
            _log.exception("request failed", request_id=request.request_id, path=path)
            status, headers, body = _refused(UnexpectedFailure(), operation, request)
        await _respond(send, status, [*headers, *_common_headers(request, body)], body)
        if services is not None:
            name = UNKNOWN if operation is None else operation.name
            services.figures.request("rest", name, code, perf_counter() - began)

    return app


def _opened(scope: Scope) -> tuple[Request, str]:
    """The request before its body is read, and its path below the mount."""
    path: str = scope["path"].removeprefix(scope.get("app_root_path", ""))
    headers = dict(scope["headers"])
    given = headers.get(b"x-request-id", b"")
    request = Request(
        family=Family.LBMS if path.lower().startswith(LBMS_ROOT) else Family.V1,
        headers=headers,
        query=scope["query_string"],
        request_id=given.decode() if _REQUEST_ID.fullmatch(given) else uuid4().hex,
        address=(scope.get("client") or ("",))[0],
    )
    return request, path


async def _admit(operation: Operation | None, request: Request, scope: Scope, receive: Receive) -> None:
    """Read the body of a request that belongs here. Raises the errors of section 5 up to 415."""
    if operation is None:
        raise PathNotFound
    if scope["method"] != operation.method:
        raise MethodNotAllowed
    if len(request.headers) != len(scope["headers"]):
        _refuse_repeated(name for name, _ in scope["headers"])
    if operation.body is None:
        return
    request.body = await _read_body(request.headers, receive, operation.max_body_bytes)
    request.content_type = _content_type(request.headers, operation)


def _refuse_repeated(names: Iterable[bytes]) -> None:
    """Raise Unauthorized, NotJson or InvalidRequest for a second header of a name that stands once."""
    seen = set()
    for name in names:
        if name in seen and name in _SINGLE:
            raise _SINGLE[name]()
        seen.add(name)


async def _read_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > limit:
        raise BodyTooLarge
    body = bytearray()
    message = await receive()
    _extend(body, message, limit)
    if message.get("more_body", False):  # Whatever arrives whole is not timed.
        try:
            async with asyncio.timeout(BODY_LIMIT_S):
                while message.get("more_body", False):
                    message = await receive()
                    _extend(body, message, limit)
        except TimeoutError:
            raise BadRequest(BODY_LATE) from None
    return bytes(body)


def _extend(body: bytearray, message: Message, limit: int) -> None:
    """Add a piece of the body. Raises ClientGone, BodyTooLarge."""
    if message["type"] == "http.disconnect":
        raise ClientGone
    body += message.get("body", b"")
    if len(body) > limit:
        raise BodyTooLarge


def _content_type(headers: Mapping[bytes, bytes], operation: Operation) -> bytes:
    """The media type of the body; one that is not named is JSON. Raises NotJson."""
    given = headers.get(b"content-type", JSON_TYPE)
    media_type, _, parameters = given.lower().partition(b";")
    _, _, charset = parameters.partition(b"charset=")
    if (
        media_type.strip() not in operation.content_types
        or (charset and charset.strip(b'" ;') not in _CHARSETS)
        or headers.get(b"content-encoding", b"identity").lower() != b"identity"
    ):
        raise NotJson
    return media_type.strip()


def _succeeded(answer: Answer, operation: Operation, request: Request) -> tuple[int, list[Header], bytes]:
    return operation.ok_status, list(answer.headers), render_answer(answer, request.family, operation.ok_code)


def _refused(error: TesseraError, operation: Operation | None, request: Request) -> tuple[int, list[Header], bytes]:
    explain = operation.explain if operation is not None else None
    status = error.status if operation is None else operation.status_of(error)
    headers: list[Header] = []
    if status == 405 and operation is not None:
        headers.append((b"allow", operation.method.encode()))
    if status == 401:
        scheme = b"Bearer" if explain is None else b"Basic"
        headers.append((b"www-authenticate", scheme + b' realm="tessera"'))
    if error.is_replay:
        headers += REPLAYED
    if status in (429, 503):
        headers.append((b"retry-after", str(error.retry_after_s or RETRY_AFTER_S).encode()))
    if error.status == 413 or error.detail == BODY_LATE:
        # What is still coming is not read; on a connection that stays open it would have to be.
        headers.append((b"connection", b"close"))
    beside = explain(request, error) if explain is not None else None
    return 200 if request.hides_refusal else status, headers, render_error(error, request.family, beside)


def _common_headers(request: Request, body: bytes) -> list[Header]:
    headers: list[Header] = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-request-id", request.request_id.encode()),
    ]
    if request.ignored:
        names = ", ".join(quote(name[:_MAX_IGNORED_LENGTH]) for name in request.ignored[:_MAX_IGNORED])
        if len(names) > _MAX_IGNORED_BYTES:
            names = names[:_MAX_IGNORED_BYTES].rpartition(", ")[0]
        headers.append((b"x-ignored-fields", names.encode()))
    return headers


async def _respond(send: Send, status: int, headers: list[Header], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
