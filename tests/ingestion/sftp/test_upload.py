"""Uploads: complete only when their client says so, and never written by two."""

import io
import os
from pathlib import Path

import pytest
from paramiko import SFTPClient

from ingestion.sftp.limit import GIBI, MEBI, Limits
from tests.ingestion.desk import Desk
from tests.ingestion.sftp.site import Site, served

PATH = "/upload/TXN/July_TXN.csv"
NAME = "July_TXN.csv"

# What has nothing to do with the database is looked at on one.
ONE = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True, scope="session")


async def test_a_file_arrives_with_its_close(site: Site) -> None:
    content = os.urandom(300_000)

    def work(session: SFTPClient) -> None:
        with session.open(PATH, "wb") as file:
            file.write(content)
            file.flush()
            assert site.is_unfinished(NAME)
        assert not site.is_unfinished(NAME)
        assert site.uploaded(NAME).read_bytes() == content
        assert session.stat(PATH).st_size == len(content)
        assert session.listdir("/upload/TXN") == [NAME]
        with session.open(PATH, "rb") as file:
            assert file.read() == content
        session.remove(PATH)
        assert session.listdir("/upload/TXN") == []

    await site.with_session(work)
    assert not site.uploaded(NAME).exists()


@ONE
async def test_what_a_broken_connection_left_is_gone_on_with(site: Site) -> None:
    def break_off() -> None:
        with site.ssh() as client:
            file = client.open_sftp().open(PATH, "wb")
            file.write(b"a" * 100_000)
            file.flush()
            transport = client.get_transport()
            assert transport is not None
            transport.close()

    await site.run(break_off)

    def resume(session: SFTPClient) -> None:
        size = session.stat(PATH).st_size
        assert size == 100_000
        assert site.is_unfinished(NAME)
        with session.open(PATH, "r+b") as file:
            file.seek(size)
            file.write(b"b" * 10)
        assert not site.is_unfinished(NAME)
        assert site.uploaded(NAME).read_bytes() == b"a" * 100_000 + b"b" * 10
        with session.open(PATH, "ab") as file:
            file.write(b"c")
        assert site.uploaded(NAME).read_bytes().endswith(b"bc")

    # The first server thread may still be at its end, and holds the file as long.
    for _ in range(100):
        try:
            return await site.with_session(resume)
        except OSError as error:
            assert "being written" in str(error)  # noqa: PT017 - tried again until it is not
    raise AssertionError("the file stays locked")


@ONE
async def test_two_clients_never_write_one_name(site: Site) -> None:
    def work(first: SFTPClient) -> None:
        with site.sftp() as second, first.open(PATH, "wb") as file:
            file.write(b"one")
            for use in (
                lambda: second.open(PATH, "wb"),
                lambda: second.remove(PATH),
                lambda: second.rename(PATH, "/upload/TXN/Other_TXN.csv"),
            ):
                with pytest.raises(OSError, match="being written"):
                    use()
            second.putfo(io.BytesIO(b"x"), "/upload/TXN/tmp")
            with pytest.raises(OSError, match="being written"):
                second.posix_rename("/upload/TXN/tmp", PATH)
        assert site.uploaded(NAME).read_bytes() == b"one"
        assert not site.is_unfinished(NAME)

    await site.with_session(work)


@ONE
async def test_a_rename_takes_the_mark_along(site: Site) -> None:
    def work(session: SFTPClient) -> None:
        session.putfo(io.BytesIO(b"whole"), "/upload/TXN/a.part")
        session.rename("/upload/TXN/a.part", "/upload/TXN/a_TXN.csv")
        assert not site.is_unfinished("a_TXN.csv")
        site.uploaded("b.part").write_bytes(b"half")
        site.folder.unfinished("TXN", "b.part").touch()
        session.rename("/upload/TXN/b.part", "/upload/TXN/b_TXN.csv")
        assert site.is_unfinished("b_TXN.csv")
        assert not site.is_unfinished("b.part")
        with pytest.raises(OSError, match="There is a file of this name"):
            session.rename("/upload/TXN/b_TXN.csv", "/upload/TXN/a_TXN.csv")
        # What is whole takes the place of what is not, and its mark goes.
        session.posix_rename("/upload/TXN/a_TXN.csv", "/upload/TXN/b_TXN.csv")
        assert session.listdir("/upload/TXN") == ["b_TXN.csv"]
        assert site.uploaded("b_TXN.csv").read_bytes() == b"whole"
        assert not site.is_unfinished("b_TXN.csv")
        session.posix_rename("/upload/TXN/b_TXN.csv", "/upload/TXN/b_TXN.csv")
        with pytest.raises(PermissionError):
            session.rename("/upload/TXN/b_TXN.csv", "/upload/CPD/b_TXN.csv")
        with pytest.raises(FileNotFoundError):
            session.rename("/upload/TXN/none", "/upload/TXN/some")
        assert session.listdir("/upload/TXN") == ["b_TXN.csv"]

    await site.with_session(work)


