"""From a program to files, and from the files to an empty program: members, cards, definitions, balances, open lots."""

from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from domain.models import lot
from domain.store.balance import accounts_of
from domain.sub_relation import SubRelation
from ingestion.load import load_file
from ingestion.outbound.writing import write_export
from resolvers.attribute_proposal import ApplyProposals, apply_attribute_proposals, list_attribute_proposals
from resolvers.context import Context
from resolvers.export import Export, RequestExport, start_export
from resolvers.member import list_members
from resolvers.redemption import RedeemPoints, redeem_points
from resolvers.statement import list_balances
from resolvers.sub_relation_record import list_sub_relations
from resolvers.transfer import TransferPoints, transfer_points
from resolvers.verification import verify_ledger
from tests.ingestion.desk import NOW, Desk, new_program, open_desk, transactions
from tests.ingestion.test_bonuses import bonuses

RULES = b"""
version: 1
program: {time_zone: America/New_York, points_decimals: 2}
expiry: {policy: months, months: 3, period_end: month}
product_codes: [{code: MUSIC}]
transaction_attributes: [{key: quantity, name: Quantity, type: int}]
member_attributes:
  - {key: genre, name: Genre, type: selection, values: [jazz, "rock; roll"]}
  - {key: club, name: "=Club", type: string, pi: true}
  - {key: fan, name: Fan, type: boolean}
  - {key: size, name: Size, type: decimal}
  - {key: since, name: Since, type: date}
tiers:
  assessment: automatic
  basis: points
  window: rolling_365
  levels: [{name: Silver, from: 0}, {name: Gold, from: 100, upgrade_bonus: 5}]
rule_groups:
  - name: Purchases
    rules:
      - name: A point per dollar
        award: {type: per_unit, of: transaction.amount, points: 1, per: 1}
  - name: Later
    category: bonus
    rules:
      - name: A tenth, later
        award: {type: per_unit, of: transaction.amount, points: 1, per: 10, release_after_days: 30}
"""

MEMBERS = (
    "relation_reference,full_name,email_id,mobile_number,address,gender,dob,preferred_language,status,"
    "genre,club,fan,size,since\n"
    'M1,"Ana ""A"" O\'Neil",ana@example.org,+49 171 123,"Main St 1, Berlin",F,1980-02-29,pt-BR,1,'
    "jazz,=1+1,true,12.50,2020-01-01\n"
    "M2,'=Bo|b,,,,,,,1,rock; roll,''=x,false,-5,2020-01-01T10:00:00Z\n"
    "-3,Negative,,,,,,,1,,,,,\n"
    "M4,Debtor,,,,,,,1,,,,,\n"
    "M5,Gone,,,,,,,1,,,,,\n"
    "M6,Waits,,,,,,,5,,,,,\n"
)
LINKS = (
    "member_relation_reference,card_number,sub_relation_identifier,sub_relation_type,last_six_digits,product_code,"
    "expiry_date,status\n"
    "M1,LOYAL-1,,CARD,123456,GOLD,2030-01-31,live\n"
    "M1,,dev-1,DEVICE,,,,\n"
    "M2,0042,ACC-9,ACCOUNT,,,,=sleeping\n"
)


@pytest.fixture
async def clock() -> list[datetime]:
    """The instant that it is."""
    return [NOW - timedelta(days=100)]


@pytest.fixture
async def full(database_url: str, tmp_path: Path, clock: list[datetime]) -> AsyncIterator[Desk]:
    """A program in which much has happened."""
    (tmp_path / "one").mkdir()
    async with open_desk(database_url, tmp_path / "one", lambda: clock[0]) as desk:
        desk = replace(desk, ctx=await new_program(desk.ctx.services, RULES))
        await _live(desk, clock)
        yield desk


async def _live(desk: Desk, clock: list[datetime]) -> None:
    await desk.load("Start_CPD.csv", MEMBERS)
    await desk.load("Start_CRD.csv", LINKS)
    old = ("1,DR,50,2026-04-01,M1,", "2,DR,30,2026-04-02,M2,")
    await desk.load("Old_TXN.csv", transactions(*old))
    clock[0] = NOW
    rows = [f"N{n},DR,{20 + n}.25,2026-07-{n:02}T10:00:00.123456,M{1 + n % 2}," for n in range(1, 10)]
    debtor = ("D1,DR,60,2026-07-01,M4,", "D2,DR,10,2026-07-02,M5,")
    loaded = await desk.load("New_TXN.csv", transactions(*rows, *debtor))
    assert loaded.batch.rejected == 0
    for reference, points in (("M1", "33.5"), ("M4", "60")):
        order = RedeemPoints(relation_reference=reference, points=Decimal(points), use_defaults=True)
        await redeem_points(desk.ctx, order)
    # What was spent is owed now.
    await desk.load("Refund_TXN.csv", transactions("D1,CR,60,2026-07-10,M4,"))
    given = ("M1,10.5,,,,Thank you,", "M2,20,PARTNER,2026-07-01T10:00:00Z,2026-12-31,,", "-3,30,13,2026-07-01,,=now,")
    await desk.load("July_BNS.csv", bonuses(*given))
    await transfer_points(
        desk.ctx, TransferPoints(from_reference="M2", to_reference="-3", points=Decimal("12.75"), narration="Gift")
    )
    await desk.load("Stop_CPD.csv", "relation_reference,action\nM5,SUSPEND\n")


