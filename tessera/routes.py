"""The routes of the shell itself: alive, ready, and the documentation."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from domain.errors import ServiceUnavailable
from domain.rules.schema import schema_text
from tessera.migration import SENTENCES, USABLE, schema_state
from tessera.pages import (
    CONFIGURATION_SCHEMA,
    OPERATION_PAGES,
    STYLE,
    TOLERANT_OPENAPI,
    errors_json,
    errors_page,
    landing_page,
    markdown_page,
    operations_page,
)
from tessera.runtime import Runtime

READY_LIMIT_S = 5.0

_NO_STORE = {"cache-control": "no-store"}
_log = structlog.get_logger()


def page_routes(
    openapi: Callable[[], Mapping[str, Any]],
    tolerant: Callable[[], Mapping[str, Any]],
    rest_pages: Callable[[], Mapping[str, str]],
) -> Sequence[BaseRoute]:
    """The routes; `openapi` and `tolerant` make the documents of the REST edge, `rest_pages` its pages in Markdown
    by operation.

    Whoever starts a server rarely reads: each is made when it is first asked for, in a thread, which holds up nobody.
    """
    return (
        _page("/", landing_page),
        _page("/docs", lambda: operations_page(openapi())),
        Route(f"{OPERATION_PAGES}/{{name}}", _operation_page(cache(rest_pages))),
        _page("/openapi.json", lambda: orjson.dumps(openapi()), "application/json"),
        _page(TOLERANT_OPENAPI, lambda: orjson.dumps(tolerant()), "application/json"),
        _page("/docs/errors.json", errors_json, "application/json"),
        _page(CONFIGURATION_SCHEMA, lambda: schema_text().encode(), "application/schema+json"),
        _page("/assets/page.css", lambda: STYLE, "text/css"),
        Route("/docs/errors", _errors),
        ALIVE,
        READY,
    )


def _page(path: str, make: Callable[[], bytes], media_type: str = "text/html") -> Route:
    made = cache(make)

    def answer(_request: Request) -> Response:
        return Response(made(), media_type=media_type)

    return Route(path, answer)


def _operation_page(pages: Callable[[], Mapping[str, str]]) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        text = pages().get(request.path_params["name"])
        if text is None:
            raise HTTPException(404)
        return Response(markdown_page(text), media_type="text/html")

    return answer


async def _errors(request: Request) -> Response:
    wants_json = "application/json" in request.headers.get("accept", "")
    body, media_type = (errors_json(), "application/json") if wants_json else (errors_page(), "text/html")
    return Response(body, media_type=media_type, headers={"vary": "accept"})


async def _alive(_request: Request) -> Response:
    return _state(200, "alive")


async def _ready(request: Request) -> Response:
    """200 while the database answers in time and its schema fits this version, else 503."""
    runtime: Runtime = request.state.runtime
    try:
        async with asyncio.timeout(READY_LIMIT_S):
            state = await runtime.services.db.read(schema_state)
    except (ServiceUnavailable, TimeoutError) as error:
        _log.warning("not ready", reason=str(error) or "the database takes too long")
        return _state(503, "not ready", "The database cannot be reached.")
    except Exception:
        _log.exception("not ready")
        return _state(503, "not ready", "The database cannot be used.")
    if state not in USABLE:
        return _state(503, "not ready", SENTENCES[state])
    return _state(200, "ready", SENTENCES[state])


def _state(status: int, state: str, detail: str | None = None) -> Response:
    body = {"status": state} if detail is None else {"status": state, "detail": detail}
    return Response(orjson.dumps(body), status, media_type="application/json", headers=_NO_STORE)


ALIVE, READY = Route("/healthz", _alive), Route("/readyz", _ready)
