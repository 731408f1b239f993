"""The HTTP server: uvicorn with uvloop and httptools, one process or several on one socket."""

import logging
import signal
import socket
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from schema.request import MAX_BODY_BYTES
from tessera.app import create_app
from tessera.documents import open_documents
from tessera.listening import bind
from tessera.metrics import Siblings
from tessera.protocol import BoundedProtocol, SocketProtocol
from tessera.settings import Settings
from tessera.sftp import bind_sftp, sftp_beside

# Longer than the idle time of common load balancers, so that it is they who close a connection.
KEEP_ALIVE_S = 75
STOP_LIMIT_S = 15
# A worker answers its supervisor from a thread, which waits for the interpreter behind whatever the worker computes and
# for the machine behind all others. uvicorn's 5 s kill workers that are only busy, with the requests under way in them.
HEALTH_LIMIT_S = 60


def serve_until_stopped(settings: Settings, *, workers: int, everything: bool, on_started: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; requests under way end first. Raises CommandRefused, SettingsRefused.

    The SFTP server is in the one serving process, else in the parent of all of them.
    """
    listener = bind(settings.host, settings.port)
    sftp = bind_sftp(settings) if everything else None
    # uvicorn hands the signal on when it has stopped; without this the process would die of it.
    signal.signal(signal.SIGTERM, _stop)
    try:
        if workers == 1:
            app = create_app(settings, everything=everything, sftp=sftp)
            _Server(_config(settings, app), on_started).run([listener])
        else:
            # Workers that refuse their settings would be started again and again.
            open_documents(settings)
            # The supervisor tells of processes that died and were replaced.
            logging.getLogger("uvicorn.error").setLevel("INFO")
            with (
                tempfile.TemporaryDirectory(prefix="tessera-figures-") as folder,
                nullcontext() if sftp is None else sftp_beside(settings, sftp, Siblings(Path(folder))),
            ):
                on_started()
                workers_app = partial(create_app, everything=everything, figures=Path(folder))
                Multiprocess(_config(settings, workers_app, workers), sockets=[listener]).run()
    except KeyboardInterrupt:
        pass
    finally:
        listener.close()
        if sftp is not None:
            sftp.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()


def _config(settings: Settings, app: Any, workers: int | None = None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=workers is not None,
        workers=workers,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=BoundedProtocol,
        ws=SocketProtocol,
        ws_max_size=MAX_BODY_BYTES,
        ws_per_message_deflate=False,  # It costs memory for each connection, and messages are short.
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_LIMIT_S,
        timeout_worker_healthcheck=HEALTH_LIMIT_S,
    )


def _stop(_signal: int, _frame: Any) -> None:
    raise SystemExit(0)
