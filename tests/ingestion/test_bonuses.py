"""Files of bonus points: the same postings, tiers and refusals as by a call."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import TesseraError
from ingestion import load as load_module
from resolvers.bonus import PostBonus, post_bonus
from resolvers.program import apply_configuration
from resolvers.verification import verify_ledger
from tests.ingestion.desk import MEMBERS, Desk, new_program, points_of

HEADER = (
    "member_relation_reference,bonus_points,bonus_type,award_date,expiry_date,narration,_xoxo_api_client_idempotency"
)
TIERS = b"""
version: 1
program: {points_decimals: 2}
tiers:
  assessment: automatic
  basis: points
  window: rolling_365
  levels: [{name: Silver, from: 0}, {name: Gold, from: 100, upgrade_bonus: 5}, {name: Top, from: 200, upgrade_bonus: 7}]
"""


def bonuses(*rows: str) -> str:
    """A file of these rows."""
    return "\n".join([HEADER, *rows, ""])


async def test_bonuses_are_posted_with_their_dates_types_and_texts(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    rows = (
        "M1,10.5,,,,Thank you,",
        "M2,20,PARTNER,2026-07-01T10:00:00Z,2026-12-31,,",
        "M3,30,13,2026-07-01,,,",
        "M4,40,2,2020-01-01,,,",
    )
    loaded = await desk.load("July_BNS.csv", bonuses(*rows))
    assert (loaded.batch.accepted, loaded.batch.points) == (4, Decimal("100.5"))
    assert desk.summary("July_BNS")["points_awarded"] == Decimal("100.5")
    # The points of 2020 expired in the same step.
    assert await points_of(desk) == {"M1": (0, Decimal("10.5")), "M4": (0, 40)}
    assert all(row["external_reference"] for row in desk.results("July_BNS"))
    assert await verify_ledger(desk.ctx.services) == []


async def test_a_key_of_a_row_counts_once_in_the_file_in_another_and_over_the_api(desk: Desk) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await post_bonus(desk.ctx, PostBonus(relation_reference="M1", points=Decimal(1), idempotency_key="K1"))
    rows = ("M1,1,,,,,K1", "M1,2,,,,,K2", "M1,2,,,,,K2", "M1,3,,,,,K2", "M1,4,,,,,", "M1,4,,,,,")
    await desk.load("July_BNS.csv", bonuses(*rows))
    results = desk.results("July_BNS")
    assert [(row["code"], row["points"]) for row in results] == [
        ("000", "0"), ("000", "2"), ("000", "0"), ("409", "0"), ("000", "4"), ("000", "4"),
    ]  # fmt: skip
    assert [row["message"] for row in results][:3] == ["Success (replayed)", "Success", "Success (replayed)"]
    await desk.load("Later_BNS.csv", bonuses("M1,2,,,,,K2"))
    assert await points_of(desk) == {"M1": (0, 11)}


REFUSED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "unknown member": ("M99,1,,,,,", "103", {"relation_reference": "M99"}),
    "no points": ("M1,0,,,,,", "120", {"points": Decimal(0)}),
    "negative points": ("M1,-1,,,,,", "120", {"points": Decimal(-1)}),
    "too many decimals": ("M1,0.001,,,,,", "998", {"points": Decimal("0.001")}),
    "too many points": ("M1,100000000000000,,,,,", "999", {"points": Decimal(10) ** 14}),
    "a date out of range": ("M1,1,,1800-01-01,,,", "999", {"awarded_at": date(1800, 1, 1)}),
    "a long text": (f"M1,1,,,,{'x' * 501},", "999", {"narration": "x" * 501}),
    "a bad key": ("M1,1,,,,,Ké", "998", {"idempotency_key": "Ké"}),
    "a suspended member": ("M5,1,,,,,", "114", {"relation_reference": "M5"}),
    "a cancelled member": ("M6,1,,,,,", "113", {"relation_reference": "M6"}),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_bad_row_is_refused_as_a_call_is_and_alone(desk: Desk, case: str) -> None:
    row, code, given = REFUSED[case]
    await desk.load("July_CPD.csv", MEMBERS)
    await desk.load("Status_CPD.csv", "relation_reference,action\nM5,SUSPEND\nM6,CLOSE\n")
    await desk.load("July_BNS.csv", bonuses(row, "M2,5,,,,,"))
    refused, accepted = desk.results("July_BNS")
    assert (refused["status"], refused["code"], accepted["status"]) == ("REJECTED", code, "ACCEPTED")
    assert await points_of(desk) == {"M2": (0, 5)}
    before = await desk.counts()
    with pytest.raises(TesseraError) as raised:
        await post_bonus(desk.ctx, replace(PostBonus(relation_reference="M1", points=Decimal(1)), **given))
    assert (raised.value.code, raised.value.text) == (code, refused["message"])
    assert await desk.counts() == before


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (",1,,,,,", "999"),
        ("M1,,,,,,", "999"),
        ("M1,x,,,,,", "999"),
        ("M1,1e3,,,,,", "999"),
        ("M1,1,GIFT,,,,", "998"),
        ("M1,1,1,,,,", "998"),
        ("M1,1,,2026-02-30,,,", "999"),
        ("M1,1,,,2026-07-01T10:00,,", "999"),
        # What cannot be read is told before what is not allowed.
        ("M1,1,GIFT,2026-02-30,,,", "999"),
    ],
)
async def test_a_value_that_cannot_be_read_refuses_its_row(desk: Desk, row: str, code: str) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    await desk.load("July_BNS.csv", bonuses(row))
    assert [one["code"] for one in desk.results("July_BNS")] == [code]
    assert await points_of(desk) == {}


async def test_tiers_follow_as_they_do_over_the_api_whatever_the_chunk(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        *("M1,60,,,,,", "M1,60,,,,,", "M2,250,,,,,", "M3,90,,2024-01-01,,,", "M3,90,,,,,", "M3,20,12,,,,"),
        *("M4,150,,2024-01-01,2030-01-01,,", "M4,99,,,,,", "M1,100,,,,,"),
    ]
    digests = []
    for size in (500, 1, 2):
        monkeypatch.setattr(load_module, "CHUNK_ROWS", size)
        ctx = await new_program(desk.ctx.services, TIERS, f"Chunks of {size}")
        own = Desk(ctx, desk.data_dir, desk.uploads)
        await own.load(f"July{size}_CPD.csv", MEMBERS)
        await own.load(f"July{size}_BNS.csv", bonuses(*rows))
        digests.append(await own.digest())
    api = Desk(await new_program(desk.ctx.services, TIERS, "API"), desk.data_dir, desk.uploads)
    await api.load("July_CPD.csv", MEMBERS)
    for row in rows:
        member, points, kind, awarded, expires, *_ = row.split(",")
        await post_bonus(
            api.ctx,
            PostBonus(
                relation_reference=member,
                points=Decimal(points),
                bonus_type=int(kind or 2),
                awarded_at=date.fromisoformat(awarded) if awarded else None,
                expires=date.fromisoformat(expires) if expires else None,
            ),
        )
    assert digests == [await api.digest()] * 3
    # M1 reached Gold and Top, M2 both at once, M3 and M4 nothing: what is older than a year does not count.
    assert {name: bonus for name, (_, bonus) in (await points_of(api)).items()} == {
        "M1": 232, "M2": 262, "M3": 180, "M4": 249,
    }  # fmt: skip
    assert await verify_ledger(desk.ctx.services) == []


async def test_a_program_that_wants_keys_takes_rows_without(desk: Desk) -> None:
    await apply_configuration(desk.ctx, b"version: 1\nprogram: {require_key: true}\n")
    await desk.load("July_CPD.csv", MEMBERS)
    await desk.load("July_BNS.csv", bonuses("M1,5,,,,,"))
    assert await points_of(desk) == {"M1": (0, 5)}
