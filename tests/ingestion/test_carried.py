"""Open lots of another Tessera, as files bring them: their terms, and what makes no sense."""

from dataclasses import replace

import pytest

from domain.access import Permission
from tests.ingestion.desk import MEMBERS, Desk
from tests.ingestion.test_outbound import write

CARRIED = (
    "member_relation_reference,bonus_points,bonus_type,award_date,narration,available_at,expires_at,"
    "_xoxo_api_client_idempotency\n"
)


async def test_carried_lots_keep_their_terms_whatever_the_member_is_and_arrive_once(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS + "M21,Gone,4\n")
    rows = (
        "M21,5,SPEND,2020-01-01T00:00:00.000001Z,,,NEVER,k1\n"
        "M21,7,OTHER,2026-07-01T00:00:00Z,,2026-08-01T00:00:00Z,2026-09-01T00:00:00+02:00,k2\n"
        "M21,-3,OTHER,,,,NEVER,k3\n"
    )
    assert (await desk.load("Open_BNS.csv", CARRIED + rows)).batch.rejected == 0
    # Other content, the same lots.
    assert (await desk.load("Again_BNS.csv", CARRIED + rows.replace("5,SPEND", "5.0,SPEND"))).batch.rejected == 0
    assert (await desk.load("More_BNS.csv", CARRIED + rows.replace("5,SPEND", "6,SPEND"))).batch.rejected == 1
    _, balances = await write(desk, "balances")
    told = {row["member_relation_reference"]: row for row in balances}["M21"]
    assert [told[one] for one in ("total", "available", "pending", "arrears", "spend", "other", "redeemed")] == [
        "9", "2", "7", "3", "5", "7", "3",
    ]  # fmt: skip
    _, lots = await write(desk, "lots")
    assert [(row["bonus_points"], row["bonus_type"], row["expires_at"], row["expiry_date"]) for row in lots] == [
        ("7", "9", "2026-08-31T18:00:00-04:00", "2026-08-31"), ("5", "1", "NEVER", ""), ("-3", "9", "NEVER", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("M1,5,SPEND,,,,,k1", "998"),
        ("M1,5,REDEEM,,,,NEVER,k1", "998"),
        ("M1,5,SPEND,,,2026-08-01T00:00:00Z,,k1", "999"),
        ("M1,5,SPEND,,,,2026-08-01,k1", "999"),
        ("M1,5,SPEND,,,,2026-08-01T00:00:00,k1", "999"),
        ("M1,0,SPEND,,,,NEVER,k1", "120"),
        ("M1,-5,SPEND,,,,,k1", "998"),
        ("M99,5,SPEND,,,,NEVER,k1", "103"),
    ],
)
async def test_carried_lots_that_make_no_sense_are_rejected(desk: Desk, row: str, code: str) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    before = await desk.digest()
    await desk.load("Open_BNS.csv", f"{CARRIED}{row}\n")
    assert [one["code"] for one in desk.results("Open_BNS")] == [code]
    assert await desk.digest() == before


async def test_partners_carry_no_lots_over(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    principal = replace(desk.ctx.principal, permissions=desk.ctx.principal.permissions - {Permission.POINTS_ADJUST})
    partner = Desk(replace(desk.ctx, principal=principal), desk.data_dir, desk.uploads)
    rows = "M1,-3,OTHER,,,,NEVER,k1\nM1,4,BONUS,2026-07-01,,,,k2\n"
    assert (await partner.load("Open_BNS.csv", CARRIED + rows)).batch.rejected == 1
    told = [(one["line"], one["status"], one["code"], one["points"]) for one in desk.results("Open_BNS")]
    assert told == [("2", "REJECTED", "403", "0"), ("3", "ACCEPTED", "000", "4")]
    _, balances = await write(desk, "balances")
    [of_member] = [row for row in balances if row["member_relation_reference"] == "M1"]
    assert (of_member["total"], of_member["arrears"]) == ("4", "0")
