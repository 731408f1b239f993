"""Who gets in, who stays in, and what others do to them."""

import asyncio
import io
import socket
import time

import paramiko
import pytest
from paramiko import SFTPClient

from ingestion.sftp.limit import Limits
from resolvers.sftp_login import (
    IssuedSftpLogin,
    add_sftp_key,
    create_sftp_login,
    list_sftp_logins,
    remove_sftp_key,
    revoke_sftp_login,
    rotate_sftp_password,
)
from tests.ingestion.desk import Desk
from tests.ingestion.sftp.site import LOCAL, Site, held_connections, key_pair, new_client, served

ONE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True, scope="session")


async def test_password_and_keys_open_and_what_is_revoked_is_shut_out_soon(site: Site) -> None:
    ctx, name = site.desk.ctx, site.login.username
    key, line = key_pair()
    other, _ = key_pair()
    added = await add_sftp_key(ctx, name, line)
    with pytest.raises(paramiko.AuthenticationException):
        await site.run(lambda: _opened(site, other))
    opened = await site.run(lambda: _opened(site, key))
    await remove_sftp_key(ctx, name, added.fingerprint)
    await site.run(lambda: _until_gone(*opened))
    with pytest.raises(paramiko.AuthenticationException):
        await site.run(lambda: _opened(site, key))
    opened = await site.run(lambda: _opened(site, None))
    renewed = Site(site.desk, site.port, await rotate_sftp_password(ctx, name))
    await site.run(lambda: _until_gone(*opened))
    with pytest.raises(paramiko.AuthenticationException):
        await site.run(lambda: _opened(site, None))
    opened = await site.run(lambda: _opened(renewed, None))
    await revoke_sftp_login(ctx, name)
    await site.run(lambda: _until_gone(*opened))
    with pytest.raises(paramiko.AuthenticationException):
        await site.run(lambda: _opened(renewed, None))
    [tracked] = await list_sftp_logins(ctx, first=5)
    assert tracked.last_used_at is not None


def _opened(site: Site, pkey: paramiko.PKey | None) -> tuple[paramiko.SSHClient, SFTPClient]:
    client = new_client()
    try:
        client.connect(
            LOCAL,
            site.port,
            username=site.login.username,
            password=None if pkey else site.login.password,
            pkey=pkey,
            look_for_keys=False,
            allow_agent=False,
        )
    except BaseException:
        client.close()
        raise
    session = client.open_sftp()
    assert session.listdir("/handback") == []
    return client, session


def _until_gone(client: paramiko.SSHClient, session: SFTPClient) -> None:
    try:
        for _ in range(100):
            try:
                session.listdir("/handback")
            except (OSError, EOFError, paramiko.SSHException):
                return
            time.sleep(0.1)
        raise AssertionError("the session goes on")
    finally:
        client.close()


async def test_wrong_passwords_are_throttled_alike_for_known_and_unknown_names(site: Site) -> None:
    wrong = IssuedSftpLogin(username=site.login.username, password="wrong")
    nobody = IssuedSftpLogin(username="p9-sandbox-00000000", password="wrong")

    def outcomes(login: IssuedSftpLogin) -> list[str]:
        seen = []
        for _ in range(22):
            try:
                with site.ssh(login):
                    seen.append("in")
            except paramiko.AuthenticationException as error:
                seen.append(type(error).__name__)
            except (paramiko.SSHException, EOFError, OSError):
                seen.append("closed")
        return seen

    known, unknown = await site.run(lambda: outcomes(wrong)), await site.run(lambda: outcomes(nobody))
    assert known == unknown
    assert known[:20] == ["AuthenticationException"] * 20
    assert "in" not in known
    # From here even the right one is not listened to for a while; another login is.
    with pytest.raises((paramiko.SSHException, EOFError, OSError)):
        await site.run(lambda: _opened(site, None))
    fresh = Site(site.desk, site.port, await create_sftp_login(site.desk.ctx))
    client, _ = await fresh.run(lambda: _opened(fresh, None))
    client.close()


@ONE
async def test_a_connection_has_so_many_attempts(site: Site) -> None:
    def work() -> int:
        transport = paramiko.Transport((LOCAL, site.port))
        transport.start_client(timeout=10)
        tried = 0
        try:
            while transport.is_active() and tried < 20:
                tried += 1
                with pytest.raises((paramiko.SSHException, EOFError)):
                    transport.auth_password("nobody", "wrong")
        finally:
            transport.close()
        return tried

    assert await site.run(work) <= 7


@ONE
async def test_held_connections_keep_nobody_out(desk: Desk) -> None:
    # As many wait to be accepted: beyond that the machine would make us try again after seconds.
    async with served(desk, Limits(free_bytes=0, strangers=40, entry_s=2.0, check_s=0.1)) as site:
        held = await site.run(lambda: held_connections(site.port, 120))
        try:

            def work(session: SFTPClient) -> None:
                session.putfo(io.BytesIO(b"through"), "/upload/TXN/a_TXN.csv")

            await asyncio.wait_for(site.with_session(work), 20)
            # Those that said nothing in time are gone, which is waited for.
            assert await site.run(lambda: sum(_is_closed(one) for one in held)) == len(held)
        finally:
            for one in held:
                one.close()


def _is_closed(connection: socket.socket) -> bool:
    connection.settimeout(5)
    try:
        while connection.recv(100):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


@ONE
async def test_a_login_has_so_many_sessions_and_idle_ones_end(desk: Desk) -> None:
    async with served(desk, Limits(free_bytes=0, sessions_of_login=2, idle_s=1.0, check_s=0.1)) as site:

        def work() -> None:
            with site.ssh() as one, site.ssh() as two:
                first = one.open_sftp()
                two.open_sftp().listdir("/")
                with pytest.raises(paramiko.ChannelException):
                    one.open_sftp()
                time.sleep(2)
                with pytest.raises((OSError, EOFError)):
                    first.listdir("/")
            with site.sftp() as again:
                assert again.listdir("/handback") == []

        await site.run(work)


@ONE
async def test_a_stop_lets_transfers_end(desk: Desk) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def transfer(site: Site) -> None:
        with site.sftp() as session, session.open("/upload/TXN/a_TXN.csv", "wb") as file:
            file.write(b"one")
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(stopped.wait(), loop).result(10)
            time.sleep(0.5)
            file.write(b"two")

    async with served(desk) as site:
        task = asyncio.create_task(site.run(lambda: transfer(site)))
        await begun.wait()
        loop.call_later(0.1, stopped.set)
    await task
    assert site.uploaded("a_TXN.csv").read_bytes() == b"onetwo"
    assert not site.is_unfinished("a_TXN.csv")
    with pytest.raises(ConnectionRefusedError):
        await site.run(lambda: socket.create_connection((LOCAL, site.port), timeout=5))


@ONE
async def test_garbage_harms_nobody(desk: Desk) -> None:
    def work(site: Site) -> None:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n" + b"\xff" * 4096, b"\0" * 10_000, b"SSH-1.5-x\r\n"):
            with socket.create_connection((LOCAL, site.port), timeout=10) as connection:
                connection.sendall(garbage)
                assert _is_closed(connection)
        with site.sftp() as session:
            assert session.listdir("/handback") == []

    async with served(desk, Limits(free_bytes=0, entry_s=1.0, check_s=0.1)) as site:
        await site.run(lambda: work(site))
