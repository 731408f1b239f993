"""Files that partners send: which are taken, in which order, and what is said of the others."""

import asyncio
import hashlib
import os
import time
from datetime import timedelta

import pytest
from sqlalchemy import delete

from domain.models import batch
from ingestion import arrival
from ingestion.arrival import complete_files
from ingestion.sweep import sweep_files
from resolvers.batch import list_batches
from tests.ingestion.desk import MEMBERS, RULES, Desk, new_program, points_of, transactions
from tests.ingestion.mailroom import Mailroom

SPENT = transactions("T1,DR,5,2026-07-01,M1,MUSIC", "T2,DR,7,2026-07-01,M2,MUSIC")


async def test_files_of_a_night_may_arrive_in_any_order(mailroom: Mailroom) -> None:
    for number, (name, content) in enumerate(
        [
            ("b_TXN.csv", transactions("T3,CR,2,2026-07-02,M1,MUSIC")),
            ("a_TXN.csv", SPENT),
            ("a_CPD.csv", MEMBERS),
        ]
    ):
        path = mailroom.send(name, content)
        os.utime(path, (1_000_000 + (number % 2), 1_000_000 - number))
    await mailroom.drain()
    assert [batch.file_name for batch in reversed(await list_batches(mailroom.desk.ctx))] == [
        "a_CPD.csv",
        "a_TXN.csv",
        "b_TXN.csv",
    ]
    assert mailroom.processed == ["a_CPD.csv", "a_TXN.csv", "b_TXN.csv"]
    assert mailroom.left == []
    assert await points_of(mailroom.desk) == {"M1": (5, 0), "M2": (7, 0)}


@pytest.mark.parametrize(
    ("name", "folder", "reason"),
    [
        ("July_CPD.csv", "TXN", "belongs into upload/CPD, not into upload/TXN"),
        ("July.csv", "TXN", "must end in its type"),
        ("July TXN.csv", "TXN", "a file name is letters"),
        ("Juli_é_TXN.csv", "TXN", "a file name is letters"),
        ("July_TXN.xlsx", "TXN", "a file name is letters"),
        ("July_TXN.csv.gz", "TXN", "cannot be unpacked"),
    ],
)
async def test_what_cannot_be_taken_is_said_and_moved_away(
    mailroom: Mailroom, name: str, folder: str, reason: str
) -> None:
    before = await mailroom.desk.counts()
    mailroom.send(name, SPENT, folder)
    await mailroom.drain()
    [told] = mailroom.handbacks
    assert reason in (mailroom.desk.handback / told).read_text()
    assert mailroom.processed == [name]
    assert mailroom.left == []
    assert await mailroom.desk.counts() == before
    written = (mailroom.desk.handback / told).stat().st_mtime_ns
    await mailroom.drain()
    assert (mailroom.desk.handback / told).stat().st_mtime_ns == written


async def test_an_empty_file_is_refused(mailroom: Mailroom) -> None:
    mailroom.send("July_TXN.csv", "")
    await mailroom.drain()
    assert "the file is empty" in mailroom.refusal("July_TXN")
    assert (mailroom.processed, mailroom.left) == (["July_TXN.csv"], [])


async def test_what_is_no_file_is_refused(mailroom: Mailroom) -> None:
    place = mailroom.folder.upload("TXN")
    secret = mailroom.desk.data_dir / "secret"
    secret.write_text(SPENT)
    (place / "link_TXN.csv").symlink_to(secret)
    (place / "folder_TXN.csv").mkdir()
    os.mkfifo(place / "pipe_TXN.csv")
    await mailroom.drain()
    assert "a link, not a file" in mailroom.refusal("link_TXN")
    assert "not a plain file" in mailroom.refusal("folder_TXN")
    assert "not a plain file" in mailroom.refusal("pipe_TXN")
    assert mailroom.processed == ["folder_TXN.csv", "pipe_TXN.csv"]
    assert mailroom.left == []


@pytest.mark.parametrize("name", ["July_TXN.csv", "JULY_txn.csv", "July_TXN.txt", "August_TXN.csv"])
async def test_a_file_that_was_seen_is_refused(mailroom: Mailroom, name: str) -> None:
    mailroom.send("July_CPD.csv", MEMBERS)
    mailroom.send("July_TXN.csv", SPENT)
    await mailroom.drain()
    before, digest = await mailroom.desk.counts(), await mailroom.desk.digest()
    mailroom.send(name, SPENT, "TXN")
    await mailroom.drain()
    assert "the same content came before as batch" in mailroom.refusal(name.split(".")[0])
    assert len(mailroom.processed) == 3
    assert mailroom.left == []
    assert (await mailroom.desk.counts(), await mailroom.desk.digest()) == (before, digest)


