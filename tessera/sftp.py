"""The SFTP server in a process: its host keys, and where it runs beside others."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import asynccontextmanager, contextmanager

from paramiko import PKey

from ingestion.sftp.host_key import KINDS, HostKeyDamaged, make_host_key, read_host_key
from ingestion.sftp.server import serving_sftp
from resolvers.context import Services
from tessera.data_folder import ensure_data_dir
from tessera.file import write_once
from tessera.listening import bind
from tessera.metrics import Siblings
from tessera.metrics_page import leaving_figures
from tessera.runtime import open_runtime
from tessera.settings import Settings, SettingsRefused


def bind_sftp(settings: Settings) -> socket.socket:
    """The socket of the SFTP server. Raises CommandRefused."""
    return bind(settings.effective_sftp_host, settings.sftp_port)


def open_host_keys(settings: Settings) -> list[PKey]:
    """The keys that the server is known by, made once and kept in the data folder. Raises SettingsRefused."""
    ensure_data_dir(settings)
    keys = []
    for kind in KINDS:
        file = settings.data_dir / f"sftp-host-{kind}.key"
        if not file.exists():
            write_once(file, make_host_key(kind))
        try:
            keys.append(read_host_key(kind, file.read_text()))
        except HostKeyDamaged:
            raise SettingsRefused(
                f"{file} is no host key: put it back from a backup, or remove it and tell all partners of the new one."
            ) from None
    return keys


@asynccontextmanager
async def running_sftp(settings: Settings, services: Services, listener: socket.socket) -> AsyncIterator[None]:
    """Serve SFTP in this process for as long as the context lasts. Raises SettingsRefused."""
    host_keys = await asyncio.to_thread(open_host_keys, settings)
    async with serving_sftp(services, listener, host_keys=host_keys, data_dir=settings.data_dir):
        yield


@contextmanager
def sftp_beside(settings: Settings, listener: socket.socket, siblings: Siblings) -> Iterator[None]:
    """The same in a thread with services of its own: for the parent of server processes, which has little to do.

    Raises SettingsRefused, CommandRefused.
    """
    stop: Future[None] = Future()
    started: Future[None] = Future()

    async def serve() -> None:
        async with (
            open_runtime(settings) as runtime,
            leaving_figures(runtime.services, siblings),
            running_sftp(settings, runtime.services, listener),
        ):
            started.set_result(None)
            await asyncio.wrap_future(stop)

    with ThreadPoolExecutor(1, thread_name_prefix="sftp") as threads:
        done = threads.submit(asyncio.run, serve())
        wait((started, done), return_when=FIRST_COMPLETED)
        try:
            if started.done():
                yield
        finally:
            stop.set_result(None)
            done.result()
