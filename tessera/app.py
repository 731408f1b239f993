"""The ASGI application: one lean router in front of REST, GraphQL and the pages of the shell.

Every layer between the socket and a use case costs a redemption something. So the first segment of the
path decides, and the edges stand right behind that decision.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingestion.worker import taking_files
from rest_compat.app import build_rest_app
from rest_compat.openapi import build_openapi
from rest_compat.page import operation_pages
from rest_compat.routes import operation_paths
from rest_compat.tolerance import build_tolerant_openapi
from schema.app import build_graphql_app
from tessera.access_log import logged
from tessera.documents import open_documents
from tessera.jobs import file_jobs, jobs_with_files, running_jobs
from tessera.log import configure_logging
from tessera.memory import settle_memory
from tessera.metrics import Siblings
from tessera.metrics_page import leaving_figures, metrics
from tessera.parent import ending_with_parent
from tessera.portal.app import build_portal_app
from tessera.routes import page_routes
from tessera.runtime import Runtime, open_runtime
from tessera.settings import Settings, load_settings
from tessera.sftp import running_sftp

if TYPE_CHECKING:
    from tessera.tracing import Tracing

_SHOWN = ("/", "/docs", "/healthz", "/readyz", "/metrics")
_REST_SEGMENTS = ("v1", "lbms-ingress", "oauth")

_CSP = (
    b"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Mapping[bytes, bytes] = {
    b"content-security-policy": _CSP,
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
}
"""On every answer, unless the edge gave the header itself."""
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


def create_app(
    settings: Settings | None = None,
    *,
    everything: bool = False,
    sftp: socket | None = None,
    figures: Path | None = None,
) -> ASGIApp:
    """The application of one process. Raises SettingsRefused.

    `everything`: it takes files as well, and serves SFTP on a bound socket that it is given. `figures`: a folder
    that the processes behind the same port share.
    """
    chosen = settings or load_settings()
    configure_logging(chosen)
    rest, tracing = build_rest_app(), _open_tracing(chosen)
    graphql = build_graphql_app(introspection=chosen.introspection_enabled, documents=open_documents(chosen))
    routes = page_routes(build_openapi, build_tolerant_openapi, operation_pages)
    shown = Route("/metrics", metrics)
    pages = Starlette(
        routes=[*routes, shown], lifespan=lambda _: _lifespan(chosen, everything, sftp, Siblings(figures), tracing)
    )
    app = _router({**dict.fromkeys(_REST_SEGMENTS, rest), "graphql": graphql, "portal": build_portal_app()}, pages)
    if tracing is not None:
        app = tracing.traced(app, {path.lower(): path for path in (*operation_paths(), "/graphql", *_SHOWN)})
    return logged(app) if chosen.access_log else app


def _open_tracing(settings: Settings) -> "Tracing | None":
    if not settings.tracing:
        return None
    # Importing it takes a moment, and memory, which others need not spend.
    from tessera.tracing import Tracing

    return Tracing()


def _router(edges: Mapping[str, ASGIApp], pages: ASGIApp) -> ASGIApp:
    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await pages(scope, receive, send)
            return
        # The published paths have no case, and whatever is below them is the edge's to answer.
        segment = scope["path"].lstrip("/").partition("/")[0].lower()
        app = edges.get(segment, pages)
        if app is not pages and _is_disguised(scope):
            # A proxy that guards a path must see the path that is served. No edge has anything at this one.
            scope = {**scope, "path": f"/{segment}/-"}
        if scope["type"] == "http":
            send = _with_security_headers(send, is_secure=scope["scheme"] == "https")
        await app(scope, receive, send)

    return route


def _is_disguised(scope: Scope) -> bool:
    """Whether the path has empty segments, or a first one that is not written as it is read."""
    raw: bytes = scope["raw_path"]
    if b"%" not in raw and b"//" not in raw:
        return False
    path = scope["path"].encode()
    return b"//" in path or raw.split(b"/", 2)[1:2] != path.split(b"/", 2)[1:2]


def _with_security_headers(send: Send, *, is_secure: bool) -> Send:
    async def send_message(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message["headers"])
            given = {name for name, _ in headers}
            headers += [item for item in SECURITY_HEADERS.items() if item[0] not in given]
            if is_secure:
                headers.append(_HSTS)
            message["headers"] = headers
        await send(message)

    return send_message


@asynccontextmanager
async def _lifespan(
    settings: Settings, everything: bool, sftp: socket | None, siblings: Siblings, tracing: "Tracing | None"
) -> AsyncIterator[dict[str, Any]]:
    async with (
        open_runtime(settings, serving=True) as runtime,
        _tracing(runtime, tracing),
        leaving_figures(runtime.services, siblings),
        _jobs(runtime, everything),
    ):
        partners = nullcontext() if sftp is None else running_sftp(settings, runtime.services, sftp)
        async with partners:
            with ending_with_parent():
                settle_memory()
                yield {"runtime": runtime, "siblings": siblings}


@asynccontextmanager
async def _tracing(runtime: Runtime, tracing: "Tracing | None") -> AsyncIterator[None]:
    if tracing is None:
        yield
        return
    from tessera.tracing import trace_database

    trace_database(runtime.services.db, tracing)
    try:
        yield
    finally:
        # It waits for the collector, which may be away.
        await asyncio.to_thread(tracing.close)


@asynccontextmanager
async def _jobs(runtime: Runtime, everything: bool) -> AsyncIterator[None]:
    services, settings = runtime.services, runtime.settings
    jobs = jobs_with_files(settings.data_dir)
    if not everything:
        async with running_jobs(services, jobs):
            yield
        return
    # Requests have as much of the processor as the files do.
    async with (
        running_jobs(services, (*jobs, *file_jobs(settings))),
        taking_files(services, settings.data_dir, rest_share=1.0),
    ):
        yield