async def test_the_same_content_twice_at_once_is_loaded_once(mailroom: Mailroom) -> None:
    mailroom.send("July_CPD.csv", MEMBERS)
    mailroom.send("July_TXN.csv", SPENT)
    inbox = mailroom.inbox()
    await inbox.pick_up()
    mailroom.send("July_TXN.csv", SPENT)
    mailroom.send("August_TXN.csv", SPENT)
    await inbox.pick_up()
    assert "the same content is batch" in mailroom.refusal("July_TXN")
    assert "which is waiting" in mailroom.refusal("August_TXN")
    await mailroom.drain()
    assert await points_of(mailroom.desk) == {"M1": (5, 0), "M2": (7, 0)}
    assert mailroom.processed == ["August_TXN.csv", "July_CPD.csv", "July_TXN.2.csv", "July_TXN.csv"]
    assert mailroom.left == []


async def test_only_what_is_complete_is_taken(mailroom: Mailroom) -> None:
    for name in ("July_TXN.csv.part", "July_TXN.csv.filepart", "July_TXN.csv.TMP", ".July_TXN.csv.x7"):
        mailroom.send(name, SPENT, "TXN")
    mailroom.send("Open_TXN.csv", SPENT)
    mark = mailroom.folder.unfinished("TXN", "Open_TXN.csv")
    mark.touch()
    await mailroom.drain()
    assert len(mailroom.left) == 6
    assert mailroom.handbacks == []
    mark.unlink()
    await mailroom.drain()
    assert mailroom.processed == ["Open_TXN.csv"]


async def test_a_file_is_left_alone_while_it_is_written_to(mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "QUIET_S", 0.5)
    path = mailroom.send("July_CPD.csv", MEMBERS)
    # What its sender says of when it was written does not count.
    os.utime(path, (1, 1))
    assert complete_files(mailroom.folder, time.time()) == []
    await asyncio.sleep(0.6)
    os.utime(path, (time.time() + 10**6,) * 2)
    assert complete_files(mailroom.folder, time.time()) == []
    await asyncio.sleep(0.6)
    assert [one.name for one in complete_files(mailroom.folder, time.time())] == ["July_CPD.csv"]


