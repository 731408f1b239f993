"""`kill -9` in the middle of `tessera batch load`, and two of them at once: the ledger is as if nothing was."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from domain.clock import system_clock
from domain.models import batch
from ingestion.load import load_file
from resolvers.verification import verify_ledger
from tessera.demo_data import read_purchases, write_members, write_transactions
from tests.ingestion.desk import Desk, new_program, open_desk
from tests.scale import long_run, scaled
from tests.servers import Deployment
from tests.warm import WarmProcess

RULES = (Path(__file__).parents[2] / "tessera" / "data" / "demo_rules.yaml").read_bytes()
KILLS = scaled(20)
# Of five hundred rows are the parts in which a file is posted.
ROWS = 3000 if long_run else 1500


@asynccontextmanager
async def desks(url: str, folder: Path) -> AsyncIterator[tuple[Desk, Desk, Path]]:
    """Two programs with the same members, and a file of transactions."""
    # The processes that are killed read the machine's clock, and upgrade bonuses expire by it.
    async with open_desk(url, folder, system_clock) as first:
        second = Desk(await new_program(first.ctx.services, RULES, "Second"), folder, first.uploads)
        third = Desk(await new_program(first.ctx.services, RULES, "Third"), folder, first.uploads)
        purchases = read_purchases()[:ROWS]
        members = await asyncio.to_thread(write_members, first.uploads, purchases)
        for desk in (second, third):
            await load_file(desk.ctx, members, data_dir=folder)
        yield second, third, await asyncio.to_thread(write_transactions, first.uploads, purchases, 28)


def start(desk: Desk, url: str, file: Path) -> WarmProcess:
    """`tessera batch load` as a process of its own."""
    arguments = ("batch", "load", str(file), "--program", str(desk.ctx.principal.public_program_id))
    return WarmProcess(arguments, env=Deployment(url, desk.data_dir).environment, cwd=desk.data_dir)


async def progress(desk: Desk) -> tuple[int, str]:
    """How many rows of the transaction file stand, and its status."""

    def body(tx: Connection) -> tuple[int, str]:
        row = tx.execute(
            select(batch.c.rows_read, batch.c.status).where(
                batch.c.program_id == desk.ctx.principal.program,
                batch.c.type == "TXN",
                # Whoever came when all was done stands in the list as well.
                batch.c.status != "REFUSED",
            )
        ).one_or_none()
        return (0, "ABSENT") if row is None else (row.rows_read, row.status)

    return await desk.ctx.read(body)


async def kill_at(desk: Desk, process: WarmProcess, rows: int, delay_s: float) -> bool:
    """Kill the process once so many rows stand; False where it ended before."""
    until = time.monotonic() + 60
    while process.poll() is None and (await progress(desk))[0] < rows:
        assert time.monotonic() < until, "the load stands still"
        await asyncio.sleep(0.002)
    await asyncio.sleep(delay_s)
    process.kill()
    _, errors = await asyncio.to_thread(process.communicate)
    assert process.returncode in {-signal.SIGKILL, 0}, errors
    return process.returncode == -signal.SIGKILL


async def assert_sound(desk: Desk) -> None:
    """Every balance, lot, trace and hash chain holds."""
    assert await verify_ledger(desk.ctx.services) == []


@pytest.mark.parametrize("seed", range(max(1, KILLS // 4)))
async def test_a_killed_load_ends_in_the_ledger_of_an_undisturbed_one(
    database_url: str, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with desks(database_url, tmp_path) as (undisturbed, killed, file):
        await load_file(undisturbed.ctx, file, data_dir=tmp_path)
        kills = 0
        # The last moment lies between the last row and the end of the handback.
        for rows in [*sorted(chance.sample(range(ROWS), 3 if long_run else 2)), ROWS]:
            stood, _ = await progress(killed)
            process = start(killed, database_url, file)
            kills += await kill_at(killed, process, max(rows, stood), chance.random() * 0.05)
            if (killed.handback / "Demo_TXN.summary.json").exists():
                break
        assert kills > 0
        if not (killed.handback / "Demo_TXN.summary.json").exists():
            process = start(killed, database_url, file)
            _, errors = await asyncio.to_thread(process.communicate)
            assert process.returncode == 0, errors
        assert await progress(killed) == (ROWS, "FINISHED")
        assert await killed.digest() == await undisturbed.digest()
        await assert_sound(killed)
        assert without_references(killed) == without_references(undisturbed)
        summaries = [killed.summary("Demo_TXN"), undisturbed.summary("Demo_TXN")]
        assert summaries[0]["points_awarded"] == summaries[1]["points_awarded"] > 0


def without_references(desk: Desk) -> list[tuple[str, str, str, str]]:
    """The result file, but for the references, which are random."""
    rows = desk.results("Demo_TXN")
    return [(row["line"], row["status"], row["code"], row["points"]) for row in rows]


async def test_two_processes_with_one_file_post_each_line_once(database_url: str, tmp_path: Path) -> None:
    async with desks(database_url, tmp_path) as (undisturbed, shared, file):
        await load_file(undisturbed.ctx, file, data_dir=tmp_path)
        processes = [start(shared, database_url, file) for _ in range(2)]
        ends = [await asyncio.to_thread(process.communicate) for process in processes]
        for process, (_, errors) in zip(processes, ends, strict=True):
            # Whoever came when all was done was told so.
            assert process.returncode == 0 or "1301" in errors, errors
        assert 0 in {process.returncode for process in processes}
        assert await progress(shared) == (ROWS, "FINISHED")
        assert await shared.digest() == await undisturbed.digest()
        await assert_sound(shared)
        assert without_references(shared) == without_references(undisturbed)
