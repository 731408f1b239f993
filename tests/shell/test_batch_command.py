"""`tessera batch` and `tessera partner-server`: what they say, and what their exit status tells apart."""

from pathlib import Path

import pytest

from tests.ingestion.desk import MEMBERS, RULES, TXN_HEADER, transactions
from tests.ingestion.partner_host import new_key
from tests.shell.command import Deployment

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True, scope="session")


@pytest.fixture
def program(deployment: Deployment) -> str:
    """The id of a program with members."""
    made = str(deployment.run("program", "create", "Shop", "--json").json["program_id"])
    rules = _put(deployment, "rules.yaml", RULES.decode())
    assert deployment.run("rules", "apply", rules, "--program", made).status == 0
    members = _put(deployment, "July_CPD.csv", MEMBERS)
    assert deployment.run("batch", "load", members, "--program", made).status == 0
    return made


def _put(deployment: Deployment, name: str, content: str) -> str:
    (deployment.folder / name).write_text(content)
    return str(deployment.folder / name)


def test_the_exit_status_tells_rejected_and_refused_apart(deployment: Deployment, program: str) -> None:
    text = f"{TXN_HEADER}\nT1,DR,3,2026-07-01,M1,MUSIC\nT2,DR,x,2026-07-01,M1,MUSIC\n"
    rows = _put(deployment, "July_TXN.csv", text)
    cards = _put(deployment, "Cards_CRD.csv", "member_relation_reference\nM1\n")
    # As a person types it: a process of its own.
    loaded = deployment.end("batch", "load", "--program", program, rows)
    assert (loaded.status, loaded.out.split("points_awarded")[1].split()[0]) == (1, "3")
    refused = deployment.run("batch", "load", "--program", program, cards)
    assert (refused.status, refused.out) == (2, "")
    nowhere = deployment.run("batch", "load", "--program", "987654", rows)
    assert (nowhere.status, nowhere.out) == (2, "")
    batches = deployment.run("batch", "status", "--program", program, "--json").json
    assert [(one["file_name"], one["status"], one["accepted"], one["rejected"]) for one in batches] == [
        ("Cards_CRD.csv", "REFUSED", 0, 0),
        ("July_TXN.csv", "FINISHED", 1, 1),
        ("July_CPD.csv", "FINISHED", 20, 0),
    ]
    assert "missing columns: card_number" in batches[0]["message"]
    shown = deployment.run("batch", "status", "--program", program)
    assert "1301 File refused (missing columns" in " ".join(shown.out.split())
    [handback] = Path(deployment.settings["TESSERA_DATA_DIR"]).rglob("handback")
    assert sorted(path.name for path in handback.iterdir()) == [
        "Cards_CRD.refused.summary.json",
        "July_CPD.rejects.csv",
        "July_CPD.result.csv",
        "July_CPD.summary.json",
        "July_TXN.rejects.csv",
        "July_TXN.result.csv",
        "July_TXN.summary.json",
    ]


def test_a_held_file_is_released_and_gone_on_with(deployment: Deployment, program: str) -> None:
    limit = _put(deployment, "limit.yaml", "version: 1\nfiles: {reject_limit_percent: 10}\n")
    assert deployment.run("rules", "apply", limit, "--program", program).status == 0
    bad = "T2,DR,x,2026-07-01,M1,MUSIC"
    for name in ("July", "August"):
        file = _put(deployment, f"{name}_TXN.csv", transactions(f"{name},DR,3,2026-07-01,M1,MUSIC", bad))
        held = deployment.run("batch", "load", "--program", program, file)
        assert (held.status, held.out.split("status")[1].split()[0]) == (1, "HELD")
    listed = deployment.run("batch", "status", "--program", program, "--json").json
    ids = {one["file_name"]: str(one["id"]) for one in listed}

    def decide(what: str, name: str) -> int:
        return deployment.run("batch", what, ids[f"{name}_TXN.csv"], "--program", program).status

    assert decide("release", "July") == 0
    assert decide("discard", "August") == 0
    assert decide("discard", "July") == 1
    file = str(deployment.folder / "July_TXN.csv")
    assert deployment.run("batch", "load", "--program", program, file).status == 1
    rows = deployment.run("batch", "status", "--program", program, "--json").json
    assert [(one["file_name"], one["status"], one["accepted"], one["pending"]) for one in rows[:2]] == [
        ("August_TXN.csv", "DISCARDED", 0, 0),
        ("July_TXN.csv", "FINISHED", 1, 0),
    ]


def test_a_partners_server_is_kept_listed_and_forgotten(deployment: Deployment) -> None:
    made = str(deployment.run("program", "create", "Shop", "--json").json["program_id"])
    private, public = new_key()
    key = _put(deployment, "bank.key", private)
    save = ("save", "Bank", "--host", "sftp.bank.example", "--username", "tessera")
    terms = ("--host-key", public, "--private-key", key, "--pull", "txn=/out", "--after-fetch", "move:/done")

    def partner_server(*arguments: str) -> int:
        return deployment.run("partner-server", *arguments, "--program", made).status

    assert partner_server(*save, *terms) == 1  # When it is visited is missing.
    assert partner_server(*save, *terms, "--daily", "02:30") == 0
    [known] = deployment.run("partner-server", "list", "--program", made, "--json").json
    assert (known["name"], known["host"], known["port"], known["outcome"]) == ("Bank", "sftp.bank.example", 22, None)
    assert partner_server("visit", "Bank") == 0
    assert partner_server("remove", "Bank") == 0
    assert deployment.run("partner-server", "list", "--program", made, "--json").json == []
