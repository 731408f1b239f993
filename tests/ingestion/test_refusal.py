"""Files that are refused whole, and what a file may not do."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.access import MEMBER_PERMISSIONS
from domain.errors import BatchRefused, Forbidden
from ingestion import load as load_module
from ingestion.load import Progress
from resolvers.batch import list_batches
from resolvers.member import list_members
from resolvers.program import apply_configuration
from tests.ingestion.desk import MEMBERS, RULES, TXN_HEADER, Desk, transactions


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("July.csv", transactions("T1,DR,1,2026-07-01,M1,MUSIC"), "must end in its type"),
        ("July TXN.csv", transactions("T1,DR,1,2026-07-01,M1,MUSIC"), "a file name is"),
        ("July_CRD.csv", "member_relation_reference\nM1\n", "missing columns: card_number"),
        ("July_BNS.csv", "member_relation_reference,points\nM1,5\n", "unknown columns: points"),
        ("July_ATT.csv", "entity,key,name\nmember,a,A\n", "missing columns: data_type"),
        ("July_TXN.csv", "transaction_id;amount\n1;2\n", "not by a semicolon"),
        ("July_TXN.csv", "", "the file is empty"),
        (
            "July_TXN.csv",
            f"{TXN_HEADER},colour\nT1,DR,1,2026-07-01,M1,MUSIC,red\n",
            "unknown columns: colour",
        ),
        ("July_TXN.csv", "transaction_id\nT1\n", "missing columns: amount"),
        (
            "July_TXN.csv.gz",
            gzip.compress(transactions("T1,DR,1,2026-07-01,M1,MUSIC").encode())[:-9],
            "unpacked",
        ),
    ],
)
async def test_a_refused_file_changes_nothing_and_says_so(desk: Desk, name: str, content: Any, reason: str) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    before = await desk.counts()
    with pytest.raises(BatchRefused, match=reason) as refused:
        await desk.load(name, content)
    assert refused.value.code == "1301"
    # Nothing but the refusal itself is stored.
    assert await desk.counts() == before
    [batch, _] = await list_batches(desk.ctx)
    assert (batch.file_name, batch.status, batch.code) == (name, "REFUSED", "1301")
    assert reason in (batch.message or "")
    [told] = [path for path in desk.handback.iterdir() if ".refused." in path.name]
    document = json.loads(told.read_bytes())
    assert (document["file"], document["status"], document["code"]) == (name, "REFUSED", "1301")
    assert reason in document["message"]
    assert document["batch_id"] == batch.id
    assert list(document) == list(desk.summary("July_CPD"))


@pytest.mark.parametrize("name", ["July_TXN.csv", "JULY_txn.csv", "July_TXN.txt", "August_TXN.csv"])
async def test_the_same_file_is_refused_the_second_time(desk: Desk, name: str) -> None:
    await desk.load("July_CPD.csv", MEMBERS)
    content = transactions("T1,DR,1,2026-07-01,M1,MUSIC")
    first = await desk.load("July_TXN.csv", content)
    told = desk.summary("July_TXN")
    before = await desk.counts()
    with pytest.raises(BatchRefused, match=rf"the same content came before as batch {first.batch.id}, July_TXN\.csv"):
        await desk.load(name, content)
    other = transactions("T2,DR,1,2026-07-01,M1,MUSIC")
    if not name.startswith("August"):
        with pytest.raises(BatchRefused, match=f"the same name came before as batch {first.batch.id}"):
            await desk.load(name, other)
    assert await desk.counts() == before
    assert desk.summary("July_TXN") == told
    assert (desk.handback / f"{name.split('.')[0]}.refused.summary.json").exists()


async def test_unknown_columns_are_ignored_where_the_program_says_so(desk: Desk) -> None:
    await apply_configuration(desk.ctx, RULES + b"\n")
    await apply_configuration(desk.ctx, b"version: 1\nprogram: {ignore_unknown_attributes: true}\n")
    await desk.load("July_CPD.csv", MEMBERS)
    rows = f"{TXN_HEADER},colour\nT1,DR,1,2026-07-01,M1,MUSIC,red\n"
    loaded = await desk.load("July_TXN.csv", rows)
    assert loaded.ignored_columns == ("colour",)
    assert desk.summary("July_TXN")["ignored_columns"] == ["colour"]
    assert desk.results("July_TXN")[0]["status"] == "ACCEPTED"


async def test_a_spreadsheet_runs_nothing_of_a_result_file(desk: Desk) -> None:
    formula = "=HYPERLINK(1)"
    await desk.load("July_TXN.csv", transactions(f"{formula},DR,x,{formula},{formula},{formula}"))
    text = (desk.handback / "July_TXN.result.csv").read_text()
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in text.splitlines() for cell in line.split(","))
    assert f"{formula},DR,x" in desk.rejects("July_TXN").decode()


async def test_a_caller_without_the_permission_loads_nothing(desk: Desk) -> None:
    member = replace(desk.ctx.principal, permissions=MEMBER_PERMISSIONS)
    stranger = Desk(replace(desk.ctx, principal=member), desk.data_dir, desk.uploads)
    before = await desk.counts()
    with pytest.raises(Forbidden):
        await stranger.load("July_CPD.csv", MEMBERS)
    assert await desk.counts() == before


async def test_a_file_that_changes_under_way_is_not_gone_on_with(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_module, "CHUNK_ROWS", 5)
    path = desk.put("July_CPD.csv", MEMBERS)

    def tamper(_progress: Progress) -> None:
        Path(path).write_text(MEMBERS.replace("Member", "Mumber"))

    with pytest.raises(BatchRefused, match="was changed while it was read"):
        await load_module.load_file(desk.ctx, path, data_dir=desk.data_dir, progress=tamper)
    names = [member.full_name for member in await list_members(desk.ctx, first=100)]
    # Three times five: they are members.
    assert names == [f"Member {n}" for n in range(1, 16)]


async def test_two_refusals_of_one_stem_are_both_told(desk: Desk) -> None:
    for name, content in (("July_CPD.csv", ""), ("July_CPD.txt", "colour\n"), ("July_CPD.csv", "")):
        with pytest.raises(BatchRefused):
            await desk.load(name, content)
    told = [desk.summary(f"July_CPD.refused{number}") for number in ("", ".2")]
    assert [one["file"] for one in told] == ["July_CPD.csv", "July_CPD.txt"]
    # The same once more takes the place of the first.
    listed = await list_batches(desk.ctx)
    assert [one.file_name for one in listed] == ["July_CPD.csv", "July_CPD.txt"]
    assert [one["batch_id"] for one in told] == [one.id for one in listed]
    await desk.load("July_CPD.csv", MEMBERS)
    assert [path.name for path in desk.handback.iterdir() if ".refused." in path.name] == []


async def test_what_was_said_of_a_refused_file_goes_when_one_of_its_name_is_loaded(desk: Desk) -> None:
    with pytest.raises(BatchRefused):
        await desk.load("July_CPD.csv", "")
    told = desk.handback / "July_CPD.refused.summary.json"
    assert told.exists()
    await desk.load("July_CPD.csv", MEMBERS)
    assert not told.exists()
