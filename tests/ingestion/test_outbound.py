"""Files that partners fetch: what they have, how they follow one another, and what is refused."""

import asyncio
import csv
import gzip
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.access import Permission
from domain.errors import Forbidden, InvalidRequest, TesseraError
from ingestion.outbound.writing import write_export
from resolvers.batch_record import Batch
from resolvers.bonus import PostBonus, post_bonus
from resolvers.erasure import erase_member
from resolvers.export import (
    FINISHED,
    Export,
    RequestExport,
    begin_waiting_export,
    request_export,
    start_export,
)
from resolvers.export_page import read_export_page
from resolvers.hold import CreateHold, create_hold
from resolvers.member import UpdateMember, update_member
from resolvers.outbox import relay_outbox
from resolvers.overview import get_overview
from resolvers.program import apply_configuration
from resolvers.redemption import RedeemPoints, redeem_points
from tests.ingestion.desk import MEMBERS, RULES, Desk, transactions


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a file."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = content.decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter="|" if "|" in text[:40] else ","))


async def write(desk: Desk, kind: str, name: str = "out.csv", **options: Any) -> tuple[Export, list[dict[str, str]]]:
    """Write an export into a file of one's own; its rows."""
    begun = await start_export(desk.ctx, RequestExport(kind=kind, **options), name)
    path = desk.uploads / name
    return await write_export(desk.ctx, begun, path, unfinished=desk.uploads), rows_of(path)


