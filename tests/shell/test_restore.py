"""Backups that were taken under load become databases that hold, and who was erased since is erased again."""

import asyncio
import os
import random
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.store.erasure import Erasure
from resolvers.context import Context
from resolvers.erasure import erase_member
from resolvers.member import EnrollMember, enroll_member, get_member
from tessera.erasure_file import ErasureList, add_erasures, read_erasures
from tessera.runtime import Runtime, find_program, open_runtime, program_context
from tessera.settings import Settings
from tests.callers import callers
from tests.database import Dialect, postgres_database, sqlite_url
from tests.ledger.invariants import stored_books, violations
from tests.ledger.load import MEMBERS, Load, open_accounts, redemptions, reversals
from tests.ledger.test_outage import until
from tests.postgres import find_binaries
from tests.servers import CONFIGURATION, SECRET, Credentials, Deployment, running_servers
from tests.shell.command import Outcome, run_command

ERASED, KEPT = "anna-4711", "ben-4712"


@pytest.fixture(autouse=True)
def _programs_of_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pg_dump and pg_restore of the test server come first."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(find_binaries() or ""), os.environ["PATH"]]))


@pytest.fixture
def original(database_url: str, tmp_path: Path) -> Deployment:
    """The deployment that backups are taken of."""
    folder = tmp_path / "original"
    folder.mkdir()
    return Deployment(database_url, folder)


