"""The ASGI application of `/graphql`: HTTP in, one operation through the schema, HTTP out."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter
from uuid import uuid4

from starlette.types import ASGIApp, Receive, Scope, Send

from domain.errors import (
    MethodNotAllowed,
    PathNotFound,
    ServiceUnavailable,
    TesseraError,
    UnexpectedFailure,
)
from schema.build import schema
from schema.cors import Visit, cors_headers, is_preflight, open_visit, preflight
from schema.document import Documents
from schema.execution import run
from schema.failure import code_of, log_surprise
from schema.ide import ASSETS, send_asset, send_page, wants_page
from schema.request import ClientGone, GraphQLRequest, read_get, read_post, refuse_repeated
from schema.response import Response
from schema.socket import Sockets
from schema.sse import EventStream, wants_events
from schema.stream import stream

PATH = "/graphql"
TIMEOUT_S = 30.0

_REQUEST_ID = re.compile(rb"[0-9A-Za-z._:-]{1,100}")


def build_graphql_app(
    *, introspection: bool, timeout_s: float = TIMEOUT_S, documents: Documents | None = None
) -> ASGIApp:
    """The application of the path `/graphql` and of what lies below it.

    It wants `scope["state"]["runtime"].services`. Without `introspection` there is no GraphiQL either,
    and errors suggest no names; where only the documents of a list run there is none as well.
    `documents` are those of another schema, of a list, or whose counts are to be read.
    """
    documents = documents or Documents(schema, introspection=introspection)
    sockets = Sockets(documents, timeout_s)
    # What somebody types into it is on no list.
    has_page = introspection and not documents.only_trusted

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await sockets.serve(scope, receive, send)
            return
        headers = dict(scope["headers"])
        page = _page(scope, headers) if has_page else None
        if page is not None:
            await page(scope, receive, send)
            return
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _REQUEST_ID.fullmatch(given) else uuid4().hex
        began, visit = perf_counter(), open_visit(scope, headers)
        response = Response(send, headers, request_id)
        answer = await _answer(documents, response, visit, scope, headers, receive, timeout_s)
        if answer is not None:
            response.told = await cors_headers(visit)
            await answer()
            if visit.code is not None and "state" in scope:
                visit.services.figures.request("graphql", visit.operation, visit.code, perf_counter() - began)

    return app


async def _answer(
    documents: Documents,
    response: Response,
    visit: Visit,
    scope: Scope,
    headers: dict[bytes, bytes],
    receive: Receive,
    timeout_s: float,
) -> Callable[[], Awaitable[None]] | None:
    """What is to be sent; None where nobody waits for it any more."""
    try:
        if is_preflight(scope, headers) and scope["path"].rstrip("/") == PATH:
            return partial(response.empty, await preflight(visit))
        request = await _read(documents, visit, headers, receive)
        if wants_events(headers):
            bodies = stream(documents, request, visit, headers, response.request_id, timeout_s=timeout_s)
            return partial(EventStream(response).serve, bodies, receive)
        async with asyncio.timeout(timeout_s):
            outcome = await run(documents, request, visit, headers, response.request_id)
    except ClientGone:
        return None
    except TesseraError as error:
        visit.code = error.graphql_code
        return partial(response.refusal, error, allow=_allowed(error, scope))
    except TimeoutError:
        visit.code = ServiceUnavailable.graphql_code
        return partial(response.refusal, ServiceUnavailable(f"not done within {timeout_s:g} s", retry_after_s=1))
    except Exception as error:
        log_surprise(error, response.request_id)
        visit.code = UnexpectedFailure.graphql_code
        return partial(response.refusal, UnexpectedFailure())
    visit.code = code_of(outcome)
    return partial(response.data if "data" in outcome else response.request_error, outcome)


def _page(scope: Scope, headers: dict[bytes, bytes]) -> ASGIApp | None:
    """What serves GraphiQL or a part of it, if that is asked for."""
    if scope["path"].startswith(ASSETS):
        return send_asset
    is_get = scope["path"].rstrip("/") == PATH and scope["method"] == "GET"
    return send_page if is_get and wants_page(headers, scope["query_string"]) else None


async def _read(documents: Documents, visit: Visit, headers: dict[bytes, bytes], receive: Receive) -> GraphQLRequest:
    scope = visit.scope
    if scope["path"].rstrip("/") != PATH:
        raise PathNotFound
    if len(headers) != len(scope["headers"]):
        refuse_repeated(name for name, _ in scope["headers"])
    if scope["method"] == "GET":
        return read_get(scope["query_string"])
    if scope["method"] == "POST":
        return await read_post(headers, receive, documents.large_bodies, visit.address)
    raise MethodNotAllowed


def _allowed(error: TesseraError, scope: Scope) -> bytes | None:
    if not isinstance(error, MethodNotAllowed):
        return None
    return b"POST" if scope["method"] == "GET" else b"GET, POST"
