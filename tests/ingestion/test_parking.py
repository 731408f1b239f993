"""Lines whose member or card is not known yet: they wait, and go in when it is, each once and in order."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, select

from domain.access import Permission
from domain.crypto import KeyRing
from domain.errors import Forbidden
from domain.models import outbox, parked_row
from ingestion import parking as parking_module
from ingestion.handback import rewrite_handbacks
from ingestion.parking import work_parked
from resolvers.batch import get_batch
from resolvers.batch_line import post_lines
from resolvers.member import EnrollMember, enroll_member
from resolvers.parked_work import settle_parked
from resolvers.program import apply_configuration
from resolvers.progress import BATCH_TOPIC
from resolvers.verification import verify_ledger
from tests.ingestion.desk import NOW, Desk, open_desk, points_of, transactions
from tests.servers import SECRET

PARKING = b"version: 1\nfiles: {park_unknown_members: true, park_days: 3}\n"
MEMBERS = "relation_reference,status\nM1,1\nM2,1\n"
CARDS = "member_relation_reference,card_number,sub_relation_type\nM1,4111111111111111,CREDIT\n"
BONUSES = "member_relation_reference,bonus_points,narration\nM1,5,Welcome\nM2,7,\n"
PURCHASES = "transaction_id,transaction_type,amount,transaction_date,card_number,product_code\n"


class Clock:
    """A time that a test moves on."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(database_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Desk]:
    """A desk of a program that parks, and whose time moves on."""
    async with open_desk(database_url, tmp_path, clock) as opened:
        await apply_configuration(opened.ctx, PARKING)
        yield opened


async def enroll(desk: Desk, reference: str) -> None:
    """Enrol a member as a call of the API does."""
    await enroll_member(desk.ctx, EnrollMember(values={"relation_reference": reference, "status": "1"}))


async def waiting(desk: Desk) -> list[Any]:
    """Every line that is parked, or kept."""

    def body(tx: Connection) -> list[Any]:
        return list(tx.execute(select(parked_row).order_by(parked_row.c.batch_id, parked_row.c.line)))

    return await desk.ctx.read(body)


def outcomes(desk: Desk, stem: str) -> list[tuple[str, str, str]]:
    return [(row["line"], row["status"], row["code"]) for row in desk.results(stem)]


async def test_lines_wait_for_their_member_and_go_in_when_a_file_brings_it(desk: Desk) -> None:
    loaded = await desk.load(
        "July_TXN.csv",
        transactions("T1,DR,10,2026-07-01,M1,MUSIC", "T2,DR,x,2026-07-01,M1,MUSIC", "T3,DR,20,2026-07-01,M9,MUSIC"),
    )
    assert (loaded.batch.parked, loaded.batch.accepted, loaded.batch.rejected, loaded.batch.rows_read) == (2, 0, 1, 3)
    assert desk.summary("July_TXN")["parked"] == 2
    assert outcomes(desk, "July_TXN") == [("2", "PARKED", "103"), ("3", "REJECTED", "999"), ("4", "PARKED", "103")]
    assert desk.rejects("July_TXN").count(b"\n") == 2
    assert await points_of(desk) == {}

    await desk.load("July_CPD.csv", MEMBERS)
    assert outcomes(desk, "July_TXN") == [("2", "ACCEPTED", "000"), ("3", "REJECTED", "999"), ("4", "PARKED", "103")]
    summary = desk.summary("July_TXN")
    assert (summary["accepted"], summary["rejected"], summary["parked"]) == (1, 1, 1)
    assert (summary["amount"], summary["points_awarded"]) == (Decimal(10), Decimal(10))
    assert await points_of(desk) == {"M1": (10, 0)}
    assert len(await waiting(desk)) == 1
    # That it is finished was told, and is not told again.
    query = select(outbox.c.payload).where(outbox.c.topic == BATCH_TOPIC)
    events = await desk.ctx.read(lambda tx: tx.scalars(query).all())
    told = [one for one in map(orjson.loads, events) if one["batch_id"] == loaded.batch.id]
    assert [one["finished"] for one in told] == [True]
    assert await verify_ledger(desk.ctx.services) == []