async def export(desk: Desk, kind: str, folder: Path, **options: Any) -> tuple[Export, Path]:
    """Write an export into a folder, under a name that a desk takes."""
    ending = {"members": "_CPD", "sub-relations": "_CRD", "lots": "_BNS", "attributes": "_ATT"}.get(kind, "")
    suffix = ".csv.gz" if options.get("is_gzip") else ".csv"
    path = folder / f"{kind}{ending}{suffix}"
    begun = await start_export(desk.ctx, RequestExport(kind=kind, **options), path.name)
    return await write_export(desk.ctx, begun, path, unfinished=folder), path


def _link(one: SubRelation) -> tuple[object, ...]:
    return (
        *(one.type, one.card_number, one.identifier, one.last_six_digits),
        *(one.product_code, one.expiry_date, one.status),
    )


async def told(ctx: Context) -> dict[str, Any]:
    """What is to arrive: people, links, figures and lots, without what is each program's own."""
    members = {one.id: one for one in await list_members(ctx, first=100)}
    balances = await list_balances(ctx, list(members))
    rows = await ctx.read(
        lambda tx: tx.execute(
            select(lot)
            .where(lot.c.program_id == ctx.principal.program, lot.c.is_open)
            .order_by(lot.c.expires_at, lot.c.earned_at, lot.c.id)
        ).all()
    )
    owned = await ctx.read(lambda tx: accounts_of(tx, ctx.principal.program, list(members)))
    accounts = {account: member for member, account in owned.items()}
    links = {one.relation_reference: await list_sub_relations(ctx, one.relation_reference) for one in members.values()}
    own = ("id", "enrolled_at", "activated_at", "tier_since", "tier_qualified_at", "referral_code", "tier")
    return {
        "members": sorted(
            ({key: value for key, value in asdict(one).items() if key not in own} for one in members.values()),
            key=lambda one: one["relation_reference"],
        ),
        "links": {name: list(map(_link, found)) for name, found in links.items()},
        "balances": {
            members[one.member_id].relation_reference: (one.total, one.available, one.pending, one.arrears)
            for one in balances.values()
        },
        "lots": {
            owner: [
                (row.remaining, row.earned_at, row.expires_at, row.available_at)
                for row in rows
                if members[accounts[row.account_id]].relation_reference == owner
            ]
            for owner in links
        },
    }


@pytest.mark.parametrize("options", [{}, {"is_pipe": True, "is_gzip": True}], ids=["csv", "pipe-gzip"])
async def test_a_program_arrives_in_an_empty_one(
    full: Desk, fresh_database: Any, tmp_path: Path, clock: list[datetime], options: dict[str, Any]
) -> None:
    before = await told(full.ctx)
    assert {one[3] > 0 for one in before["balances"].values()} == {True, False}
    assert any(one[2] > 0 for one in before["balances"].values())
    kinds = ("attributes", "members", "sub-relations", "lots")
    written = {kind: await export(full, kind, tmp_path / "out", with_personal_data=True, **options) for kind in kinds}
    (tmp_path / "two").mkdir()
    with fresh_database() as url:
        async with open_desk(url, tmp_path / "two", lambda: clock[0]) as desk:
            rules = RULES.replace(b"member_attributes:", b"x:").split(b"x:")
            bare = rules[0] + b"tiers:" + rules[1].split(b"tiers:")[1]
            there = replace(desk, ctx=await new_program(desk.ctx.services, bare))
            for kind in kinds:
                summary = await load_file(there.ctx, written[kind][1], data_dir=there.data_dir)
                stem = written[kind][1].name.split(".")[0]
                assert summary.batch.rejected == 0, there.results(stem)
                assert summary.batch.rows_read == written[kind][0].rows
                if kind == "attributes":
                    proposed = await list_attribute_proposals(there.ctx, first=100)
                    await apply_attribute_proposals(there.ctx, ApplyProposals(ids=[one.id for one in proposed]))
            assert await told(there.ctx) == before
            assert await verify_ledger(there.ctx.services) == []
            again = {kind: await export(there, kind, tmp_path / "again", with_personal_data=True) for kind in kinds}
            same = {kind: await export(full, kind, tmp_path / "first", with_personal_data=True) for kind in kinds}
            for kind in kinds[:3]:
                assert again[kind][1].read_bytes() == same[kind][1].read_bytes()
    assert await told(full.ctx) == before