async def test_a_file_that_its_sender_opens_again_is_put_back(
    mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mailroom.send("July_CPD.csv", MEMBERS)
    mailroom.send("July_CPD.csv.sha256", hashlib.sha256(MEMBERS.encode()).hexdigest(), "CPD")
    [found] = complete_files(mailroom.folder, time.time() + 1)
    with path.open("ab") as again:
        mailroom.folder.unfinished("CPD", "July_CPD.csv").touch()
        again.write(b"M21,Member 21,1\n")
        assert not arrival.take(mailroom.folder, found)
    assert sorted(mailroom.left) == [
        "upload/CPD/July_CPD.csv",
        "upload/CPD/July_CPD.csv.sha256",
        "work/unfinished/CPD/July_CPD.csv",
    ]


@pytest.mark.parametrize("form", ["{}", "{}\n", "{}  July_CPD.csv\n", "{} *out/July_CPD.csv\r\n"])
async def test_a_checksum_is_checked_first(mailroom: Mailroom, form: str) -> None:
    good = hashlib.sha256(MEMBERS.encode()).hexdigest()
    mailroom.send("July_CPD.csv.sha256", form.format(good.upper()), "CPD")
    mailroom.send("July_CPD.csv", MEMBERS)
    mailroom.send("Other_CPD.csv.sha256", form.format("0" * 64), "CPD")
    mailroom.send("Other_CPD.csv", "relation_reference\nX1\n")
    mailroom.send("Third_CPD.csv.sha256", "no checksum", "CPD")
    mailroom.send("Third_CPD.csv", "relation_reference\nX2\n")
    await mailroom.drain()
    [*refused, batch] = await list_batches(mailroom.desk.ctx)
    assert (batch.file_name, batch.accepted) == ("July_CPD.csv", 20)
    assert [(one.status, one.sha256) for one in refused] == [("REFUSED", "")] * 2
    assert "its checksum file says 0000" in mailroom.refusal("Other_CPD")
    assert "does not begin with a SHA-256" in mailroom.refusal("Third_CPD")
    assert len(mailroom.processed) == 6
    assert mailroom.left == []


async def test_a_checksum_alone_waits_for_its_file(mailroom: Mailroom) -> None:
    mailroom.send("July_CPD.csv.sha256", "0" * 64, "CPD")
    await mailroom.drain()
    assert mailroom.left == ["upload/CPD/July_CPD.csv.sha256"]
    mailroom.watch.ahead = timedelta(hours=23)
    await sweep_files(mailroom.desk.ctx.services, mailroom.desk.data_dir)
    assert mailroom.handbacks == []
    mailroom.watch.ahead = timedelta(hours=25)
    await sweep_files(mailroom.desk.ctx.services, mailroom.desk.data_dir)
    assert "no file of this name" in mailroom.refusal("July_CPD")
    assert (mailroom.left, mailroom.processed) == ([], ["July_CPD.csv.sha256"])


@pytest.mark.parametrize("is_right", [True, False])
async def test_a_checksum_that_comes_late_is_compared(mailroom: Mailroom, is_right: bool) -> None:
    mailroom.send("July_CPD.csv", MEMBERS)
    await mailroom.drain()
    told = hashlib.sha256(MEMBERS.encode()).hexdigest() if is_right else "0" * 64
    mailroom.send("July_CPD.csv.sha256", told, "CPD")
    mailroom.watch.ahead = timedelta(minutes=2)
    await sweep_files(mailroom.desk.ctx.services, mailroom.desk.data_dir)
    assert (mailroom.left, mailroom.processed) == ([], ["July_CPD.csv", "July_CPD.csv.sha256"])
    refusals = [name for name in mailroom.handbacks if "refused" in name]
    assert bool(refusals) is not is_right


async def test_an_upload_that_nobody_finishes_is_told_of_once(mailroom: Mailroom) -> None:
    services, data_dir = mailroom.desk.ctx.services, mailroom.desk.data_dir
    part = mailroom.send("July_TXN.csv.part", SPENT, "TXN")
    mailroom.folder.unfinished("TXN", "Open_TXN.csv").touch()
    await sweep_files(services, data_dir)
    assert mailroom.handbacks == []
    mailroom.watch.ahead = timedelta(hours=25)
    assert await sweep_files(services, data_dir) == 2
    assert "nobody has gone on" in mailroom.refusal("July_TXN")
    assert "nobody has gone on" in mailroom.refusal("Open_TXN")
    (mailroom.desk.handback / "July_TXN.refused.summary.json").unlink()
    assert await sweep_files(services, data_dir) == 0
    part.rename(part.with_suffix(""))
    await mailroom.drain()
    assert mailroom.processed == ["July_TXN.csv"]


async def test_what_was_kept_for_its_time_is_removed(mailroom: Mailroom) -> None:
    path = mailroom.send("July_CPD.csv", MEMBERS)
    os.utime(path, (1, 1))
    await mailroom.drain()
    services, data_dir = mailroom.desk.ctx.services, mailroom.desk.data_dir
    await sweep_files(services, data_dir)
    assert mailroom.processed == ["July_CPD.csv"]
    mailroom.watch.ahead = timedelta(days=29)
    assert await sweep_files(services, data_dir) == 0
    mailroom.watch.ahead = timedelta(days=31)
    assert await sweep_files(services, data_dir) == 4
    assert (mailroom.processed, mailroom.handbacks) == ([], [])
    mailroom.send("July_CPD.csv", MEMBERS)
    await mailroom.drain()
    assert "the same content came before" in mailroom.refusal("July_CPD")


async def test_files_of_another_program_are_not_touched(mailroom: Mailroom) -> None:
    other = Desk(
        await new_program(mailroom.desk.ctx.services, RULES, "Other"), mailroom.desk.data_dir, mailroom.desk.uploads
    )
    theirs = Mailroom(other, mailroom.watch)
    theirs.send("July_CPD.csv", MEMBERS)
    mailroom.send("July_CPD.csv", MEMBERS)
    await mailroom.drain()
    assert theirs.left == ["upload/CPD/July_CPD.csv"]
    assert await list_batches(other.ctx) == []
    await theirs.drain()
    assert [batch.accepted for batch in await list_batches(other.ctx)] == [20]


async def test_a_file_whose_batch_is_lost_becomes_one_again(mailroom: Mailroom) -> None:
    ctx = mailroom.desk.ctx
    mailroom.send("July_CPD.csv", MEMBERS)
    await mailroom.inbox().pick_up()
    # As when an older copy of the database was restored.
    await ctx.write(lambda tx: tx.execute(delete(batch).where(batch.c.program_id == ctx.principal.program)))
    assert await mailroom.inbox().has_work()
    await mailroom.drain()
    assert [one.accepted for one in await list_batches(ctx)] == [20]
    assert (mailroom.left, mailroom.processed) == ([], ["July_CPD.csv"])


@pytest.mark.parametrize("length", [240, 248, 249, 252, 254, 255])
async def test_a_name_of_any_length_is_refused_and_keeps_nothing_up(mailroom: Mailroom, length: int) -> None:
    for times in range(1, 4):
        mailroom.send("é" * 20 + "L" * (length - 44) + ".csv", f"{times}", "TXN")
        mailroom.send("Good_CPD.csv", MEMBERS)
        await mailroom.drain()
        assert mailroom.left == []
        assert len([name for name in mailroom.processed if name.startswith("é")]) == times
    assert "a file name is" in mailroom.refusal(f"{'_' * 20}{'L' * 30}")
    # The same refusal again is one in the list.
    assert [one.accepted for one in await list_batches(mailroom.desk.ctx)] == [0, 0, 20]
    await sweep_files(mailroom.desk.ctx.services, mailroom.desk.data_dir)
