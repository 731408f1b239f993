"""`tessera export` as a person types it."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from tests.ingestion.desk import MEMBERS, open_desk
from tests.servers import Deployment


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_file_is_written_and_read_in_and_what_cannot_be_is_refused(database_url: str, tmp_path: Path) -> None:
    async with open_desk(database_url, tmp_path) as desk:
        await desk.load("July_CPD.csv", MEMBERS)
        program = str(desk.ctx.principal.public_program_id)
    command, out = Deployment(database_url, tmp_path).command, tmp_path / "Members_CPD.csv"

    async def run(*given: str, to: Path = out, program: str = program, expect: int = 0) -> str:
        given = ("export", *given, "--program", program, "--out", str(to))
        return await asyncio.to_thread(command, *given, expect=expect)

    printed = await run("members", "--since-last", "--with-personal-data")
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    assert printed.split("rows")[1].split()[0] == "20"
    assert digest in printed
    assert (tmp_path / "Members_CPD.csv.sha256").read_text() == f"{digest}  Members_CPD.csv\n"
    assert out.stat().st_mode & 0o077 == 0
    load = ("batch", "load", "--program", program, str(out))
    assert (await asyncio.to_thread(command, *load)).split("accepted")[1].split()[0] == "20"
    # The rows said nothing new, but they were written.
    assert (await run("members", "--since-last", "--gzip")).split("rows")[1].split()[0] in {"0", "20"}
    assert await run("members", program="987654", expect=2) == ""
    assert await run("everything", expect=2) == ""
    assert await run("attributes", "--since-last", expect=1) == ""
    assert await run("members", to=tmp_path / "nowhere" / "x.csv", expect=1) == ""
    assert not (tmp_path / "nowhere").exists()
