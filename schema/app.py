"""The ASGI application of `/graphql`: HTTP in, one operation through the schema, HTTP out."""

import asyncio
import re
from typing import cast
from uuid import uuid4

from starlette.types import ASGIApp, Receive, Scope, Send

from domain.errors import (
    MethodNotAllowed,
    PathNotFound,
    ServiceUnavailable,
    TesseraError,
    UnexpectedFailure,
)
from resolvers.context import Services
from schema.build import schema
from schema.document import Documents
from schema.execution import run
from schema.failure import log_surprise
from schema.ide import ASSETS, send_asset, send_page, wants_page
from schema.request import ClientGone, GraphQLRequest, read_get, read_post, refuse_repeated
from schema.response import Response

PATH = "/graphql"
TIMEOUT_S = 30.0

_REQUEST_ID = re.compile(rb"[0-9A-Za-z._:-]{1,100}")


def build_graphql_app(
    *, introspection: bool, timeout_s: float = TIMEOUT_S, documents: Documents | None = None
) -> ASGIApp:
    """The application of the path `/graphql` and of what lies below it.

    It wants `scope["state"]["runtime"].services`. Without `introspection` there is no GraphiQL either,
    and errors suggest no names. `documents` are those of another schema, or whose counts are to be read.
    """
    documents = documents or Documents(schema, introspection=introspection)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        headers = dict(scope["headers"])
        if introspection and scope["path"].startswith(ASSETS):
            await send_asset(scope, receive, send)
            return
        if introspection and _is_get(scope) and wants_page(headers, scope["query_string"]):
            await send_page(scope, receive, send)
            return
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _REQUEST_ID.fullmatch(given) else uuid4().hex
        response = Response(send, headers, request_id)
        try:
            request = await _read(scope, headers, receive)
            async with asyncio.timeout(timeout_s):
                outcome = await run(documents, request, _services(scope), headers, request_id)
        except ClientGone:
            return
        except TesseraError as error:
            await response.refusal(error, allow=_allowed(error, scope))
        except TimeoutError:
            await response.refusal(ServiceUnavailable(f"not done within {timeout_s:g} s"))
        except Exception as error:
            log_surprise(error, request_id)
            await response.refusal(UnexpectedFailure())
        else:
            await (response.data if "data" in outcome else response.request_error)(outcome)

    return app


def _is_get(scope: Scope) -> bool:
    return bool(scope["path"].rstrip("/") == PATH and scope["method"] == "GET")


async def _read(scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> GraphQLRequest:
    if scope["path"].rstrip("/") != PATH:
        raise PathNotFound
    if len(headers) != len(scope["headers"]):
        refuse_repeated(name for name, _ in scope["headers"])
    if scope["method"] == "GET":
        return read_get(scope["query_string"])
    if scope["method"] == "POST":
        return await read_post(headers, receive)
    raise MethodNotAllowed


def _allowed(error: TesseraError, scope: Scope) -> bytes | None:
    if not isinstance(error, MethodNotAllowed):
        return None
    return b"POST" if scope["method"] == "GET" else b"GET, POST"


def _services(scope: Scope) -> Services:
    """The services that the lifespan of the process put into the scope."""
    return cast(Services, scope["state"]["runtime"].services)
