"""The SFTP server: connections are taken and watched in the event loop, and served by threads of their own."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from paramiko import PKey

from domain.errors import TesseraError
from ingestion.sftp.door import Door, House
from ingestion.sftp.guest import Guest, Guests
from ingestion.sftp.limit import Limits
from ingestion.sftp.protocol import SshTransport
from resolvers.context import Services
from resolvers.sftp_access import list_shut_out

_PAUSE_S = 0.1
_GONE_S = 3.0

_log = structlog.get_logger()


@asynccontextmanager
async def serving_sftp(
    services: Services,
    listener: socket.socket,
    *,
    host_keys: Sequence[PKey],
    data_dir: Path,
    limits: Limits | None = None,
) -> AsyncIterator[None]:
    """Serve on a bound socket for as long as the context lasts; at its end transfers under way get some seconds."""
    chosen = limits or Limits()
    house = House(services=services, loop=asyncio.get_running_loop(), data_dir=data_dir, limits=chosen)
    guests = Guests(chosen)
    listener.listen(chosen.strangers)
    listener.setblocking(False)
    tasks = [
        asyncio.create_task(_accept(listener, house, guests, host_keys)),
        asyncio.create_task(_watch(house, guests)),
    ]
    host, port = listener.getsockname()[:2]
    fingerprints = [f"{key.get_name()} {key.fingerprint}" for key in host_keys]
    _log.info("serving sftp", host=host, port=port, host_keys=fingerprints)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        listener.close()
        guests.close()
        await _until(lambda: not guests.is_busy(), chosen.stop_s)
        guests.drop_all()
        await _until(guests.are_gone, _GONE_S)


async def _accept(listener: socket.socket, house: House, guests: Guests, host_keys: Sequence[PKey]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            connection, address = await loop.sock_accept(listener)
        except OSError as error:
            # Too many files are open, or whoever came is gone: those who are served go on.
            _log.warning("sftp connection not taken", reason=error.strerror)
            await asyncio.sleep(_PAUSE_S)
            continue
        try:
            _welcome(connection, address[0], house, guests, host_keys)
        except Exception as error:  # noqa: BLE001 - such as no more threads; nobody else is to suffer from it
            _log.warning("sftp connection not served", address=address[0], reason=str(error))
            connection.close()


def _welcome(connection: socket.socket, address: str, house: House, guests: Guests, host_keys: Sequence[PKey]) -> None:
    if not guests.make_room():
        connection.close()
        return
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    transport = SshTransport(connection, host_keys)
    guest = Guest(transport, connection, address)
    # With an event it comes back at once; the handshake is done in the thread that it starts.
    transport.start_server(event=threading.Event(), server=Door(house, guests, guest))
    guests.add(guest)


async def _watch(house: House, guests: Guests) -> None:
    """End what has lasted too long, and the sessions of logins that are good no longer."""
    while True:
        await asyncio.sleep(house.limits.check_s)
        guests.drop_late()
        inside = guests.inside()
        if not inside:
            continue
        try:
            shut_out = await list_shut_out(house.services, list(inside))
        except TesseraError as error:
            _log.warning("sftp logins not checked", reason=str(error))
            continue
        except Exception:
            # Whoever is inside stays there; the next look may tell.
            _log.exception("sftp logins not checked")
            continue
        for entered in shut_out:
            _log.info("sftp login is good no longer", username=entered.username)
            for guest in inside[entered]:
                guest.drop()


async def _until(holds: Callable[[], bool], limit_s: float) -> None:
    ends_at = time.monotonic() + limit_s
    while not holds() and time.monotonic() < ends_at:  # noqa: ASYNC110 - threads know no events of the loop
        await asyncio.sleep(_PAUSE_S)