async def test_lines_of_all_types_wait_for_one_member_and_go_in_by_type(desk: Desk) -> None:
    await desk.load("July_BNS.csv", BONUSES)
    await desk.load("July_TXN.csv", PURCHASES + "T1,DR,10,2026-07-01,4111 1111 1111 1111,MUSIC\n")
    await desk.load("July_CRD.csv", CARDS)
    assert [outcomes(desk, f"July_{one}")[0][1] for one in ("BNS", "TXN", "CRD")] == ["PARKED"] * 3
    await desk.load("July_CPD.csv", MEMBERS)
    assert [outcomes(desk, f"July_{one}")[0][1] for one in ("BNS", "TXN", "CRD")] == ["ACCEPTED"] * 3
    assert await points_of(desk) == {"M1": (10, 5), "M2": (0, 7)}
    assert await waiting(desk) == []


async def test_a_transaction_waits_for_its_card_and_goes_in_with_the_file_of_cards(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    rows = "T1,DR,10,2026-07-01,4111111111111111,MUSIC\nT2,DR,1,2026-07-01,4222222222222,MUSIC\n"
    await desk.load("July_TXN.csv", PURCHASES + rows)
    assert await points_of(desk) == {}
    await desk.load("July_CRD.csv", CARDS)
    assert [status for _, status, _ in outcomes(desk, "July_TXN")] == ["ACCEPTED", "PARKED"]
    assert await points_of(desk) == {"M1": (10, 0)}


async def test_the_job_posts_what_waited_for_a_member_that_came_over_the_api(desk: Desk) -> None:
    await desk.load("July_BNS.csv", BONUSES)
    assert await work_parked(desk.ctx.services, desk.data_dir) == 0
    await enroll(desk, "M2")
    assert await work_parked(desk.ctx.services, desk.data_dir) == 2  # a line, and a handback
    assert outcomes(desk, "July_BNS") == [("2", "PARKED", "103"), ("3", "ACCEPTED", "000")]
    assert await points_of(desk) == {"M2": (0, 7)}
    assert await work_parked(desk.ctx.services, desk.data_dir) == 0


async def test_a_later_line_of_the_member_does_not_overtake_one_that_waits(desk: Desk) -> None:
    await desk.load("July_TXN.csv", transactions("T1,DR,10,2026-07-01,M1,MUSIC"))
    await enroll(desk, "M1")
    await enroll(desk, "M2")
    # Nobody has seen to the first line yet.
    second = transactions("T1,DR,99,2026-07-01,M1,MUSIC", "T2,DR,1,2026-07-01,M2,MUSIC")
    path = desk.put("Later_TXN.csv", second)
    ctx = desk.ctx
    loaded = await desk.load(path.name, second)
    assert loaded.batch.rejected == 1
    assert outcomes(desk, "July_TXN") == [("2", "ACCEPTED", "000")]
    assert outcomes(desk, "Later_TXN") == [("2", "REJECTED", "1201"), ("3", "ACCEPTED", "000")]
    # It was rejected after its file was finished, so it is returned in a file of its own.
    assert desk.rejects("Later_TXN").count(b"\n") == 1
    late = (desk.handback / "Later_TXN.parked.rejects.csv").read_text()
    assert late == transactions("T1,DR,99,2026-07-01,M1,MUSIC")
    assert await points_of(desk) == {"M1": (10, 0), "M2": (1, 0)}
    assert (await get_batch(ctx, loaded.batch.id)).rejected == 1


async def test_a_line_whose_time_is_over_is_rejected_and_returned(desk: Desk, clock: Clock) -> None:
    content = BONUSES.replace("\n", "\r\n")
    await desk.load("July_BNS.csv", content)
    clock.now += timedelta(days=3, seconds=-1)
    assert await work_parked(desk.ctx.services, desk.data_dir) == 0
    clock.now += timedelta(seconds=1)
    assert await work_parked(desk.ctx.services, desk.data_dir) == 3
    assert outcomes(desk, "July_BNS") == [("2", "REJECTED", "103"), ("3", "REJECTED", "103")]
    summary = desk.summary("July_BNS")
    assert (summary["parked"], summary["rejected"], summary["rejected_by_code"]) == (0, 2, {"103": 2})
    assert (desk.handback / "July_BNS.parked.rejects.csv").read_bytes() == content.encode()
    await desk.load("July_CPD.csv", MEMBERS)
    assert await points_of(desk) == {}
    # What came back goes in under another name.
    await desk.load("Again_BNS.csv", content.replace("5,", "6,"))
    assert await points_of(desk) == {"M1": (0, 6), "M2": (0, 7)}
    clock.now += timedelta(days=30)
    await work_parked(desk.ctx.services, desk.data_dir)
    assert await waiting(desk) == []


async def test_what_waits_is_under_key(desk: Desk) -> None:
    card = "4111111111111111"
    await desk.load("July_TXN.csv", PURCHASES + f"T1,DR,10,2026-07-01,{card},MUSIC\n")
    [row] = await waiting(desk)
    assert card.encode() not in row.payload + row.raw + row.card_hash
    assert card in KeyRing(SECRET).open_queued(row.payload)


async def test_without_the_setting_an_unknown_member_is_rejected(desk: Desk) -> None:
    await apply_configuration(desk.ctx, b"version: 1\nfiles: {park_unknown_members: false}\n")
    await desk.load("July_BNS.csv", BONUSES)
    assert outcomes(desk, "July_BNS") == [("2", "REJECTED", "103"), ("3", "REJECTED", "103")]
    assert await waiting(desk) == []


Step = Callable[..., Awaitable[Any]]


@pytest.mark.parametrize("where", ["settle_parked", "rewrite_handbacks"])
async def test_whoever_breaks_off_between_the_steps_leaves_nothing_half_done(
    desk: Desk, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.load("July_TXN.csv", transactions("T1,DR,10,2026-07-01,M1,MUSIC"))
    await enroll(desk, "M1")

    async def broken(*_given: Any) -> int:
        raise ConnectionError("the machine went away")

    with monkeypatch.context() as patched:
        patched.setattr(parking_module, where, broken)
        with pytest.raises(ConnectionError):
            await work_parked(desk.ctx.services, desk.data_dir)
    await work_parked(desk.ctx.services, desk.data_dir)
    await work_parked(desk.ctx.services, desk.data_dir)
    assert outcomes(desk, "July_TXN") == [("2", "ACCEPTED", "000")]
    assert await points_of(desk) == {"M1": (10, 0)}


async def test_a_line_that_cannot_be_posted_keeps_no_other_from_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.load("July_BNS.csv", BONUSES)
    await enroll(desk, "M1")
    await enroll(desk, "M2")

    def poisoned(tx: Any, ctx: Any, state: Any, file_type: str, lines: Any) -> Any:
        if any(one.command.relation_reference == "M1" for one in lines):
            raise RuntimeError("poison")
        return post_lines(tx, ctx, state, file_type, lines)

    monkeypatch.setattr("resolvers.parked_work.post_lines", poisoned)
    assert await settle_parked(desk.ctx) == 2
    await rewrite_handbacks(desk.ctx, desk.handback)
    assert outcomes(desk, "July_BNS") == [("2", "REJECTED", "997"), ("3", "ACCEPTED", "000")]
    assert await points_of(desk) == {"M2": (0, 7)}


async def test_a_caller_that_may_not_post_parks_nothing(desk: Desk) -> None:
    principal = replace(desk.ctx.principal, permissions=frozenset({Permission.BATCH_READ, Permission.BATCH_WRITE}))
    stranger = Desk(replace(desk.ctx, principal=principal), desk.data_dir, desk.uploads)
    with pytest.raises(Forbidden):
        await stranger.load("July_BNS.csv", BONUSES)
    assert await waiting(desk) == []
