"""Files with too many rejected rows: held before anything is posted where that can be known, released or discarded."""

from dataclasses import replace
from typing import Any

import pytest

from domain.access import PROGRAM_PERMISSIONS
from domain.errors import Forbidden, RedemptionNotFound, RequestNotPending
from ingestion import load as load_module
from resolvers.batch import Batch, list_batch_rows, list_batches
from resolvers.batch_decision import discard_batch, release_batch
from resolvers.parked_work import settle_parked
from resolvers.program import apply_configuration
from resolvers.verification import verify_ledger
from tests.ingestion.desk import MEMBERS, RULES, new_program, points_of, transactions
from tests.ingestion.mailroom import Mailroom

GOOD = [f"T{n},DR,{n},2026-07-01,M{n % 20 + 1},MUSIC" for n in range(1, 31)]
UNREADABLE = [f"U{n},DR,much,2026-07-01,M1,MUSIC" for n in range(10)]
UNKNOWN = [f"X{n},DR,1,2026-07-01,NOBODY,MUSIC" for n in range(10)]


async def limited(mailroom: Mailroom, percent: object = 20) -> None:
    """A program with members that holds files over this share of rejected rows."""
    rules = RULES + f"files: {{reject_limit_percent: {percent}}}\n".encode()
    await apply_configuration(mailroom.desk.ctx, rules)
    mailroom.send("July_CPD.csv", MEMBERS)
    await mailroom.drain()


async def batch_of(mailroom: Mailroom) -> Batch:
    """The newest batch."""
    return (await list_batches(mailroom.desk.ctx))[0]


async def test_a_file_that_is_largely_unreadable_is_held_before_it_began(mailroom: Mailroom) -> None:
    await limited(mailroom)
    digest = await mailroom.desk.digest()
    mailroom.send("July_TXN.csv", transactions(*GOOD, *UNREADABLE, *UNREADABLE))
    mailroom.send("Next_TXN.csv", transactions("N1,DR,4,2026-07-01,M1,MUSIC"))
    await mailroom.drain()
    [after, held, _] = await list_batches(mailroom.desk.ctx)
    assert (held.status, held.rows_read, held.rows_total, held.pending) == ("HELD", 0, 50, 30)
    # Who decides, and the partner, see which rows are bad; none other was tried.
    summary = mailroom.desk.summary("July_TXN")
    assert [summary[name] for name in ("status", "rows", "accepted", "rejected", "pending")] == ["HELD", 20, 0, 20, 30]
    assert summary["rejected_by_code"] == {"999": 20}
    told = [(row["line"], row["status"], row["code"]) for row in mailroom.desk.results("July_TXN")]
    assert told == [(str(line), "REJECTED", "999") for line in range(32, 52)]
    assert mailroom.desk.rejects("July_TXN").decode() == transactions(*UNREADABLE, *UNREADABLE)
    assert [row.line for row in await list_batch_rows(mailroom.desk.ctx, held.id)] == list(range(32, 52))
    # The files behind it go on.
    assert (after.file_name, after.status) == ("Next_TXN.csv", "FINISHED")
    assert await points_of(mailroom.desk) == {"M1": (4, 0)}
    assert await mailroom.desk.digest() != digest
    assert mailroom.left == [f"work/batch/{held.id}/July_TXN.csv"]


async def test_a_released_file_is_posted_whatever_is_rejected(mailroom: Mailroom) -> None:
    await limited(mailroom)
    mailroom.send("July_TXN.csv", transactions(*GOOD, *UNREADABLE, *UNREADABLE))
    await mailroom.drain()
    held = await batch_of(mailroom)
    released = await release_batch(mailroom.desk.ctx, held.id)
    assert (released.status, released.released_at is not None) == ("WAITING", True)
    with pytest.raises(RequestNotPending):
        await release_batch(mailroom.desk.ctx, held.id)
    await mailroom.drain()
    done = await batch_of(mailroom)
    assert (done.status, done.accepted, done.rejected, done.pending) == ("FINISHED", 30, 20, 0)
    summary = mailroom.desk.summary("July_TXN")
    assert (summary["status"], summary["accepted"], summary["rejected"]) == ("FINISHED", 30, 20)
    assert sum(spend for spend, _ in (await points_of(mailroom.desk)).values()) == sum(range(1, 31))
    assert (mailroom.left, mailroom.processed) == ([], ["July_CPD.csv", "July_TXN.csv"])


async def test_a_discarded_file_posts_nothing(mailroom: Mailroom) -> None:
    await limited(mailroom)
    digest = await mailroom.desk.digest()
    mailroom.send("July_TXN.csv", transactions(*GOOD, *UNREADABLE, *UNREADABLE))
    await mailroom.drain()
    held = await batch_of(mailroom)
    discarded = await discard_batch(mailroom.desk.ctx, held.id)
    assert (discarded.status, discarded.finished_at is not None) == ("DISCARDED", True)
    for decide in (release_batch, discard_batch):
        with pytest.raises(RequestNotPending):
            await decide(mailroom.desk.ctx, held.id)
    await mailroom.drain()
    assert mailroom.desk.summary("July_TXN")["status"] == "DISCARDED"
    assert (mailroom.left, mailroom.processed) == ([], ["July_CPD.csv", "July_TXN.csv"])
    assert await mailroom.desk.digest() == digest
    assert mailroom.desk.summary("July_TXN")["rejected"] == 20
    # Nothing of it stands: as it was, or mended, it comes again under its name.
    mailroom.send("July_TXN.csv", transactions(*GOOD, *UNREADABLE, *UNREADABLE))
    await mailroom.drain()
    again = await batch_of(mailroom)
    assert (again.status, again.id > held.id, mailroom.desk.summary("July_TXN")["batch_id"]) == ("HELD", True, again.id)
    await discard_batch(mailroom.desk.ctx, again.id)
    await mailroom.drain()
    mailroom.send("July_TXN.csv", transactions(*GOOD))
    await mailroom.drain()
    assert (await batch_of(mailroom)).accepted == 30
    mailroom.send("July_TXN.csv", transactions(*GOOD, *UNREADABLE))
    await mailroom.drain()
    assert "the same name came before" in mailroom.refusal("July_TXN")
    assert await verify_ledger(mailroom.desk.ctx.services) == []