@pytest.fixture
def empty(dialect: Dialect, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    """Another one of the same kind, which has no database yet."""
    folder = tmp_path / "empty"
    folder.mkdir()
    with _no_database(dialect, request, folder) as url:
        yield Deployment(url, folder)


@contextmanager
def _no_database(dialect: Dialect, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    if dialect == "sqlite":
        yield sqlite_url(folder / "tessera.db")
    else:
        with postgres_database(request.getfixturevalue("postgres")) as url:
            yield url


async def test_a_backup_under_load_becomes_a_database_that_holds(
    original: Deployment, empty: Deployment, tmp_path: Path
) -> None:
    credentials = original.create_program("shop", CONFIGURATION)
    load, file = Load(MEMBERS, random.Random(1)), tmp_path / "backup"
    with running_servers(original) as [server]:
        await open_accounts(server, credentials)
        async with callers([server], credentials) as [caller]:
            running = asyncio.create_task(load.run(caller))
            await until(lambda: len(load.done) >= 50)
            acknowledged = set(load.redeemed), set(load.reversed)
            assert (await asyncio.to_thread(_run, original, "db", "backup", str(file))).status == 0
            load.stop()
            await running
    assert len(load.done) > sum(map(len, acknowledged)), "a backup that nothing happens beside proves nothing"
    assert (await asyncio.to_thread(_run, empty, "db", "restore", str(file))).status == 0
    books = await stored_books(empty.database_url, empty.data_dir, credentials.program_id)
    assert acknowledged[0] <= set(redemptions(books))
    assert acknowledged[1] <= set(reversals(books))
    assert violations(books) == []
    assert (await asyncio.to_thread(_run, empty, "ledger", "verify")).status == 0
    # The restored database goes on: ids and chains continue, and the requests of before are known.
    with running_servers(empty) as [server]:
        async with callers([server], credentials) as [caller]:
            request, reference = load.done[next(iter(load.done))]
            answer = await request.send(caller)
            assert (answer.code, answer.is_replay, str(answer.value)) == ("000", True, reference)
            assert (await caller.redeem(MEMBERS[0], 1)).code == "000"
    assert (await asyncio.to_thread(_run, empty, "ledger", "verify")).status == 0


def test_a_database_that_holds_something_is_left_as_it_is(original: Deployment, tmp_path: Path) -> None:
    original.create_program("shop", CONFIGURATION)
    file = tmp_path / "backup"
    _run(original, "db", "backup", str(file))
    original.create_program("later", CONFIGURATION)
    listed = _run(original, "program", "list", "--json")
    refused = _refused(original, file)
    assert "already" in refused
    assert _run(original, "program", "list", "--json") == listed


def test_what_is_no_backup_is_refused_and_nothing_is_made(
    original: Deployment, empty: Deployment, tmp_path: Path
) -> None:
    original.create_program("shop", CONFIGURATION)
    whole = tmp_path / "whole"
    _run(original, "db", "backup", str(whole))
    content = whole.read_bytes()
    (tmp_path / "text").write_text("no backup, whatever its name")
    (tmp_path / "half").write_bytes(content[: len(content) // 2])
    with closing(sqlite3.connect(tmp_path / "other")) as other:
        other.execute("CREATE TABLE something (id)")
    (tmp_path / "archive").write_bytes(b"PGDMP and nothing behind it")
    for name in ("text", "half", "other", "archive", "absent"):
        assert _refused(empty, tmp_path / name).count("\n") < 6
        _nothing_is_there(empty)
    another = Deployment(empty.database_url, empty.data_dir, secret_key="another secret of thirty-two characters!!")
    assert "another secret key" in _refused(another, whole)
    _nothing_is_there(empty)
    _run(empty, "db", "restore", str(whole))


def test_another_kind_of_database_is_refused(original: Deployment, tmp_path: Path) -> None:
    original.create_program("shop", CONFIGURATION)
    file, folder = tmp_path / "backup", tmp_path / "other"
    _run(original, "db", "backup", str(file))
    folder.mkdir()
    is_sqlite = original.database_url.startswith("sqlite")
    url = "postgresql://nobody@127.0.0.1:1/nothing" if is_sqlite else sqlite_url(folder / "tessera.db")
    assert "and the settings name" in _refused(Deployment(url, folder), file)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("named", [True, False], ids=["named", "by default"])
async def test_who_was_erased_since_the_backup_is_erased_again(
    named: bool, original: Deployment, empty: Deployment, tmp_path: Path
) -> None:
    credentials = original.create_program("shop", CONFIGURATION)
    file, kept = tmp_path / "backup", original.data_dir / "erasures.jsonl"
    async with _runtime(original) as runtime:
        ctx = await _context(runtime, credentials)
        for reference in (ERASED, KEPT):
            await enroll_member(
                ctx, EnrollMember(values={"relation_reference": reference, "email_id": f"{reference}@x.org"})
            )
        assert (await asyncio.to_thread(_run, original, "db", "backup", str(file))).status == 0
        erased = await erase_member(ctx, ERASED)
        assert await ErasureList(original.data_dir).keep(runtime.services) == 1
    if not named:
        shutil.copy(kept, empty.data_dir)
    options = ("--erasures", str(kept)) if named else ()
    assert (await asyncio.to_thread(_run, empty, "db", "restore", str(file), *options)).status == 0
    async with _runtime(empty) as runtime:
        ctx = await _context(runtime, credentials)
        again = await erase_member(ctx, ERASED)
        assert (again.replayed, again.member_id, again.erased_at) == (True, erased.member_id, erased.erased_at)
        assert (await get_member(ctx, KEPT)).email_id == f"{KEPT}@x.org"
    assert (await asyncio.to_thread(_run, empty, "ledger", "verify")).status == 0


def test_a_list_that_cannot_be_read_stops_a_restore(original: Deployment, empty: Deployment, tmp_path: Path) -> None:
    original.create_program("shop", CONFIGURATION)
    file, no_list = tmp_path / "backup", tmp_path / "list"
    _run(original, "db", "backup", str(file))
    assert "Cannot read" in _refused(empty, file, "--erasures", str(no_list))
    no_list.write_text("these are no erasures\n")
    assert "no list of erasures" in _refused(empty, file, "--erasures", str(no_list))
    _nothing_is_there(empty)


def _run(deployment: Deployment, *arguments: str) -> Outcome:
    settings = {name: value for name, value in deployment.environment.items() if name.startswith("TESSERA_")}
    return run_command(deployment.data_dir, settings, *arguments)


def _refused(deployment: Deployment, file: Path, *options: str) -> str:
    outcome = _run(deployment, "db", "restore", str(file), *options)
    assert (outcome.status, outcome.out) == (1, "")
    return outcome.err


def _nothing_is_there(deployment: Deployment) -> None:
    if deployment.database_url.startswith("sqlite"):
        assert [one.name for one in deployment.data_dir.iterdir()] == []
    else:
        assert "There is no database schema yet" in _run(deployment, "db", "check").out


def _runtime(deployment: Deployment) -> AbstractAsyncContextManager[Runtime]:
    own: dict[str, Any] = {"database_url": deployment.database_url, "data_dir": deployment.data_dir}
    own |= {"secret_key": SECRET, "_env_file": None}
    return open_runtime(Settings(**own))


async def _context(runtime: Runtime, credentials: Credentials) -> Context:
    return program_context(runtime, await find_program(runtime, credentials.program_id))


def test_the_list_grows_by_what_it_lacks_whatever_a_killed_process_left(tmp_path: Path) -> None:
    file = tmp_path / "erasures.jsonl"
    one, two = (Erasure(7, number, bytes([number] * 32), datetime(2026, 3, number, tzinfo=UTC)) for number in (1, 2))
    assert add_erasures(file, [one]) == 1
    file.write_bytes(file.read_bytes() + b'{"program": 7, "mem')
    assert add_erasures(file, [one, two]) == 1
    assert add_erasures(file, [two]) == 0
    assert read_erasures(file) == [one, two]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
