"""The work of writing what was asked for: into view when whole, once, by one process, and by schedule."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from domain.errors import PendingRequestExists, RequestNotPending
from ingestion.folder import program_folder
from ingestion.load import load_file
from ingestion.outbound import writing
from ingestion.outbound.writing import work_exports, write_export
from resolvers.bonus import PostBonus, post_bonus
from resolvers.export import (
    FAILED,
    FINISHED,
    LEASE,
    REQUESTED,
    RUNNING,
    RequestExport,
    begin_waiting_export,
    finish_export,
    get_export,
    list_exports,
    request_export,
    start_export,
)
from resolvers.export_schedule import schedule_exports
from resolvers.program import apply_configuration
from tests.ingestion.desk import MEMBERS, NOW, RULES, Desk
from tests.ingestion.test_outbound import rows_of


def download(desk: Desk) -> Path:
    """Where exports are put."""
    return program_folder(desk.data_dir, desk.ctx.principal).download


async def settled(desk: Desk) -> None:
    """Write all that was asked for."""
    while await work_exports(desk.ctx.services, desk.data_dir):
        pass


async def test_what_was_asked_for_appears_in_the_download_folder(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await apply_configuration(desk.ctx, RULES + b"files: {delimiter: pipe}\n")
    asked = await request_export(desk.ctx, RequestExport(kind="members", is_gzip=True))
    assert (asked.status, asked.is_pipe, asked.actor) == (REQUESTED, True, "test")
    await settled(desk)
    export = await get_export(desk.ctx, asked.id)
    name = f"members_20260715_{asked.id}_CPD.csv.gz"
    assert (export.status, export.file_name, export.rows) == (FINISHED, name, 20)
    path = download(desk) / name
    assert len(rows_of(path)) == 20
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert export.sha256 == digest
    assert (download(desk) / f"{name}.sha256").read_text() == f"{digest}  {name}\n"
    assert sorted(one.name for one in download(desk).iterdir()) == [name, f"{name}.sha256"]
    # The same content has the same hash.
    again = await request_export(desk.ctx, RequestExport(kind="members", is_gzip=True))
    await settled(desk)
    assert (await get_export(desk.ctx, again.id)).sha256 == digest
    # And another program, or this one, reads it.
    summary = await load_file(desk.ctx, path, data_dir=desk.data_dir)
    assert summary.batch.accepted == 20


async def test_an_export_that_was_left_half_written_is_taken_up_with_the_same_events(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await post_bonus(desk.ctx, PostBonus(relation_reference="M1", points=Decimal(5)))
    await request_export(desk.ctx, RequestExport(kind="postings", since_last=True))
    left = await begin_waiting_export(desk.ctx)
    assert left is not None
    assert left.status == RUNNING
    await post_bonus(desk.ctx, PostBonus(relation_reference="M1", points=Decimal(6)))
    await request_export(desk.ctx, RequestExport(kind="postings", since_last=True))
    # One of a chain at a time, and nobody takes it up yet.
    assert await begin_waiting_export(desk.ctx) is None
    work = program_folder(desk.data_dir, desk.ctx.principal).work
    half = work / f"postings_20260715_{left.id}.csv.abcdefgh"
    half.write_bytes(b"half")
    later = replace(desk.ctx.services, clock=lambda: NOW + LEASE)
    while await work_exports(later, desk.data_dir):
        pass
    assert not half.exists()
    second, first = await list_exports(desk.ctx)
    assert (first.status, first.attempt, first.rows, first.to_seq) == (FINISHED, 2, 1, left.to_seq)
    assert (second.status, second.from_seq, second.rows) == (FINISHED, left.to_seq, 1)
    # Who was thought gone, and comes back, ends nothing.
    with pytest.raises(RequestNotPending):
        await finish_export(desk.ctx, left, rows=9, left_out=0, sha256="x", file_name="x")
    with pytest.raises(RequestNotPending):
        await write_export(desk.ctx, left, download(desk) / "late.csv")
    assert not (download(desk) / "late.csv").exists()
    assert await get_export(desk.ctx, first.id) == first


async def test_an_export_that_cannot_be_written_fails_and_the_next_has_it_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await post_bonus(desk.ctx, PostBonus(relation_reference="M1", points=Decimal(5)))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    asked = await request_export(desk.ctx, RequestExport(kind="postings", since_last=True))
    with monkeypatch.context() as broken:
        broken.setattr(writing, "whole_file", full)
        await settled(desk)
    failed = await get_export(desk.ctx, asked.id)
    assert (failed.status, failed.message) == (FAILED, "it could not be written: No space left on device")
    assert not download(desk).exists()
    again = await request_export(desk.ctx, RequestExport(kind="postings", since_last=True))
    await settled(desk)
    done = await get_export(desk.ctx, again.id)
    assert (done.status, done.from_seq, done.rows) == (FINISHED, 0, 1)


async def test_two_files_of_ones_own_do_not_go_on_at_the_same_place(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    command = RequestExport(kind="members", since_last=True)
    first = await start_export(desk.ctx, command, "a.csv")
    before = await desk.counts()
    with pytest.raises(PendingRequestExists):
        await start_export(desk.ctx, command, "b.csv")
    assert await desk.counts() == before
    later = replace(desk.ctx, services=replace(desk.ctx.services, clock=lambda: NOW + LEASE))
    second = await start_export(later, command, "b.csv")
    assert (await get_export(desk.ctx, first.id)).status == FAILED
    assert second.from_seq == 0


async def test_the_schedule_asks_once_for_each_of_its_instants(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    schedule = (
        b'files: {exports: [{kind: members, at: "02:00"}, {kind: balances, every: hourly, at: "00:15", gzip: true},'
        b' {kind: liability, at: "02:00"}, {kind: files, at: "02:00"}]}\n'
    )
    await apply_configuration(desk.ctx, RULES + schedule)
    assert await schedule_exports(desk.ctx) == 4
    assert await schedule_exports(desk.ctx) == 0
    found = {one.kind: one for one in await list_exports(desk.ctx)}
    # 12:00 in UTC is 8:00 in New York.
    assert found["members"].due_at == NOW - timedelta(hours=6)
    assert found["balances"].due_at == NOW - timedelta(minutes=45)
    assert found["balances"].is_gzip
    assert {kind for kind, one in found.items() if one.since_last} == {"members", "balances", "files"}
    later = replace(desk.ctx, services=replace(desk.ctx.services, clock=lambda: NOW + timedelta(minutes=15)))
    assert await schedule_exports(later) == 1
    await settled(desk)
    assert {one.status for one in await list_exports(desk.ctx)} == {FINISHED}
    names = sorted(one.name for one in download(desk).iterdir() if not one.name.endswith(".sha256"))
    assert [name.split("_")[0] for name in names] == ["balances", "balances", "files", "liability", "members"]


async def test_several_workers_write_each_file_once_and_leave_no_gap(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    for number in range(4):
        await post_bonus(desk.ctx, PostBonus(relation_reference="M1", points=Decimal(1 + number)))
        await request_export(desk.ctx, RequestExport(kind="postings", since_last=True))
        await request_export(desk.ctx, RequestExport(kind="balances"))

    async def worker() -> None:
        while any(one.status != FINISHED for one in await list_exports(desk.ctx)):
            await work_exports(desk.ctx.services, desk.data_dir)

    await asyncio.gather(*(worker() for _ in range(3)))
    found = await list_exports(desk.ctx)
    assert {one.attempt for one in found} == {1}
    chain = [(one.from_seq, one.to_seq) for one in reversed(found) if one.since_last]
    assert [begin for begin, _ in chain] == [0, *(end for _, end in chain[:-1])]
    assert sum(one.rows for one in found if one.since_last) == 4
    assert len([one for one in download(desk).iterdir() if one.suffix == ".csv"]) == 8
