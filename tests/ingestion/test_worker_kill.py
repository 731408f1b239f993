"""`kill -9` of worker processes again and again: the ledger and the handback are as if nothing was."""

import asyncio
import random
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from domain.clock import system_clock
from ingestion.load import load_file
from resolvers.verification import verify_ledger
from tests.ingestion.desk import RULES, Desk, new_program, open_desk, transactions
from tests.ingestion.mailroom import Mailroom, Watch
from tests.ingestion.test_kill import progress, without_references
from tests.ports import free_port
from tests.scale import long_run
from tests.servers import Deployment
from tests.warm import WarmProcess

# Of five hundred rows are the parts in which a file is posted; every kill costs a start or two of a second each.
ROWS = 100_000 if long_run else 2_500
KILLS = 50 if long_run else 2
PEOPLE = ROWS // 50
LIMIT_S = 600.0


@dataclass
class Processes:
    """The processes that take files: two workers on PostgreSQL, one server on SQLite."""

    environment: Mapping[str, str]
    is_sqlite: bool
    log: Path
    running: list[WarmProcess] = field(default_factory=list)

    def start(self) -> None:
        """Start those that do not run."""
        command = ("serve", "--all", "--port", str(free_port())) if self.is_sqlite else ("worker",)
        while len(self.running) < (1 if self.is_sqlite else 2):
            with self.log.open("ab") as log:
                self.running.append(WarmProcess(command, env=self.environment, cwd=self.log.parent, out=log))

    async def kill(self, chance: random.Random) -> None:
        """Kill one of them, or all."""
        victims = self.running if chance.random() < 0.5 else [chance.choice(self.running)]
        for one in list(victims):
            assert one.poll() is None, self.log.read_text()[-4000:]
            one.kill()
            await asyncio.to_thread(one.wait)
            self.running.remove(one)

    async def stop(self) -> None:
        """End what runs, in good order."""
        for one in self.running:
            one.terminate()
        for one in self.running:
            # One that has only just been started does not know yet how to end well.
            assert await asyncio.to_thread(one.wait, 30) in {0, -signal.SIGTERM}, self.log.read_text()[-4000:]


def members() -> str:
    """Those who buy."""
    return "relation_reference,full_name,status\n" + "".join(f"M{n},Member {n},1\n" for n in range(PEOPLE))


def purchases(rows: int) -> str:
    """Purchases, refunds and rows that are rejected, the same each time."""
    chance = random.Random(rows)
    lines = []
    for number in range(rows):
        member, day = chance.randrange(PEOPLE * 5 // 4), chance.randrange(1, 28)
        kind, of = ("CR", chance.randrange(number)) if number and chance.random() < 0.1 else ("DR", number)
        lines.append(f"T{of},{kind},{chance.randrange(1, 90)},2026-06-{day:02},M{member},MUSIC")
    return transactions(*lines)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"], indirect=True, scope="session")
async def test_workers_that_are_killed_end_in_the_ledger_of_an_undisturbed_load(
    database_url: str, tmp_path: Path
) -> None:
    chance = random.Random(KILLS)
    async with open_desk(database_url, tmp_path, system_clock) as undisturbed:
        content = purchases(ROWS)
        for name, text in (("July_CPD.csv", members()), ("Demo_TXN.csv", content)):
            await load_file(undisturbed.ctx, undisturbed.put(name, text), data_dir=tmp_path)
        ctx = await new_program(undisturbed.ctx.services, RULES, "Killed")
        mailroom = Mailroom(Desk(ctx, tmp_path, undisturbed.uploads), Watch())
        mailroom.send("Demo_TXN.csv", content)
        mailroom.send("July_CPD.csv", members())
        await _load_disturbed(mailroom, database_url, chance)
        killed = mailroom.desk
        assert mailroom.left == []
        assert mailroom.processed == ["Demo_TXN.csv", "July_CPD.csv"]
        assert await progress(killed) == (ROWS, "FINISHED")
        assert await killed.digest() == await undisturbed.digest()
        assert without_references(killed) == without_references(undisturbed)
        assert len({row["line"] for row in killed.results("Demo_TXN")}) == ROWS
        assert killed.rejects("Demo_TXN") == undisturbed.rejects("Demo_TXN")
        own = {"batch_id": 0, "started_at": "", "finished_at": ""}
        assert killed.summary("Demo_TXN") | own == undisturbed.summary("Demo_TXN") | own
        assert await verify_ledger(ctx.services) == []


async def _load_disturbed(mailroom: Mailroom, database_url: str, chance: random.Random) -> None:
    """Have the files loaded by processes that are killed at random moments."""
    environment = Deployment(database_url, mailroom.desk.data_dir).environment
    processes = Processes(environment, database_url.startswith("sqlite"), mailroom.desk.data_dir / "workers.log")
    try:
        for rows in sorted(chance.randrange(ROWS) for _ in range(KILLS)):
            processes.start()
            await _until_stand(mailroom.desk, rows)
            await asyncio.sleep(chance.random() * 0.1)
            await processes.kill(chance)
        processes.start()
        await _until_stand(mailroom.desk, ROWS)
        until = time.monotonic() + LIMIT_S
        while len(mailroom.processed) < 2:
            assert time.monotonic() < until, processes.log.read_text()[-4000:]
            await asyncio.sleep(0.05)
    finally:
        await processes.stop()


async def _until_stand(desk: Desk, rows: int) -> None:
    until = time.monotonic() + LIMIT_S
    while (await progress(desk))[0] < rows:
        assert time.monotonic() < until, (desk.data_dir / "workers.log").read_text()[-4000:]
        await asyncio.sleep(0.01)
