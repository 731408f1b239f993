"""Rows of a file that are posted in processes of their own: what comes of it, and what ends with whom."""

import asyncio
import multiprocessing
import pickle
import signal
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.clock import system_clock
from domain.errors import BatchRefused, ServiceUnavailable
from ingestion import load
from ingestion.load import Progress
from resolvers import batch_lane
from resolvers.batch import get_batch, list_batches, open_batch
from resolvers.batch_post import Posted, Share, post_share
from resolvers.context import Context
from resolvers.reject_limit import BatchHeld
from resolvers.verification import verify_ledger
from tessera import lane
from tessera.lane import lanes_beside
from tessera.settings import Settings, load_settings
from tests.ingestion.desk import MEMBERS, Desk, new_program, open_desk, points_of, transactions
from tests.ingestion.test_lanes import CAPPED, bonus, purchases
from tests.servers import Deployment
from tests.warm import WarmProcess

pytestmark = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="session")

# What cannot be read, what cannot be posted: refusals come from there to here as well.
BAD = ('T-bad,DR,"1,2026-07-01,M1,MUSIC', "T-who,DR,1,2026-07-01,NOBODY,MUSIC", "T-what,DR,1,2026-07-01,M1,MUSIK")


@asynccontextmanager
async def two_desks(url: str, folder: Path) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two programs with the same members and rules."""
    # The processes read the machine's clock.
    async with open_desk(url, folder, system_clock) as first:
        second, third = [
            Desk(await new_program(first.ctx.services, CAPPED, name), folder, first.uploads)
            for name in ("Whole", "Shares")
        ]
        for desk in (second, third):
            await desk.load("Shop_CPD.csv", MEMBERS)
        yield second, third


def beside(monkeypatch: pytest.MonkeyPatch, url: str, folder: Path) -> dict[str, Any]:
    """How a file is loaded in processes, however small it is."""
    for name, value in Deployment(url, folder, batch_processes="2").environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(lane, "WORTH_ROWS", 1)
    monkeypatch.setattr(load, "CHUNK_ROWS", 20)
    monkeypatch.setattr(batch_lane, "LEAST_LINES", 2)
    return {"lanes": lanes_beside(load_settings())}


async def told(desk: Desk) -> tuple[object, ...]:
    """What came of the file, but for references, which are random."""
    rows = [
        (one["line"], one["status"], one["code"], one["message"], one["points"]) for one in desk.results("Shop_TXN")
    ]
    [batch] = [one for one in await list_batches(desk.ctx) if one.type == "TXN"]
    figures = batch.status, batch.rows_read, batch.accepted, batch.rejected, batch.amount, batch.points
    return await desk.digest(), rows, figures, desk.rejects("Shop_TXN")


async def test_processes_give_what_one_after_another_gives(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = purchases(400) + transactions(*BAD).partition("\n")[2]
    async with two_desks(database_url, tmp_path) as (whole, shares):
        await whole.load("Shop_TXN.csv", content)
        await shares.load("Shop_TXN.csv", content, **beside(monkeypatch, database_url, tmp_path))
        assert await told(shares) == await told(whole)
        assert await verify_ledger(shares.ctx.services) == []
    assert multiprocessing.active_children() == []


async def test_a_load_whose_process_was_killed_says_so_and_goes_on_where_it_was(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = purchases(400)

    def kill(_progress: Progress) -> None:
        for process in multiprocessing.active_children()[:1]:
            process.kill()

    async with two_desks(database_url, tmp_path) as (whole, shares):
        await whole.load("Shop_TXN.csv", content)
        options = beside(monkeypatch, database_url, tmp_path)
        with pytest.raises(ServiceUnavailable, match="a process that posted rows has ended"):
            await shares.load("Shop_TXN.csv", content, progress=kill, **options)
        assert multiprocessing.active_children() == []
        [broken, _] = await list_batches(shares.ctx)
        assert broken.status == "RUNNING"
        assert 0 < broken.rows_read < 400
        await shares.load("Shop_TXN.csv", content, **options)
        assert await told(shares) == await told(whole)


async def test_a_file_is_loaded_where_no_process_starts(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = beside(monkeypatch, database_url, tmp_path)
    # They end before they are ready: their settings are refused.
    wrong = load_settings().model_copy(update={"secret_key": None, "data_dir": Path("/dev/null/none")})
    async with two_desks(database_url, tmp_path) as (whole, shares):
        await whole.load("Shop_TXN.csv", purchases(100))
        with capture_logs() as log:
            await shares.load("Shop_TXN.csv", purchases(100), **options | {"lanes": lanes_beside(wrong)})
        assert await told(shares) == await told(whole)
    assert [one["event"] for one in log] == ["large files are loaded by one process: others do not start"]
    assert multiprocessing.active_children() == []


async def test_a_process_tells_what_nobody_foresaw_and_lets_refusals_through(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def post(error: Exception) -> object:
        async def raising(*_: object) -> object:
            raise error

        monkeypatch.setattr(lane, "post_share", raising)
        return pickle.loads(pickle.dumps(await lane._answer(desk.ctx, 1, Share(lines=[]))))  # noqa: S301 - our own

    async with open_desk(database_url, tmp_path) as desk:
        refused = await post(BatchRefused("no such batch", field="batch"))
        held = await post(BatchHeld())
        foreseen_by_nobody = await post(ZeroDivisionError("secret"))
    assert isinstance(refused, BatchRefused)
    assert (refused.text, refused.field) == ("File refused (no such batch)", "batch")
    assert isinstance(held, BatchHeld)
    assert isinstance(foreseen_by_nobody, RuntimeError)
    assert str(foreseen_by_nobody) == "ZeroDivisionError in a process that posts rows, whose log says more"


def serve_badly(settings: Settings, calls: Connection) -> None:
    """A lane that refuses the share of line 1, and is at that of line 3 for good."""
    post = post_share

    async def refusing(ctx: Context, batch_id: int, share: Share) -> Posted:
        if share.lines[0].line == 1:
            raise BatchRefused("the first")
        await asyncio.sleep(3600 if share.lines[0].line == 3 else 0)
        return await post(ctx, batch_id, share)

    vars(lane)["post_share"] = refusing
    lane._serve(settings, calls)


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_a_share_that_was_sent_already_does_not_stand_without_the_one_before(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_cancelled: bool
) -> None:
    beside(monkeypatch, database_url, tmp_path)
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve_badly, args=(load_settings(), theirs), daemon=True)
    process.start()
    theirs.close()
    async with two_desks(database_url, tmp_path) as (desk, _):
        with ThreadPoolExecutor(2) as threads:
            assert await asyncio.to_thread(ours.recv) == "ready"
            batch = await open_batch(desk.ctx, file_type="BNS", file_name="Shop_BNS.csv", sha256="0" * 64)
            one, first = lane._Lane(process, ours, threads), 3 if is_cancelled else 1
            shares = [Share(lines=[bonus(line, "M1")]) for line in (first, first + 1)]
            posting = [asyncio.ensure_future(one.post(desk.ctx, batch.id, share)) for share in shares]
            if is_cancelled:
                await asyncio.sleep(0.5)
                posting[0].cancel()
            ends = await asyncio.gather(*posting, return_exceptions=True)
            await asyncio.to_thread(lane._end, [one])
        expected = [asyncio.CancelledError, ServiceUnavailable] if is_cancelled else [BatchRefused, BatchRefused]
        assert [type(end) for end in ends] == expected
        assert (await get_batch(desk.ctx, batch.id)).rows_read == 0
        assert await points_of(desk) == {}


async def test_processes_end_with_a_loader_that_is_killed(database_url: str, tmp_path: Path) -> None:
    async with two_desks(database_url, tmp_path) as (_, desk):
        file = desk.put("Shop_TXN.csv", purchases(lane.WORTH_ROWS))
        arguments = ("batch", "load", str(file), "--program", str(desk.ctx.principal.public_program_id))
        environment = Deployment(database_url, tmp_path, batch_processes="2").environment
        process = WarmProcess(arguments, env=environment, cwd=tmp_path)
        await _until(lambda: _stands(desk, 1000))
        children = await asyncio.to_thread(_children, process.pid)
        process.kill()
        _, errors = await asyncio.to_thread(process.communicate)
        assert process.returncode == -signal.SIGKILL, errors
        # The two lanes, and what keeps count of shared memory for them.
        assert len(children) >= 2
        await _until(lambda: _are_gone(children))
        assert await verify_ledger(desk.ctx.services) == []


def _children(pid: int) -> list[int]:
    # Each is a child of the thread that started it.
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


async def _are_gone(pids: list[int]) -> bool:
    return not await asyncio.to_thread(lambda: [pid for pid in pids if Path(f"/proc/{pid}").exists()])


async def _stands(desk: Desk, rows: int) -> bool:
    return any(one.rows_read >= rows for one in await list_batches(desk.ctx) if one.type == "TXN")


async def _until(holds: Any) -> None:
    until = time.monotonic() + 120
    while not await holds():
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
