"""`tessera batch load` as a person types it."""

import asyncio
import json
from pathlib import Path

import pytest

from resolvers.program import apply_configuration
from tests.ingestion.desk import MEMBERS, RULES, TXN_HEADER, open_desk, transactions
from tests.ingestion.partner_host import new_key
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


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_held_file_is_released_and_gone_on_with(database_url: str, tmp_path: Path) -> None:
    async with open_desk(database_url, tmp_path) as desk:
        await apply_configuration(desk.ctx, RULES + b"files: {reject_limit_percent: 10}\n")
        await desk.load("July_CPD.csv", MEMBERS)
        program = ("--program", str(desk.ctx.principal.public_program_id))
        files = [
            desk.put(f"{name}_TXN.csv", transactions(f"{name},DR,3,2026-07-01,M1,MUSIC", "T2,DR,x,2026-07-01,M1,MUSIC"))
            for name in ("July", "August")
        ]
    command = Deployment(database_url, tmp_path).command
    for file in files:
        printed = await asyncio.to_thread(command, "batch", "load", *program, str(file), expect=1)
        assert printed.split("status")[1].split()[0] == "HELD"
    rows = json.loads(await asyncio.to_thread(command, "batch", "status", *program, "--json"))
    ids = {one["file_name"]: str(one["id"]) for one in rows}
    await asyncio.to_thread(command, "batch", "release", ids["July_TXN.csv"], *program)
    await asyncio.to_thread(command, "batch", "discard", ids["August_TXN.csv"], *program)
    await asyncio.to_thread(command, "batch", "discard", ids["July_TXN.csv"], *program, expect=1)
    await asyncio.to_thread(command, "batch", "load", *program, str(files[0]), expect=1)
    rows = json.loads(await asyncio.to_thread(command, "batch", "status", *program, "--json"))
    assert [(one["file_name"], one["status"], one["accepted"], one["pending"]) for one in rows[:2]] == [
        ("August_TXN.csv", "DISCARDED", 0, 0),
        ("July_TXN.csv", "FINISHED", 1, 0),
    ]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_partners_server_is_kept_listed_and_forgotten(database_url: str, tmp_path: Path) -> None:
    async with open_desk(database_url, tmp_path) as desk:
        program = ("--program", str(desk.ctx.principal.public_program_id))
    private, public = new_key()
    key = desk.put("bank.key", private)
    command = Deployment(database_url, tmp_path).command
    save = ("partner-server", "save", "Bank", *program, "--host", "sftp.bank.example", "--username", "tessera")
    terms = ("--host-key", public, "--private-key", str(key), "--pull", "txn=/out", "--after-fetch", "move:/done")
    await asyncio.to_thread(command, *save, *terms, expect=1)  # When it is visited is missing.
    await asyncio.to_thread(command, *save, *terms, "--daily", "02:30")
    [known] = json.loads(await asyncio.to_thread(command, "partner-server", "list", *program, "--json"))
    assert (known["name"], known["host"], known["port"], known["outcome"]) == ("Bank", "sftp.bank.example", 22, None)
    await asyncio.to_thread(command, "partner-server", "visit", "Bank", *program)
    await asyncio.to_thread(command, "partner-server", "remove", "Bank", *program)
    assert json.loads(await asyncio.to_thread(command, "partner-server", "list", *program, "--json")) == []
