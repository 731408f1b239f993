"""What a login cannot reach: whatever is not its own folders, and whatever is not SFTP."""

import io
import os
from collections.abc import Callable

import paramiko
import pytest
from paramiko import SFTPClient, SSHClient

from resolvers.sftp_login import create_sftp_login
from tests.ingestion.sftp.site import Site, another_program

_NOT_PUT = "Folders are given|Files are put into upload/CPD, "

ONE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True, scope="session")


async def test_a_login_sees_its_own_program_only(site: Site) -> None:
    other = await another_program(site)
    theirs = await create_sftp_login(other)

    def work() -> None:
        with site.sftp() as ours, site.sftp(theirs) as foreign:
            ours.putfo(io.BytesIO(b"secret"), "/upload/TXN/ours_TXN.csv")
            (site.folder.handback / "ours.result.csv").write_text("secret")
            for folder in ("/upload/TXN", "/handback", "/processed", "/download"):
                assert foreign.listdir(folder) == []
            own = site.folder.root.name
            for path in (f"/../{own}/handback/ours.result.csv", f"../../{own}/upload/TXN/ours_TXN.csv"):
                for use in (foreign.stat, foreign.open, foreign.remove, foreign.listdir):
                    with pytest.raises(OSError, match="No such file"):
                        use(path)
            foreign.putfo(io.BytesIO(b"theirs"), "/upload/TXN/ours_TXN.csv")
        assert site.uploaded("ours_TXN.csv").read_bytes() == b"secret"

    await site.run(work)


@ONE
async def test_the_root_has_four_folders_and_no_way_out(site: Site) -> None:
    site.folder.make()
    (site.folder.work / "hidden").write_text("x")
    (site.folder.root / "stray").write_text("x")

    def work(session: SFTPClient) -> None:
        assert session.listdir("/") == ["upload", "handback", "download", "processed"]
        assert sorted(session.listdir("/upload")) == ["ATT", "BNS", "CPD", "CRD", "TXN"]
        assert session.normalize("../../..") == "/"
        assert session.normalize("upload/TXN/..") == "/upload"
        assert session.listdir("/upload/CPD/../../../../upload/TXN") == []
        for path in (
            "/work/hidden",
            "/stray",
            "/etc/passwd",
            "../../../etc/passwd",
            "/upload/x",
            "/upload/TXN/a/b",
            "/work",
            "/upload/txn",
            "//work//hidden",
        ):
            for use in (session.stat, session.lstat, session.open, session.remove, session.listdir):
                with pytest.raises(OSError, match="No such file"):
                    use(path)
        for path in ("/x", "/upload/x", "/handback/x", "/download/x", "/processed/x", "/upload/TXN", "/../x"):
            with pytest.raises(PermissionError, match=_NOT_PUT):
                session.open(path, "w")
        with pytest.raises(PermissionError):
            session.mkdir("/upload/TXN/d")
        with pytest.raises(PermissionError):
            session.rmdir("/upload/TXN")
        for name in ("a\nb", "a\x00b", "a\x7f", "x" * 241, "é" * 121, "a\u202eb"):
            with pytest.raises(OSError, match="A name has"):
                session.open(f"/upload/TXN/{name}", "w")
        session.putfo(io.BytesIO(b"x"), "/upload/TXN/any name (1).CSV")
        assert [one.name for one in site.folder.upload("TXN").iterdir()] == ["any name (1).CSV"]

    await site.with_session(work)
    assert sorted(os.listdir(site.folder.root)) == ["download", "handback", "processed", "stray", "upload", "work"]


