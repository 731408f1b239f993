"""Chunks that go in shares at the same time: what comes of a file is what comes of it line by line."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from domain.errors import BatchRefused
from ingestion import load
from ingestion.load import BatchSummary, load_batch_file
from resolvers import batch_lane, batch_post
from resolvers.batch import RUNNING, list_batches
from resolvers.batch_lane import Lanes, OpenLanes, Owners, Post, in_order, lanes_here, no_lanes, shares_of
from resolvers.batch_line import BatchLine, BatchRow
from resolvers.batch_post import Posted, Share, post_share
from resolvers.bonus import PostBonus
from resolvers.context import Context
from resolvers.member import ImportMember, list_members
from resolvers.merge import MergeMembers, merge_members
from resolvers.verification import verify_ledger
from tests.ingestion.desk import MEMBERS, RULES, Desk, new_program, open_desk, transactions

CAPPED = RULES.replace(b"  - name: Purchases\n", b"  - name: Purchases\n    caps: {day: 50}\n")


def purchases(count: int) -> str:
    """Purchases of 20 members and some refunds, on few days, so that the cap of a day shows their order."""
    chance, rows, buyers = random.Random(3), [], [0] * count
    for number in range(count):
        kind, of = ("CR", chance.randrange(number)) if number % 9 == 8 else ("DR", number)
        buyers[number] = buyers[of] or chance.randrange(20) + 1
        amount, day = chance.randrange(1, 40), chance.randrange(3) + 1
        rows.append(f"T{of},{kind},{amount},2026-07-0{day},M{buyers[number]},MUSIC")
    return transactions(*rows)


def bonus(line: int, member: str, key: str | None = None) -> BatchLine:
    """A line of a file of bonuses."""
    return BatchLine(line=line, command=PostBonus(relation_reference=member, points=Decimal(line), idempotency_key=key))


def watched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """In how many parts each chunk goes from now on."""
    parts: list[int] = []

    # The real thing, with a look at what it gives.
    async def counting(ctx: Context, lines: Sequence[BatchLine], lanes: int) -> tuple[dict[int, Share], Owners]:
        found, owners = await shares_of(ctx, lines, lanes)
        parts.append(len(found))
        return found, owners

    monkeypatch.setattr(batch_lane, "shares_of", counting)
    return parts


def enrolment(line: int, member: str, **values: str) -> BatchLine:
    """A line of a file of members."""
    return BatchLine(line=line, command=ImportMember(values={"relation_reference": member, **values}))


async def lanes_of(ctx: Context, lines: list[BatchLine], lanes: int = 2) -> list[int]:
    """Which of these lanes a chunk goes in; only the first: it goes whole."""
    return list((await shares_of(ctx, lines, lanes))[0])


async def test_halves_give_what_the_whole_gives(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "CHUNK_ROWS", 60)
    seen, halves = [], watched(monkeypatch)
    async with open_desk(database_url, tmp_path) as first:
        for name, least in (("Whole", 10**9), ("Halves", 2)):
            monkeypatch.setattr(batch_lane, "LEAST_LINES", least)
            desk = Desk(await new_program(first.ctx.services, CAPPED, name), tmp_path, first.uploads)
            await desk.load("Shop_CPD.csv", MEMBERS)
            summary = await desk.load("Shop_TXN.csv", purchases(500))
            results = [(one["line"], one["status"], one["code"], one["points"]) for one in desk.results("Shop_TXN")]
            seen.append((await desk.digest(), results, summary.batch.accepted, summary.batch.points))
        assert await verify_ledger(first.ctx.services) == []
        assert (2 in halves) is not first.ctx.services.db.has_one_writer
    assert seen[0] == seen[1]


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="session")
async def test_loaders_of_one_file_with_other_numbers_of_lanes_post_each_line_once(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "CHUNK_ROWS", 60)
    monkeypatch.setattr(batch_lane, "LEAST_LINES", 2)
    content, digests = purchases(500), []
    async with open_desk(database_url, tmp_path) as first:
        for name, counts in (("One", [0]), ("Several", [2, 3, 5])):
            desk = Desk(await new_program(first.ctx.services, CAPPED, name), tmp_path, first.uploads)
            await desk.load("Shop_CPD.csv", MEMBERS)
            loads = [desk.load("Shop_TXN.csv", content, lanes=opener(count)) for count in counts]
            ends = await asyncio.gather(*loads, return_exceptions=True)
            # Whoever comes when all is done is told so.
            assert all(isinstance(one, BatchSummary | BatchRefused) for one in ends), ends
            [done] = [one for one in await list_batches(desk.ctx) if one.type == "TXN" and one.status == "FINISHED"]
            assert (done.rows_read, len(desk.results("Shop_TXN"))) == (500, 500)
            digests.append(await desk.digest())
        assert await verify_ledger(first.ctx.services) == []
    assert digests[0] == digests[1]


def opener(count: int) -> OpenLanes:
    """So many lanes in this process."""
    return lambda _rows: Lanes([in_order(post_share) for _ in range(count)])


def people(count: int) -> str:
    """New members and some changes, with addresses that several want, and that are given up and taken by others."""
    chance, rows = random.Random(4), ["relation_reference,full_name,email_id,status"]
    for number in range(count):
        name = f"P{number if number < 60 or chance.random() < 0.97 else chance.randrange(number)}"
        address = f"shared-{chance.randrange(20)}" if number % 19 == 18 else f"own-{number}"
        rows.append(f"{name},Somebody {number},{address}@example.org,1")
    return "\n".join([*rows, ""])


async def test_members_in_halves_are_those_of_the_whole(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Three times so many, since they are members.
    monkeypatch.setattr(load, "CHUNK_ROWS", 10)
    seen, halves = [], watched(monkeypatch)
    async with open_desk(database_url, tmp_path) as first:
        for name, least in (("Whole", 10**9), ("Halves", 2)):
            monkeypatch.setattr(batch_lane, "LEAST_LINES", least)
            desk = Desk(await new_program(first.ctx.services, RULES, name), tmp_path, first.uploads)
            await desk.load("Shop_CPD.csv", people(600))
            results = [(one["line"], one["status"], one["code"]) for one in desk.results("Shop_CPD")]
            found = await list_members(desk.ctx, first=1000)
            seen.append((results, sorted((one.relation_reference, one.email_id) for one in found)))
        assert set(halves[20:]) == ({1} if first.ctx.services.db.has_one_writer else {1, 2})
    assert seen[0] == seen[1]
    assert {"000", "1205"} == {code for _, _, code in seen[0][0]}


async def test_a_member_is_in_one_half_and_what_depends_on_others_stays_whole(
    database_url: str, tmp_path: Path
) -> None:
    async with open_desk(database_url, tmp_path) as desk:
        await desk.load("Shop_CPD.csv", MEMBERS)
        lines = [bonus(line, f"M{line % 20 + 1}") for line in range(1, 121)]
        shares, _ = await shares_of(desk.ctx, lines, 3)
        if desk.ctx.services.db.has_one_writer:
            assert shares == {0: Share(lines=lines)}
            return
        members = [{line.command.relation_reference for line in one.lines} for one in shares.values()]  # type: ignore[union-attr]
        assert list(shares) == [0, 1, 2]
        assert sum(map(len, members)) == len(set().union(*members)) == 20
        assert sorted(line.line for one in shares.values() for line in one.lines) == list(range(1, 121))
        assert sorted(bucket for one in shares.values() for bucket in one.buckets or ()) == list(range(16))
        assert all(
            [line.line for line in one.lines] == sorted(line.line for line in one.lines) for one in shares.values()
        )
        assert await lanes_of(desk.ctx, lines[:99]) == [0]
        assert await lanes_of(desk.ctx, [*lines, bonus(121, "M1", "K"), bonus(122, "M2", "K")]) == [0]
        assert await lanes_of(desk.ctx, [*lines, bonus(121, "M1", "K"), bonus(122, "M1", "K")]) == [0, 1]
        await merge_members(desk.ctx, MergeMembers(victim="M1", survivor="M2"))
        assert await lanes_of(desk.ctx, lines) == [0]


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="session")
async def test_members_go_in_halves_where_all_are_new_and_nobody_has_what_another_may_give_up(
    database_url: str, tmp_path: Path
) -> None:
    async with open_desk(database_url, tmp_path) as desk:
        await desk.load("Shop_CPD.csv", MEMBERS)
        new = [enrolment(line, f"N{line}", email_id=f"{line}@example.org") for line in range(1, 121)]
        assert await lanes_of(desk.ctx, new) == [0, 1]
        assert await lanes_of(desk.ctx, [*new, enrolment(121, "N1")]) == [0]
        assert await lanes_of(desk.ctx, [*new, enrolment(121, "N121", email_id=" 1@EXAMPLE.org")]) == [0]
        assert await lanes_of(desk.ctx, [*new, enrolment(121, "M1")]) == [0]
        again = [enrolment(121, "N1"), *(enrolment(line, f"N{line}") for line in range(122, 242))]
        assert await Slow().begun(desk.ctx, new, again) == ["0 of 0", "1 of 0"]


@dataclass
class Slow:
    """Posts shares in name only: the second share of the first chunk ends when the gate opens."""

    told: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def lane(self, number: int) -> Post:
        """One lane."""

        async def post(_ctx: Context, _batch_id: int, share: Share) -> Posted:
            chunk = share.lines[0].line // 121
            self.told.append(f"{number} of {chunk}")
            if (number, chunk) == (1, 0):
                await self.gate.wait()
            return Posted(lines=len(share.lines), rejected=1)

        return in_order(post)

    async def begun(self, ctx: Context, first: list[BatchLine], second: list[BatchLine]) -> list[str]:
        """What of both chunks began before the gate was opened."""
        async with Lanes([self.lane(0), self.lane(1)]) as lanes:
            await lanes.post(ctx, 1, first)
            posting = asyncio.create_task(lanes.post(ctx, 1, second))
            await asyncio.sleep(0.2)
            begun = list(self.told)
            self.gate.set()
            await posting
            await lanes.end()
            every = len(first) + len(second)
            assert (lanes.standing, lanes.posted, lanes.rejected) == (every, every, 4)
        assert self.told == ["0 of 0", "1 of 0", "0 of 1", "1 of 1"]
        return begun


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="session")
async def test_a_share_waits_for_its_lane_and_for_all_where_two_chunks_name_the_same(
    database_url: str, tmp_path: Path
) -> None:
    async with open_desk(database_url, tmp_path) as desk:
        await desk.load("Shop_CPD.csv", MEMBERS)
        first = [bonus(line, f"M{line % 20 + 1}") for line in range(1, 121)]
        second = [bonus(line, f"M{line % 20 + 1}") for line in range(121, 241)]
        assert await Slow().begun(desk.ctx, first, second) == ["0 of 0", "1 of 0", "0 of 1"]
        keyed, other = [bonus(0, "M1", "K"), *first], [*second, bonus(241, "M2", "K")]
        assert await Slow().begun(desk.ctx, keyed, other) == ["0 of 0", "1 of 0"]


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="session")
@pytest.mark.parametrize("lanes", [lanes_here, no_lanes])
async def test_nothing_is_under_way_while_a_process_that_serves_rests(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lanes: OpenLanes
) -> None:
    monkeypatch.setattr(load, "CHUNK_ROWS", 60)
    monkeypatch.setattr(batch_lane, "LEAST_LINES", 2)
    slowly, stood, told = batch_post._post, list[int](), list[int]()

    def slow(tx: Connection, *given: Any) -> list[BatchRow]:
        # So that what is not waited for cannot have ended by itself.
        rows = slowly(tx, *given)
        tx.exec_driver_sql("SELECT pg_sleep(0.2)")
        return rows

    async def rest() -> None:
        [running] = [one for one in await list_batches(desk.ctx) if one.status == RUNNING]
        stood.append(running.rows_read)

    monkeypatch.setattr(batch_post, "_post", slow)
    async with open_desk(database_url, tmp_path) as desk:
        await desk.load("Shop_CPD.csv", MEMBERS)
        file = desk.put(
            "Shop_TXN.csv", transactions(*(f"T{n},DR,1,2026-07-01,M{n % 20 + 1},MUSIC" for n in range(240)))
        )
        summary = await load_batch_file(
            desk.ctx, file, desk.handback, rest=rest, lanes=lanes, progress=lambda one: told.append(one.rows)
        )
    assert summary.batch.accepted == 240
    # Two chunks are under way where a chunk has shares: the third begins when the first stands.
    assert (stood, told) == (
        ([60, 120, 180, 240], [60, 120, 180, 240]) if lanes is no_lanes else ([0, 0, 60, 120], [60, 120, 240])
    )


async def test_a_chunk_that_goes_whole_is_several_transactions_where_it_has_the_lines_of_several(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted: list[int] = []

    async def noting(_ctx: Context, _batch_id: int, share: Share) -> Posted:
        posted.append(len(share.lines))
        return Posted(lines=len(share.lines), rejected=0)

    monkeypatch.setattr(batch_lane, "post_share", noting)
    async with open_desk(database_url, tmp_path) as desk, Lanes([noting, noting, noting], width=3) as lanes:
        lines = [bonus(line, "") for line in range(1, 8)]
        await lanes.post(desk.ctx, 1, lines)
        assert (posted, lanes.standing, lanes.posted) == ([3, 3, 1], 7, 7)


async def test_a_chunk_has_as_many_bytes_as_it_may(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, post = list[int](), Lanes.post

    async def noting(lanes: Lanes, ctx: Context, batch_id: int, lines: Sequence[BatchLine]) -> None:
        sizes.append(len(lines))
        await post(lanes, ctx, batch_id, lines)

    monkeypatch.setattr(Lanes, "post", noting)
    monkeypatch.setattr(load, "CHUNK_BYTES", 100)
    await desk.load("Shop_CPD.csv", MEMBERS)
    assert sum(sizes) == 20
    # Of 14 to 16 bytes.
    assert set(sizes[:-1]) <= {7, 8}
    assert len(desk.results("Shop_CPD")) == 20
