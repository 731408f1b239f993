"""`tessera batch load` as a person types it."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.ingestion.desk import MEMBERS, TXN_HEADER, open_desk
from tests.servers import Deployment


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_the_exit_status_tells_rejected_and_refused_apart(database_url: str, tmp_path: Path) -> None:
    async with open_desk(database_url, tmp_path) as desk:
        await desk.load("July_CPD.csv", MEMBERS)
        program = str(desk.ctx.principal.public_program_id)
        rows = desk.put("July_TXN.csv", f"{TXN_HEADER}\nT1,DR,3,2026-07-01,M1,MUSIC\nT2,DR,x,2026-07-01,M1,MUSIC\n")
        cards = desk.put("Cards_CRD.csv", "member_relation_reference\nM1\n")
    command = Deployment(database_url, tmp_path).command
    load = ("batch", "load", "--program", program)
    printed = await asyncio.to_thread(command, *load, str(rows), expect=1)
    assert printed.split("points_awarded")[1].split()[0] == "3"
    assert await asyncio.to_thread(command, *load, str(cards), expect=2) == ""
    nowhere = ("batch", "load", "--program", "987654", str(rows))
    assert await asyncio.to_thread(command, *nowhere, expect=2) == ""
    batches = json.loads(await asyncio.to_thread(command, "batch", "status", "--program", program, "--json"))
    assert [(one["file_name"], one["status"], one["accepted"], one["rejected"]) for one in batches] == [
        ("July_TXN.csv", "FINISHED", 1, 1),
        ("July_CPD.csv", "FINISHED", 20, 0),
    ]
    assert sorted(path.name for path in desk.handback.iterdir()) == [
        "Cards_CRD.refused.summary.json",
        "July_CPD.rejects.csv",
        "July_CPD.result.csv",
        "July_CPD.summary.json",
        "July_TXN.rejects.csv",
        "July_TXN.result.csv",
        "July_TXN.summary.json",
    ]