@ONE
async def test_links_are_neither_made_nor_followed_nor_shown(site: Site) -> None:
    site.folder.make()
    secret = site.desk.data_dir / "secret"
    secret.write_text("secret")
    for folder in (site.folder.upload("TXN"), site.folder.handback):
        (folder / "link").symlink_to(secret)
        (folder / "dir").symlink_to(site.desk.data_dir)
        os.mkfifo(folder / "pipe")

    def work(session: SFTPClient) -> None:
        for folder in ("/upload/TXN", "/handback"):
            assert session.listdir(folder) == []
            for name in ("link", "dir", "dir/secret", "pipe"):
                for use in (session.stat, session.lstat, session.open, session.remove):
                    with pytest.raises(OSError, match="No such file"):
                        use(f"{folder}/{name}")
        for name in ("link", "pipe"):
            for mode in ("w", "a", "r+"):
                with pytest.raises(OSError, match="No such file|could not do it"):
                    session.open(f"/upload/TXN/{name}", mode)
            with pytest.raises(OSError, match="No such file"):
                session.rename(f"/upload/TXN/{name}", "/upload/TXN/mine")
        with pytest.raises(OSError, match="no links"):
            session.symlink("/etc/passwd", "/upload/TXN/mine")
        with pytest.raises(OSError, match="no links"):
            session.readlink("/upload/TXN/link")

    await site.with_session(work)
    assert secret.read_text() == "secret"
    assert sorted(os.listdir(site.folder.upload("TXN"))) == ["dir", "link", "pipe"]


@ONE
async def test_results_are_read_and_cleared_and_what_was_taken_stays(site: Site) -> None:
    site.folder.make()
    for folder in (site.folder.handback, site.folder.download, site.folder.processed):
        (folder / "f.csv").write_bytes(b"content")

    def work(session: SFTPClient) -> None:
        for folder in ("/handback", "/download", "/processed"):
            with session.open(f"{folder}/f.csv") as file:
                assert file.read() == b"content"
                with pytest.raises(OSError, match="not open for writing"):
                    file.write(b"x")
            for use in (
                lambda path: session.open(path, "r+"),
                lambda path: session.rename(path, "/upload/TXN/g"),
                lambda path: session.chmod(path, 0o777),
                lambda path: session.truncate(path, 0),
            ):
                with pytest.raises(PermissionError):
                    use(f"{folder}/f.csv")
        session.remove("/handback/f.csv")
        session.remove("/download/f.csv")
        with pytest.raises(PermissionError, match="is kept"):
            session.remove("/processed/f.csv")

    await site.with_session(work)
    assert (site.folder.processed / "f.csv").read_bytes() == b"content"


@ONE
async def test_there_is_nothing_but_sftp(site: Site) -> None:
    def use_all(client: SSHClient) -> None:
        transport = client.get_transport()
        assert transport is not None
        attempts: list[Callable[[], object]] = [
            lambda: client.exec_command("id", timeout=5),
            lambda: client.invoke_shell(),
            lambda: transport.open_session().invoke_subsystem("shell"),
            lambda: transport.open_session().request_x11(),
            lambda: transport.open_channel("direct-tcpip", ("127.0.0.1", site.port), ("127.0.0.1", 1)),
            lambda: transport.open_channel("x11", None, ("127.0.0.1", 1)),
            lambda: transport.open_channel("auth-agent@openssh.com"),
            lambda: transport.request_port_forward("127.0.0.1", 0),
        ]
        for attempt in attempts:
            with pytest.raises(paramiko.SSHException):
                attempt()

    def work() -> None:
        with site.ssh() as client:
            use_all(client)
            with client.open_sftp() as session:
                assert session.listdir("/handback") == []

    await site.run(work)


@ONE
async def test_weak_algorithms_are_refused(site: Site) -> None:
    weak = {
        "ciphers": ("aes128-cbc", "aes256-cbc", "3des-cbc"),
        "macs": ("hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96"),
        "compression": ("zlib", "zlib@openssh.com"),
    }

    def refused(kind: str, names: tuple[str, ...]) -> None:
        # With GCM no other MAC is agreed on.
        chosen = type(
            "Weak", (paramiko.Transport,), {"_preferred_ciphers": ("aes128-ctr",), f"_preferred_{kind}": names}
        )
        transport = chosen(("127.0.0.1", site.port))
        try:
            with pytest.raises((paramiko.SSHException, EOFError)):
                transport.start_client(timeout=10)
        finally:
            transport.close()

    for kind, names in weak.items():
        await site.run(lambda kind=kind, names=names: refused(kind, names))  # type: ignore[misc]
