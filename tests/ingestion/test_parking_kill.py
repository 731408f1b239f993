"""`kill -9` while lines that waited are posted: the ledger and the handbacks are as if nothing was."""

import asyncio
import json
import random
import signal
import time
from pathlib import Path

import pytest

from domain.clock import system_clock
from ingestion.load import load_file
from ingestion.parking import work_parked
from resolvers.batch import list_batches
from resolvers.program import apply_configuration
from resolvers.verification import verify_ledger
from tests.ingestion.desk import RULES, Desk, new_program, open_desk, transactions
from tests.ingestion.test_kill import start
from tests.scale import long_run, scaled
from tests.warm import WarmProcess

# Of five hundred rows are the parts in which they are posted.
PURCHASES, GIVEN = (2500, 600) if long_run else (1500, 500)
PARKING = b"version: 1\nfiles: {park_unknown_members: true}\n"
MEMBERS = "relation_reference,status\n" + "".join(f"M{n},1\n" for n in range(40))
ROWS = transactions(*(f"T{n},DR,{n % 7},2026-07-01,M{n % 40},MUSIC" for n in range(PURCHASES)))
BONUSES = "member_relation_reference,bonus_points\n" + "".join(f"M{n % 40},{n % 5}\n" for n in range(GIVEN))


async def waiting_desk(first: Desk, name: str) -> Desk:
    """A program in which all rows of two files wait for their members."""
    desk = Desk(await new_program(first.ctx.services, RULES, name), first.data_dir, first.uploads)
    await apply_configuration(desk.ctx, PARKING)
    await desk.load("Night_TXN.csv", ROWS)
    await desk.load("Night_BNS.csv", BONUSES)
    return desk


def told(desk: Desk) -> list[list[tuple[str, str, str, str]]]:
    """The result files, but for the references, which are random."""
    return [
        [(row["line"], row["status"], row["code"], row["points"]) for row in desk.results(f"Night_{one}")]
        for one in ("TXN", "BNS")
    ]


@pytest.mark.parametrize("seed", range(max(1, scaled(20) // 2)))
async def test_whoever_is_killed_in_the_middle_posts_each_line_once(
    database_url: str, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with open_desk(database_url, tmp_path, system_clock) as first:
        undisturbed, killed = await waiting_desk(first, "First"), await waiting_desk(first, "Second")
        members = undisturbed.put("Night_CPD.csv", MEMBERS)
        await load_file(undisturbed.ctx, members, data_dir=tmp_path)
        kills, file = 0, members
        for number in range(4 if long_run else 2):
            process = start(killed, database_url, file)
            await _posted(killed, process, chance.choice((1, 600, 1100) if long_run else (1, 600)))
            await asyncio.sleep(chance.random() * 0.05)
            process.kill()
            await asyncio.to_thread(process.communicate)
            kills += process.returncode == -signal.SIGKILL
            if (killed.handback / "Night_CPD.summary.json").exists():
                # Every load sees to what waits.
                file = killed.put(f"More{number}_CPD.csv", f"relation_reference\nN{number}\n")
        assert kills > 0
        if not (killed.handback / "Night_CPD.summary.json").exists():
            await load_file(killed.ctx, members, data_dir=tmp_path)
        # Whoever comes next finishes it, whatever stood.
        await work_parked(first.ctx.services, tmp_path)
        assert await killed.digest() == await undisturbed.digest()
        assert told(killed) == told(undisturbed)
        for one in ("TXN", "BNS"):
            name = f"Night_{one}.summary.json"
            sums = [json.loads((desk.handback / name).read_text()) for desk in (undisturbed, killed)]
            assert [sums[0][key] for key in _SUMS] == [sums[1][key] for key in _SUMS]
        assert await verify_ledger(first.ctx.services) == []


_SUMS = ("rows", "accepted", "rejected", "parked", "amount", "points_awarded", "rejected_by_code")


async def _parked(desk: Desk) -> int:
    return sum(one.parked for one in await list_batches(desk.ctx))


async def _posted(desk: Desk, process: WarmProcess, rows: int) -> None:
    """Wait until so many lines that waited are posted, or the process ends."""
    target = await _parked(desk) - rows
    until = time.monotonic() + 60
    while process.poll() is None and await _parked(desk) > target:
        assert time.monotonic() < until, "nothing is posted"
        await asyncio.sleep(0.002)