@ONE
async def test_a_file_has_a_size_limit_wherever_it_is_written(site: Site) -> None:
    def work(session: SFTPClient) -> None:
        file = session.open(PATH, "wb")
        file.write(b"begin")
        file.flush()
        file.seek(3 * GIBI)
        with pytest.raises(OSError, match="at most 2,147,483,648 bytes"):
            file.write(b"x")
        with pytest.raises(OSError, match="at most"):
            file.truncate(2 * GIBI + 1)
        file.close()
        assert site.uploaded(NAME).read_bytes() == b"begin"
        assert site.is_unfinished(NAME)
        session.putfo(io.BytesIO(b"goes on"), "/upload/CPD/x_CPD.csv")

    await site.with_session(work)


@ONE
async def test_a_full_disk_is_told_and_keeps_what_is_whole(desk: Desk) -> None:
    free = os.statvfs(desk.data_dir)
    async with served(desk, Limits(free_bytes=free.f_bavail * free.f_frsize + 1024 * MEBI)) as site:
        site.folder.make()
        site.uploaded("old_TXN.csv").write_bytes(b"old")

        def work(session: SFTPClient) -> None:
            with pytest.raises(OSError, match="disk is full"):
                session.putfo(io.BytesIO(b"x"), PATH)
            with session.open("/upload/TXN/old_TXN.csv", "r+b") as file:
                with pytest.raises(OSError, match="disk is full"):
                    file.write(b"new")
                file.close = lambda: None  # type: ignore[method-assign]  # as a connection that breaks
            assert session.listdir("/upload/TXN") == ["old_TXN.csv"]

        await site.with_session(work)
        assert site.uploaded("old_TXN.csv").read_bytes() == b"old"
        assert not site.is_unfinished(NAME)


@ONE
async def test_a_folder_and_a_session_hold_so_many(desk: Desk) -> None:
    async with served(desk, Limits(files_in_folder=2, handles=2, free_bytes=0)) as site:

        def work(session: SFTPClient) -> None:
            for name in ("a", "b"):
                session.putfo(io.BytesIO(b"x"), f"/upload/TXN/{name}")
            with pytest.raises(OSError, match="folder is full"):
                session.putfo(io.BytesIO(b"x"), "/upload/TXN/c")
            session.putfo(io.BytesIO(b"y"), "/upload/TXN/b")
            with (
                session.open("/upload/TXN/a"),
                session.open("/upload/TXN/b"),
                pytest.raises(OSError, match="At most 2 files"),
            ):
                session.open("/upload/TXN/a")

        await site.with_session(work)


@ONE
async def test_times_and_modes_are_taken_without_effect(site: Site) -> None:
    def work(session: SFTPClient) -> None:
        session.putfo(io.BytesIO(b"abc"), PATH)
        before = site.uploaded(NAME).stat()
        session.utime(PATH, (1, 1))
        session.chmod(PATH, 0o777)
        after = site.uploaded(NAME).stat()
        assert (after.st_mtime, after.st_mode) == (before.st_mtime, before.st_mode)
        session.truncate(PATH, 1)
        assert site.uploaded(NAME).read_bytes() == b"a"
        assert not site.is_unfinished(NAME)

    await site.with_session(work)


@ONE
async def test_who_takes_a_file_away_is_not_written_to(site: Site, tmp_path: Path) -> None:
    taken = tmp_path / "taken"

    def work(session: SFTPClient) -> None:
        session.putfo(io.BytesIO(b"whole"), PATH)
        site.uploaded(NAME).rename(taken)
        with pytest.raises(FileNotFoundError):
            session.stat(PATH)
        with pytest.raises(FileNotFoundError):
            session.open(PATH, "r+b")
        assert not site.is_unfinished(NAME)
        # Who writes from the beginning makes a new one.
        session.putfo(io.BytesIO(b"new"), PATH)
        assert taken.read_bytes() == b"whole"

    await site.with_session(work)