async def test_postings_tell_purchases_rules_and_balances_in_the_order_of_the_feed(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await desk.load(
        "July_TXN.csv",
        "transaction_id,transaction_type,amount,transaction_date,member_relation_reference,product_code,quantity\n"
        "T1,DR,20.5,2026-07-01,M1,MUSIC,5\nT1,CR,10.25,2026-07-02,M1,,\n",
    )
    order = RedeemPoints(relation_reference="M1", points=Decimal(3), merchant_name="=Shop", amount=Decimal("1.5"))
    await redeem_points(desk.ctx, order)
    export, rows = await write(desk, "postings")
    assert (export.rows, export.left_out, export.status) == (len(rows), 0, FINISHED)
    assert [(row["kind"], row["bucket"], row["points"], row["balance"]) for row in rows] == [
        ("earn", "spend", "20.5", "20.5"), ("earn", "bonus", "10", "30.5"),
        ("refund", "spend", "-10.25", "20.25"), ("refund", "bonus", "-5", "15.25"),
        ("redemption", "redeem", "-3", "12.25"),
    ]  # fmt: skip
    first, redeemed = rows[0], rows[-1]
    assert (first["transaction_id"], first["transaction_type"], first["amount"]) == ("T1", "DR", "20.5")
    assert (first["product_code"], first["quantity"], first["rules"]) == ("MUSIC", "5", "A point per dollar")
    assert first["transaction_date"] == "2026-07-01T00:00:00-04:00"
    assert (redeemed["transaction_id"], redeemed["amount"], redeemed["merchant"]) == ("", "1.5", "'=Shop")
    numbers = [int(row["feed_seq"]) for row in rows]
    assert numbers == sorted(numbers)
    # A file of postings is no file of transactions.
    with pytest.raises(TesseraError):
        await desk.load("out.csv", (desk.uploads / "out.csv").read_bytes())


async def test_the_increments_together_are_the_whole_under_load(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    done = asyncio.Event()
    increments: list[list[dict[str, str]]] = []
    ranges: list[tuple[int | None, int | None]] = []

    async def post(writer: int) -> None:
        for number in range(25):
            await post_bonus(
                desk.ctx,
                PostBonus(relation_reference=f"M{1 + (writer * 7 + number) % 20}", points=Decimal(1 + number)),
            )

    async def relay() -> None:
        while not done.is_set():
            await relay_outbox(desk.ctx.services, limit=7)
            await asyncio.sleep(0.005)

    async def follow() -> None:
        while True:
            last = done.is_set()
            export, rows = await write(desk, "postings", f"part{len(increments)}.csv", since_last=True)
            increments.append(rows)
            ranges.append((export.from_seq, export.to_seq))
            if last:
                return

    async def load() -> None:
        await asyncio.gather(*(post(writer) for writer in range(6)))
        done.set()

    await asyncio.gather(load(), relay(), follow())
    whole, rows = await write(desk, "postings", "whole.csv")
    assert len(rows) == 150
    assert [row for part in increments for row in part] == rows
    assert sum(1 for part in increments if part) > 2
    assert [begin for begin, _ in ranges] == [0, *(end for _, end in ranges[:-1])]
    assert ranges[-1][1] == whole.to_seq


async def test_pages_break_nowhere_that_can_be_seen(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await desk.load("July_TXN.csv", transactions(*(f"T{n},DR,1{n},2026-07-01,M{n},MUSIC" for n in range(1, 21))))
    for kind in ("members", "balances", "lots", "expiry-schedule", "postings"):
        export, rows = await write(desk, kind, f"{kind}.csv")
        found, place, is_last = 0, None, False
        while not is_last:
            page = await read_export_page(desk.ctx, export, place, limit=3)
            assert len(page.rows) <= 3
            found += len(page.rows)
            place, is_last = page.place, page.place is None
        assert found == len(rows) == 20


async def test_since_the_last_one_tells_of_members_that_something_happened_to(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    _, rows = await write(desk, "members", since_last=True)
    assert len(rows) == 20
    for name in ("M3", "M2", "M3"):
        await update_member(desk.ctx, UpdateMember(relation_reference=name, values={"genre": "jazz"}))
    await post_bonus(desk.ctx, PostBonus(relation_reference="M9", points=Decimal(5)))
    export, rows = await write(desk, "members", since_last=True)
    assert [(row["relation_reference"], row["genre"]) for row in rows] == [("M2", "jazz"), ("M3", "jazz")]
    assert (await write(desk, "members", since_last=True))[1] == []
    _, rows = await write(desk, "balances", since_last=True)
    assert len(rows) == 20
    await redeem_points(desk.ctx, RedeemPoints(relation_reference="M9", points=Decimal(2), merchant_name="Shop"))
    _, rows = await write(desk, "balances", since_last=True)
    assert [(row["member_relation_reference"], row["available"], row["redeemed"]) for row in rows] == [("M9", "3", "2")]
    # A whole one in between is none of the chain.
    assert (await write(desk, "members"))[0].from_seq == 0
    assert (await write(desk, "members", since_last=True))[0].from_seq == export.to_seq


async def test_what_is_about_a_person_takes_the_program_or_a_permission(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await post_bonus(desk.ctx, PostBonus(relation_reference="M1", points=Decimal(5), narration="For Ana"))
    export, [first, *_] = await write(desk, "members")
    assert not export.personal_data
    assert set(first) == {"relation_reference", "gender", "status", "preferred_language", "genre"}
    assert (await write(desk, "postings"))[1][0]["narration"] == ""
    assert (await write(desk, "postings", with_personal_data=True))[1][0]["narration"] == "For Ana"
    permissions = desk.ctx.principal.permissions - {Permission.PERSONAL_INFORMATION}
    limited = replace(desk, ctx=replace(desk.ctx, principal=replace(desk.ctx.principal, permissions=permissions)))
    before = await desk.counts()
    for call in (start_export(limited.ctx, RequestExport(kind="members", with_personal_data=True), "x.csv"),
                 request_export(limited.ctx, RequestExport(kind="members", with_personal_data=True))):  # fmt: skip
        with pytest.raises(Forbidden):
            await call
    assert await desk.counts() == before
    await apply_configuration(desk.ctx, RULES + b"files: {personal_data_in_exports: true}\n")
    _, [first, *_] = await write(limited, "members")
    assert first["full_name"] == "Member 1"
    assert "full_name" not in (await write(limited, "members", with_personal_data=False))[1][0]


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (RequestExport(kind="everything"), InvalidRequest),
        (RequestExport(kind="attributes", since_last=True), InvalidRequest),
        (RequestExport(kind="liability", since_last=True), InvalidRequest),
    ],
)
async def test_what_cannot_be_exported_is_refused_and_leaves_nothing(
    desk: Desk, command: RequestExport, refusal: type[TesseraError]
) -> None:
    before = await desk.counts()
    for call in (request_export(desk.ctx, command), start_export(desk.ctx, command, "x.csv")):
        with pytest.raises(refusal):
            await call
    reader = replace(desk.ctx, principal=replace(desk.ctx.principal, permissions=frozenset({Permission.EXPORT_READ})))
    for forbidden in (request_export(reader, RequestExport(kind="members")), begin_waiting_export(reader)):
        with pytest.raises(Forbidden):
            await forbidden
    assert await desk.counts() == before


async def test_erased_members_and_payment_cards_are_left_out_and_counted(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    links = "member_relation_reference,card_number,sub_relation_identifier\nM1,4111111111111111,\nM1,,dev-1\nM2,L-1,\n"
    await desk.load("July_CRD.csv", links)
    await erase_member(desk.ctx, "M20")
    export, rows = await write(desk, "members")
    assert (len(rows), export.left_out) == (19, 1)
    export, rows = await write(desk, "sub-relations")
    assert [(row["card_number"], row["sub_relation_identifier"]) for row in rows] == [("", "dev-1"), ("L-1", "")]
    assert export.left_out == 2


async def test_the_liability_tells_what_all_points_are_worth_by_the_month_of_their_end(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    for name, points, last_day in (
        ("M1", 500, date(2026, 12, 31)), ("M2", 100, date(2026, 12, 1)), ("M2", 30, date(2099, 1, 1)),
    ):  # fmt: skip
        await post_bonus(desk.ctx, PostBonus(relation_reference=name, points=Decimal(points), expires=last_day))
    await create_hold(desk.ctx, CreateHold(relation_reference="M2", points=Decimal(25), merchant_name="Shop"))
    await desk.load("July_TXN.csv", transactions("T1,DR,40,2026-07-01,M3,MUSIC"))
    await redeem_points(desk.ctx, RedeemPoints(relation_reference="M3", points=Decimal(40), merchant_name="Shop"))
    await desk.load("August_TXN.csv", transactions("T1,CR,40,2026-07-02,M3,MUSIC"))
    export, rows = await write(desk, "liability")
    assert [tuple(row.values()) for row in rows] == [
        ("2026-12", "575", "0", "25", "5.75", "DEFAULT"),
        ("LATER", "30", "0", "0", "0.3", "DEFAULT"),
        ("ARREARS", "-40", "0", "0", "-0.4", "DEFAULT"),
    ]
    assert sum(Decimal(row["liability"]) for row in rows) == (await get_overview(desk.ctx)).liability
    assert (export.rows, export.left_out) == (3, 0)


async def test_files_tell_what_came_and_those_since_the_last_one_what_got_on(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    _, [first] = await write(desk, "files", since_last=True)
    told = {key: first[key] for key in ("type", "file_name", "status", "rows_read", "accepted", "rejected", "points")}
    assert told == {
        "type": "CPD", "file_name": "July_CPD.csv", "status": "FINISHED", "rows_read": "20", "accepted": "20",
        "rejected": "0", "points": "0",
    }  # fmt: skip
    assert first["finished_at"] == "2026-07-15T08:00:00-04:00"
    assert (await write(desk, "files", since_last=True))[1] == []
    await desk.load("July_TXN.csv", transactions("T1,DR,12.5,2026-07-01,M1,MUSIC", "T2,DR,1,2026-07-01,nobody,MUSIC"))
    _, [second] = await write(desk, "files", since_last=True)
    assert (second["accepted"], second["rejected"], second["amount"], second["points"]) == ("1", "1", "12.5", "12.5")
    export, _ = await write(desk, "files")
    page = await read_export_page(desk.ctx, export, None, limit=1)
    rest = await read_export_page(desk.ctx, export, page.place, limit=1)
    names = [one.file_name for one in (*page.rows, *rest.rows) if isinstance(one, Batch)]
    assert names == ["July_CPD.csv", "July_TXN.csv"]


async def test_the_expiry_schedule_tells_last_days(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await post_bonus(desk.ctx, PostBonus(relation_reference="M1", points=Decimal(5), expires=date(2026, 12, 31)))
    _, [row] = await write(desk, "expiry-schedule")
    assert (row["expiry_date"], row["expires_at"], row["points"], row["held"]) == (
        "2026-12-31", "2027-01-01T00:00:00-05:00", "5", "0",
    )  # fmt: skip
