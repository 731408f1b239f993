"""Workers: several share the programs, one program's files go one after another, and whoever dies is replaced."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from ingestion import arrival, worker
from ingestion import load as load_module
from ingestion.handback import has_handback
from ingestion.worker import taking_files
from resolvers.batch import finish_batch, list_batches
from resolvers.batch_queue import LEASE, leave_inbox, take_inbox
from resolvers.context import Context
from tests.ingestion.desk import MEMBERS, RULES, Desk, new_program, points_of, transactions
from tests.ingestion.mailroom import Mailroom


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LOOK_S", 0.02)
    monkeypatch.setattr(arrival, "QUIET_S", 0.0)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def until_begun(ctx: Context, file_name: str) -> None:
    """Wait for the first rows of a file to stand."""
    deadline = time.monotonic() + 60
    while not any(one.file_name == file_name and one.rows_read for one in await list_batches(ctx)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def purchases(first: int, count: int) -> str:
    """A file of so many purchases of a point each."""
    return transactions(*(f"T{n},DR,1,2026-07-01,M{n % 20 + 1},MUSIC" for n in range(first, first + count)))


async def test_two_workers_share_many_files_of_several_programs(mailroom: Mailroom) -> None:
    desk = mailroom.desk
    rooms = [mailroom] + [
        Mailroom(Desk(await new_program(desk.ctx.services, RULES, name), desk.data_dir, desk.uploads), mailroom.watch)
        for name in ("Second", "Third")
    ]
    for room in rooms:
        for number in range(10):
            room.send(f"N{number}_TXN.csv", purchases(number * 10, 10))
        room.send("July_CPD.csv", MEMBERS)
        room.send("Wrong_CPD.csv", MEMBERS, "TXN")
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(taking_files(desk.ctx.services, desk.data_dir))
        await until(lambda: all(len(room.processed) == 12 and not room.left for room in rooms))
    for room in rooms:
        statuses = [one.status for one in await list_batches(room.desk.ctx)]
        assert (len(statuses), statuses.count("FINISHED"), statuses.count("REFUSED")) == (12, 11, 1)
        assert await points_of(room.desk) == {f"M{n}": (5, 0) for n in range(1, 21)}
        assert "belongs into upload/CPD" in room.refusal("Wrong_CPD")
        assert len(room.handbacks) == 11 * 3 + 1


async def test_a_worker_that_is_stopped_leaves_at_the_end_of_a_chunk(
    mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_module, "CHUNK_ROWS", 5)
    services, data_dir, ctx = mailroom.desk.ctx.services, mailroom.desk.data_dir, mailroom.desk.ctx
    mailroom.send("July_CPD.csv", MEMBERS)
    mailroom.send("July_TXN.csv", purchases(0, 1000))
    mailroom.send("Next_TXN.csv", purchases(1000, 5))
    async with taking_files(services, data_dir):
        await until_begun(ctx, "July_TXN.csv")
    stopped = {one.file_name: one for one in await list_batches(ctx)}
    begun = stopped["July_TXN.csv"]
    assert (begun.status, begun.rows_read % 5, begun.rows_total) == ("RUNNING", 0, 1000)
    assert 0 < begun.rows_read < 1000
    assert stopped["Next_TXN.csv"].status == "WAITING"
    # It does not let the next one wait for its lease to lapse.
    assert await take_inbox(ctx, "somebody")
    await leave_inbox(ctx, "somebody")
    async with taking_files(services, data_dir):
        await until(lambda: len(mailroom.processed) == 3)
    assert await points_of(mailroom.desk) == {f"M{n}": (50 + (n <= 5), 0) for n in range(1, 21)}


async def test_the_files_of_a_worker_that_died_are_taken_up_when_its_lease_lapses(mailroom: Mailroom) -> None:
    services, data_dir, ctx = mailroom.desk.ctx.services, mailroom.desk.data_dir, mailroom.desk.ctx
    assert await take_inbox(ctx, "dead")
    mailroom.send("July_CPD.csv", MEMBERS)
    async with taking_files(services, data_dir):
        await asyncio.sleep(0.5)
        assert mailroom.left == ["upload/CPD/July_CPD.csv"]
        assert not await take_inbox(ctx, "another")
        mailroom.watch.ahead = LEASE + timedelta(seconds=1)
        await until(lambda: mailroom.processed == ["July_CPD.csv"])


async def test_a_worker_that_lost_its_lease_decides_about_nothing(mailroom: Mailroom) -> None:
    mailroom.send("July_CPD.csv", MEMBERS)
    inbox = mailroom.inbox()
    await inbox.pick_up()
    [(_, path)] = arrival.batch_files(mailroom.folder).items()

    async def no() -> bool:
        return False

    inbox.is_mine = no
    path.write_text("relation_reference,colour\n")
    assert await inbox.load_next()
    assert path.exists()
    assert mailroom.handbacks == []
    path.write_text(MEMBERS)
    assert await inbox.load_next()
    [batch] = await list_batches(mailroom.desk.ctx)
    assert (batch.status, has_handback(mailroom.desk.handback, batch), path.exists()) == ("FINISHED", True, True)


async def test_a_failure_is_waited_out(mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = 0
    good = finish_batch

    async def failing(*given: object) -> object:
        nonlocal failures
        failures += 1
        if failures < 3:
            raise OSError("no space left on device")
        return await good(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(load_module, "finish_batch", failing)
    mailroom.send("July_CPD.csv", MEMBERS)
    async with taking_files(mailroom.desk.ctx.services, mailroom.desk.data_dir):
        await until(lambda: mailroom.processed == ["July_CPD.csv"])
    assert failures == 3
    assert mailroom.desk.summary("July_CPD")["accepted"] == 20


async def test_a_file_that_waits_is_seen_while_another_is_loaded(
    mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_module, "CHUNK_ROWS", 5)
    ctx = mailroom.desk.ctx
    mailroom.send("July_CPD.csv", MEMBERS)
    mailroom.send("July_TXN.csv", purchases(0, 2000))
    async with taking_files(ctx.services, mailroom.desk.data_dir):
        await until_begun(ctx, "July_TXN.csv")
        mailroom.send("Next_TXN.csv", purchases(5000, 5))
        await until(lambda: any(one.startswith("work/batch/") and "Next" in one for one in mailroom.left))
        [late, early, _] = await list_batches(ctx)
        assert (late.file_name, late.status, early.status) == ("Next_TXN.csv", "WAITING", "RUNNING")
