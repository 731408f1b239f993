"""`tessera export`: a file that can be read in again, and what cannot be is refused."""

import hashlib
import json
import stat
from pathlib import Path

import pytest

from tests.ingestion.desk import MEMBERS
from tests.shell.command import Deployment, Outcome


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True, scope="session")
def test_a_file_is_written_and_read_in_and_what_cannot_be_is_refused(deployment: Deployment) -> None:
    folder = deployment.folder
    made = str(deployment.run("program", "create", "Shop", "--json").json["program_id"])
    (folder / "July_CPD.csv").write_text(MEMBERS)
    assert deployment.run("batch", "load", str(folder / "July_CPD.csv"), "--program", made).status == 0
    out = folder / "Members_CPD.csv"

    def command(*given: str, to: Path = out, program: str = made) -> tuple[str, ...]:
        return ("export", *given, "--program", program, "--out", str(to))

    def run(*given: str, to: Path = out, program: str = made) -> Outcome:
        return deployment.run(*command(*given, to=to, program=program))

    # As a person types it: a process of its own.
    written = deployment.end(*command("members", "--since-last", "--with-personal-data"))
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    assert (written.status, written.out.split("rows")[1].split()[0]) == (0, "20")
    assert digest in written.out
    assert (folder / "Members_CPD.csv.sha256").read_text() == f"{digest}  Members_CPD.csv\n"
    assert out.stat().st_mode & 0o077 == 0
    loaded = deployment.run("batch", "load", "--program", made, str(out))
    assert (loaded.status, loaded.out.split("accepted")[1].split()[0]) == (0, "20")
    # The rows said nothing new, but they were written.
    again = run("members", "--since-last", "--gzip")
    assert (again.status, again.out.split("rows")[1].split()[0] in {"0", "20"}) == (0, True)
    assert "Members_CPD.csv is packed" in again.err
    for refused, status in (
        (run("members", program="987654"), 2),
        (run("everything"), 2),
        (run("attributes", "--since-last"), 1),
        (run("members", to=folder / "nowhere" / "x.csv"), 1),
    ):
        assert (refused.status, refused.out) == (status, "")
    assert not (folder / "nowhere").exists()


def test_what_is_stored_on_a_member_is_one_document_for_its_owner(deployment: Deployment) -> None:
    program = str(deployment.run("program", "create", "Shop", "--json").json["program_id"])
    file, out = deployment.folder / "New_CPD.csv", deployment.folder / "ann.json"
    file.write_text("relation_reference,status,full_name\nA,1,Ann Example\nB,1,Bob Example\n")
    assert deployment.run("batch", "load", str(file), "--program", program).status == 0
    told = ("--program", program, "--out", str(out))
    for wrong in (("member", *told), ("members", "A", *told)):
        assert deployment.run("export", *wrong).status == 2
    assert deployment.run("export", "member", "nobody", *told).status == 1
    assert not out.exists()
    outcome = deployment.run("export", "member", "A", *told)
    assert outcome.status == 0
    assert "members" in outcome.out
    document = json.loads(out.read_text())
    assert [one["full_name"] for one in document["members"]] == ["Ann Example"]
    assert "Bob" not in out.read_text()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "overwrites nothing" in deployment.run("export", "member", "A", *told).err