async def test_rows_that_wait_for_their_member_are_not_posted_once_their_file_is_discarded(
    mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that a small file has several chunks.
    monkeypatch.setattr(load_module, "CHUNK_ROWS", 5)
    await limited(mailroom)
    ctx = mailroom.desk.ctx
    await apply_configuration(ctx, b"version: 1\nfiles: {reject_limit_percent: 20, park_unknown_members: true}\n")
    repeats = [GOOD[0]] * 10
    mailroom.send("July_TXN.csv", transactions(*UNKNOWN[:4], GOOD[0], *repeats, *GOOD[1:20]))
    await mailroom.drain()
    held = await batch_of(mailroom)
    assert (held.status, held.accepted, held.parked) == ("HELD", 1, 4)
    discarded = await discard_batch(ctx, held.id)
    assert (discarded.parked, discarded.rejected) == (0, held.rejected + 4)
    mailroom.send("Late_CPD.csv", "relation_reference,status\nNOBODY,1\n")
    await mailroom.drain()
    await settle_parked(ctx)
    assert "NOBODY" not in await points_of(mailroom.desk)
    waited = [row for row in mailroom.desk.results("July_TXN") if "discarded" in row["message"]]
    assert [(row["status"], row["code"]) for row in waited] == [("REJECTED", "103")] * 4
    assert all(row.encode() in mailroom.desk.rejects("July_TXN") for row in UNKNOWN[:4])
    # A row of it stands, so its name is gone.
    mailroom.send("July_TXN.csv", transactions(*GOOD[1:20]))
    await mailroom.drain()
    assert f"came before as batch {held.id}" in mailroom.refusal("July_TXN")
    assert await verify_ledger(ctx.services) == []


@pytest.mark.parametrize("decide", [release_batch, discard_batch])
async def test_what_only_the_ledger_knows_holds_a_file_as_soon_as_it_is_certain(
    mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch, decide: Any
) -> None:
    monkeypatch.setattr(load_module, "CHUNK_ROWS", 5)
    await limited(mailroom)
    mailroom.send("July_TXN.csv", transactions(*GOOD[:5], *UNKNOWN, *GOOD[5:]))
    await mailroom.drain()
    held = await batch_of(mailroom)
    # Of 40 rows 8 may be rejected: the third chunk brings the ninth and tenth.
    assert (held.status, held.rows_read, held.accepted, held.rejected, held.pending) == ("HELD", 15, 5, 10, 25)
    assert mailroom.desk.summary("July_TXN")["rejected_by_code"] == {"103": 10}
    assert len(mailroom.desk.results("July_TXN")) == 15
    await decide(mailroom.desk.ctx, held.id)
    await mailroom.drain()
    done = await batch_of(mailroom)
    is_released = decide is release_batch
    assert (done.status, done.rows_read) == (("FINISHED", 40) if is_released else ("DISCARDED", 15))
    assert len(mailroom.desk.results("July_TXN")) == done.rows_read
    assert sum(spend for spend, _ in (await points_of(mailroom.desk)).values()) == sum(
        range(1, 31 if is_released else 6)
    )
    assert await verify_ledger(mailroom.desk.ctx.services) == []
    assert mailroom.left == []


@pytest.mark.parametrize(("percent", "status"), [(20, "FINISHED"), (19.9, "HELD"), (0, "HELD")])
async def test_the_limit_itself_is_not_over_it(mailroom: Mailroom, percent: object, status: str) -> None:
    await limited(mailroom, percent)
    # Several lines of one value are one row.
    rows = [*GOOD[:7], 'T99,DR,1,2026-07-01,M1,"MU\nSIC"', *UNREADABLE[:2]]
    mailroom.send("July_TXN.csv", transactions(*rows) + "\n\n")
    await mailroom.drain()
    assert (await batch_of(mailroom)).status == status


async def test_without_a_limit_nothing_is_held(mailroom: Mailroom) -> None:
    mailroom.send("July_TXN.csv", transactions(*UNREADABLE))
    await mailroom.drain()
    batch = await batch_of(mailroom)
    assert (batch.status, batch.rejected) == ("FINISHED", 10)


async def test_only_an_administrator_of_the_program_decides(mailroom: Mailroom) -> None:
    await limited(mailroom)
    mailroom.send("July_TXN.csv", transactions(*UNREADABLE))
    await mailroom.drain()
    held = await batch_of(mailroom)
    ctx = mailroom.desk.ctx
    server = replace(ctx, principal=replace(ctx.principal, permissions=PROGRAM_PERMISSIONS))
    other = await new_program(ctx.services, RULES, "Other")
    before = await mailroom.desk.counts()
    for decide in (release_batch, discard_batch):
        with pytest.raises(Forbidden):
            await decide(server, held.id)
        with pytest.raises(RedemptionNotFound):
            await decide(other, held.id)
    assert await mailroom.desk.counts() == before
    assert await batch_of(mailroom) == held
