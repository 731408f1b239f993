"""A served SFTP server with a program's desk, and clients for it."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import paramiko
from paramiko import Ed25519Key, PKey, SFTPClient, SSHClient

from ingestion.folder import ProgramFolder, program_folder
from ingestion.sftp.host_key import KINDS, make_host_key, read_host_key
from ingestion.sftp.limit import MEBI, Limits
from ingestion.sftp.server import serving_sftp
from resolvers.context import Context
from resolvers.sftp_login import IssuedSftpLogin, create_sftp_login
from tests.ingestion.desk import RULES, Desk, new_program

Result = TypeVar("Result")

LIMITS = Limits(free_bytes=MEBI, check_s=0.1, stop_s=5.0)
LOCAL = "127.0.0.1"
HOST_KEYS = [read_host_key(kind, make_host_key(kind)) for kind in KINDS]


@dataclass(frozen=True)
class Site:
    """A server for one program, which has one login."""

    desk: Desk
    port: int
    login: IssuedSftpLogin

    @property
    def folder(self) -> ProgramFolder:
        """The program's folder on the disk."""
        return program_folder(self.desk.data_dir, self.desk.ctx.principal)

    def uploaded(self, name: str, file_type: str = "TXN") -> Path:
        """Where an upload lies."""
        return self.folder.upload(file_type) / name

    def is_unfinished(self, name: str, file_type: str = "TXN") -> bool:
        """Whether an upload stands under its mark."""
        return self.folder.unfinished(file_type, name).exists()

    @contextmanager
    def ssh(self, login: IssuedSftpLogin | None = None, pkey: PKey | None = None) -> Iterator[SSHClient]:
        """A connection of whoever has the login."""
        who = login or self.login
        with new_client() as client:
            client.connect(
                LOCAL,
                self.port,
                username=who.username,
                password=None if pkey else who.password,
                pkey=pkey,
                look_for_keys=False,
                allow_agent=False,
                timeout=20,
                banner_timeout=20,
                auth_timeout=20,
            )
            yield client

    @contextmanager
    def sftp(self, login: IssuedSftpLogin | None = None, pkey: PKey | None = None) -> Iterator[SFTPClient]:
        """A session of whoever has the login."""
        with self.ssh(login, pkey) as client, client.open_sftp() as session:
            yield session

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do what blocks, while the server goes on."""
        return await asyncio.to_thread(work)

    async def with_session(self, work: Callable[[SFTPClient], Result]) -> Result:
        """Do something in a session."""

        def begin() -> Result:
            with self.sftp() as session:
                return work(session)

        return await self.run(begin)


@asynccontextmanager
async def served(desk: Desk, limits: Limits = LIMITS) -> AsyncIterator[Site]:
    """A server beside a desk."""
    listener = socket.create_server((LOCAL, 0))
    async with serving_sftp(desk.ctx.services, listener, host_keys=HOST_KEYS, data_dir=desk.data_dir, limits=limits):
        yield Site(desk, listener.getsockname()[1], await create_sftp_login(desk.ctx))


async def another_program(site: Site) -> Context:
    """A caller of a second program of the deployment."""
    return await new_program(site.desk.ctx.services, RULES, "Other")


def new_client() -> SSHClient:
    """A client that has never met the server."""
    client = SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # noqa: S507 - it is met for the first time
    return client


def key_pair() -> tuple[PKey, str]:
    """A private key, and the line of its public key."""
    text = make_host_key("ed25519")
    key = Ed25519Key.from_private_key(io.StringIO(text))
    return key, f"{key.get_name()} {key.get_base64()} partner@example"


def held_connections(port: int, count: int) -> list[socket.socket]:
    """Connections that say nothing."""
    held = []
    for _ in range(count):
        with suppress(OSError):
            held.append(socket.create_connection((LOCAL, port), timeout=10))
    return held
