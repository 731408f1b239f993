"""A disk that is full: what cannot be stored is refused and leaves nothing, and all goes on when there is room again.

A limit on the size of files stands in for the disk, because a test can lift it: a write beyond it fails in the same
place, with an error of the system.
"""

import io
import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paramiko import SFTPClient
from sqlalchemy.engine import make_url

from resolvers.sftp_login import IssuedSftpLogin, create_sftp_login
from tessera.runtime import find_program, open_runtime, program_context, require_own_key
from tessera.settings import Settings
from tests.callers import Caller, callers
from tests.database import FreshDatabase
from tests.ingestion.sftp.site import new_client
from tests.ledger.load import MEMBERS, Load, everything_is_there_once, open_accounts, verify
from tests.ports import free_port
from tests.servers import CONFIGURATION, SECRET, Deployment, Server

NAME = "July_TXN.csv"
CONTENT = random.Random(1).randbytes(4 << 20)


@contextmanager
def full_disk(server: Server, database: Path) -> Iterator[None]:
    """Nothing that the server writes gets longer than the log of the database is now."""
    hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)[1]
    room = database.with_name(f"{database.name}-wal").stat().st_size
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))


async def new_login(deployment: Deployment, program_id: int) -> IssuedSftpLogin:
    """A login of the program, which has a password."""
    own = {"database_url": deployment.database_url, "data_dir": deployment.data_dir, "secret_key": SECRET}
    async with open_runtime(Settings.model_validate(own)) as runtime:
        await require_own_key(runtime)
        return await create_sftp_login(program_context(runtime, await find_program(runtime, program_id)))


@contextmanager
def session(port: int, login: IssuedSftpLogin) -> Iterator[SFTPClient]:
    """A partner's session."""
    with new_client() as client:
        client.connect("127.0.0.1", port, username=login.username, password=login.password, look_for_keys=False)
        with client.open_sftp() as opened:
            yield opened


async def everything_is_refused(caller: Caller, load: Load) -> None:
    """Writes are 503, and what is stored can be read."""
    before = {member: await caller.available(member) for member in MEMBERS}
    for number, member in enumerate(MEMBERS):
        await load.request(caller, member, f"full {number}")
    enrolled = await caller.post("CreateProfileWithAttributes", {"relation_reference": "NEW", "status": "1"})
    assert (enrolled.status, enrolled.code) == (503, "503")
    assert len(load.away) == len(MEMBERS)
    assert {(one.status, one.code, one.envelope["IsSucessful"]) for one in load.away} == {(503, "503", False)}
    assert all("retry-after" in one.headers for one in load.away)
    assert {member: await caller.available(member) for member in MEMBERS} == before


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_full_disk_refuses_and_all_goes_on_when_there_is_room(
    fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    with fresh_database() as url:
        port = free_port()
        deployment = Deployment(url, tmp_path, sftp_port=str(port))
        credentials = deployment.create_program("shop", CONFIGURATION)
        login = await new_login(deployment, credentials.program_id)
        server, load = Server(deployment, "server", "--all"), Load(MEMBERS, random.Random(1))
        try:
            server.start()
            await open_accounts(server, credentials)
            async with callers([server], credentials) as [caller]:
                with full_disk(server, Path(str(make_url(url).database))):
                    await everything_is_refused(caller, load)
                    with session(port, login) as partner, pytest.raises(OSError, match="disk is full"):
                        partner.putfo(io.BytesIO(CONTENT), f"/upload/TXN/{NAME}")
                answers = await load.settle(caller)
                assert [(one.code, one.is_replay) for one in answers.values()] == [("000", False)] * len(MEMBERS)
                with session(port, login) as partner:
                    partner.putfo(io.BytesIO(CONTENT), f"/upload/TXN/{NAME}")
            assert server.is_running
            await everything_is_there_once(deployment, credentials, load)
            await verify(deployment, credentials)
        finally:
            server.kill()
