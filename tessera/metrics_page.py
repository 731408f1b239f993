"""Who may read `/metrics`, and where processes serve it that serve nothing else."""

import asyncio
import contextlib
import hmac
import ipaddress
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from domain.errors import ServiceUnavailable
from domain.network import read_networks
from domain.store.backlog import Backlog, read_backlog
from resolvers.context import Services
from tessera.listening import bind
from tessera.metrics import Siblings, render
from tessera.routes import ALIVE, READY
from tessera.runtime import Runtime
from tessera.settings import Settings

LEAVE_EVERY_S = 2.0
DATABASE_LIMIT_S = 5.0

_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")
_log = structlog.get_logger()


async def metrics(request: Request) -> Response:
    """The figures, for who may read them."""
    runtime: Runtime = request.state.runtime
    if not _may_read(request, runtime.settings):
        return PlainTextResponse("Forbidden: TESSERA_METRICS_TOKEN and TESSERA_METRICS_NETWORKS say who may.\n", 403)
    services, siblings = runtime.services, request.state.siblings
    backlog = await _backlog(services)
    snapshot = await asyncio.to_thread(siblings.gather, services)
    body = render(snapshot, environment=runtime.settings.env, backlog=backlog, now=services.clock())
    return Response(body, media_type=_MEDIA_TYPE, headers={"cache-control": "no-store"})


async def _backlog(services: Services) -> Backlog | None:
    try:
        async with asyncio.timeout(DATABASE_LIMIT_S):
            return await services.db.read(read_backlog)
    except (ServiceUnavailable, TimeoutError):
        return None
    except Exception:
        # Figures are wanted most where something is wrong, as with a database that has no schema yet.
        _log.exception("the figures of the database cannot be read")
        return None


def _may_read(request: Request, settings: Settings) -> bool:
    if settings.metrics_token is not None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        expected = settings.metrics_token.get_secret_value().encode()
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), expected)
    # Through a proxy that is not known as one, everybody comes from its address.
    if not settings.trusted_proxies and any(name in request.headers for name in _FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return any(address in network for network in read_networks(settings.metrics_networks))


@asynccontextmanager
async def leaving_figures(services: Services, siblings: Siblings) -> AsyncIterator[None]:
    """Leave this process's figures for its siblings, again and again, and once more at the end."""
    if siblings.folder is None:
        yield
        return

    async def leave() -> None:
        while True:
            await asyncio.to_thread(siblings.leave, services)
            await asyncio.sleep(LEAVE_EVERY_S)

    task = asyncio.create_task(leave())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with contextlib.suppress(OSError):
            siblings.leave(services)


@asynccontextmanager
async def serving_metrics(runtime: Runtime) -> AsyncIterator[None]:
    """Serve `/metrics`, `/healthz` and `/readyz` beside other work, if a port is named. Raises CommandRefused."""
    settings = runtime.settings
    if settings.metrics_port is None:
        yield
        return
    listener = bind(settings.host, settings.metrics_port)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, object]]:
        yield {"runtime": runtime, "siblings": Siblings(None)}

    app = Starlette(routes=(Route("/metrics", metrics), ALIVE, READY), lifespan=lifespan)
    server = _Beside(uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="on"))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()


class _Beside(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are for the process, which ends this server as well."""
        yield
