"""Commands that work within a program: rules, files, the ledger."""

from pathlib import Path
from typing import Any

import pytest

from tests.shell.command import Deployment

SOURCE = Path(__file__).parents[2]
RULES = SOURCE / "tessera" / "data" / "demo_rules.yaml"
HEADER = "transaction_id,transaction_type,transaction_date,member_relation_reference,product_code,amount,quantity"
CHANGE = """
version: 1
program: {redemption_rate: 50}
rule_groups:
  - name: Bonus
    rules: [{name: Five or more CDs, cap: 10}, {name: Always, enabled: false, award: {type: flat, points: 1}}]
"""
MEMBERS = "relation_reference,full_name,status\nA,Ann,1\nB,Bob,1\n"


@pytest.fixture
def program(deployment: Deployment) -> str:
    """The id of a program under the demo's rules."""
    program_id = str(deployment.run("program", "create", "Shop", "--json").json["program_id"])
    applied = deployment.run("rules", "apply", str(RULES), "--program", program_id)
    assert (applied.status, applied.out.splitlines()[-1]) == (0, "Configuration version 2 is in force.")
    return program_id


def test_rules_are_applied_once(deployment: Deployment, program: str) -> None:
    again = deployment.run("rules", "apply", str(RULES), "--program", program)
    *told, last = again.out.splitlines()
    assert (again.status, last) == (0, "Configuration version 2 is in force already: the file says nothing new.")
    assert "keeps     rules of Purchases: One point per dollar" in told
    assert {line.split()[0] for line in told} == {"keeps"}
    [listed] = deployment.run("program", "list", "--json").json
    assert listed["config_version"] == 2


def test_a_rules_file_tells_what_it_adds_changes_removes_and_keeps(deployment: Deployment, program: str) -> None:
    file = deployment.folder / "change.yaml"
    file.write_text(CHANGE)
    asked = ("rules", "apply", str(file), "--program", program)
    dry = deployment.run(*asked, "--dry-run")
    *told, last = dry.out.splitlines()
    assert (dry.status, last) == (0, "Configuration version 2 would be replaced. Nothing was written."), dry.err
    assert [line for line in told if "rule" in line or "changes" in line] == [
        "changes   program: redemption_rate",
        "keeps     rule_groups: Purchases, Bonus",
        "keeps     rules of Purchases: One point per dollar",
        "adds      rules of Bonus: Always",
        "changes   rules of Bonus: Five or more CDs",
    ]
    assert deployment.run("program", "list", "--json").json[0]["config_version"] == 2
    applied = deployment.run(*asked)
    assert applied.out.splitlines() == [*told, "Configuration version 3 is in force."]
    back = deployment.run("rules", "apply", str(RULES), "--program", program, "--prune", "--dry-run")
    assert "removes   rules of Bonus: Always" in back.out.splitlines()
    wrong = deployment.folder / "wrong.yaml"
    wrong.write_text("version: 1\nexamples: [{name: one CD, points: 99}]\n")
    refused = deployment.run("rules", "apply", str(wrong), "--program", program, "--dry-run")
    assert (refused.status, refused.out, "examples fail" in refused.err) == (1, "", True)


def test_a_rules_file_of_any_size_is_refused_and_not_read_whole(empty_deployment: Deployment) -> None:
    file = empty_deployment.folder / "huge.yaml"
    with file.open("wb") as opened:
        # Without data behind it, a file of a terabyte takes no room; to read it whole would end the process.
        opened.truncate(2**40)
    outcome = empty_deployment.run("rules", "test", str(file))
    assert (outcome.status, outcome.out) == (1, "")
    assert "larger than 1 MiB" in outcome.err


def test_rules_that_do_not_hold_are_refused_with_their_paths(deployment: Deployment, program: str) -> None:
    file = deployment.folder / "wrong.yaml"
    file.write_text("version: 1\nexpiry: {policy: months, months: -1}\nrule_groups: [{name: 3}]\n")
    outcome = deployment.run("rules", "apply", str(file), "--program", program)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith("1300 Configuration refused (")
    assert "expiry.months" in outcome.err
    tested = deployment.run("rules", "test", str(file))
    assert (tested.status, tested.out) == (1, "")
    assert "expiry.months" in tested.err
    assert deployment.run("program", "list", "--json").json[0]["config_version"] == 2


def test_a_file_is_tested_together_with_what_is_in_force(deployment: Deployment, program: str) -> None:
    file = deployment.folder / "more.yaml"
    one = "{name: joined, transaction: {product_code: MUSIC, amount: 14, quantity: 1}, points: 14}"
    file.write_text(f"version: 1\nexamples: [{one}]\n")
    alone = deployment.run("rules", "test", str(file))
    assert alone.status == 1
    joined = deployment.run("rules", "test", str(file), "--program", program)
    assert (joined.status, joined.out.splitlines()[-1]) == (0, "ok   joined: 14 points, expected 14")
    assert deployment.run("program", "list", "--json").json[0]["config_version"] == 2


def test_a_past_period_is_replayed_under_a_file(deployment: Deployment, program: str) -> None:
    rows = f"{HEADER}\n1,DR,2026-01-01,A,MUSIC,29.33,5\n2,DR,2026-01-02,B,MUSIC,10,1\n"
    assert _load(deployment, program, "Shop_CPD.csv", MEMBERS).status == 0
    assert _load(deployment, program, "Shop_TXN.csv", rows).status == 0
    file = deployment.folder / "draft.yaml"
    file.write_text("version: 1\nrule_groups: [{name: Purchases, caps: {month: 12}, rules: []}]\n")
    asked = ("rules", "back-test", str(file), "--program", program, "--from", "2026-01-01", "--to", "2026-01-31")
    report = deployment.run(*asked, "--json").json
    assert report["total"] == {"actual": "49", "draft": "32", "points": "-17", "money": "-0.17"}
    assert (report["members_lost"], report["members_unchanged"], list(report["largest"])) == (1, 1, ["A"])
    printed = deployment.run(*asked)
    assert (printed.status, printed.out.splitlines()[1].split()) == (0, ["total", "49", "32", "-17", "-0.17"])
    assert deployment.run("program", "list", "--json").json[0]["config_version"] == 2
    wrong = deployment.run(*asked[:-1], "2025-01-31")
    assert (wrong.status, wrong.out) == (1, "")
    assert "before the first" in wrong.err


@pytest.mark.parametrize("suffix", [".json", ".CSV"])
def test_attribute_definitions_travel_as_files(suffix: str, deployment: Deployment, program: str) -> None:
    file = deployment.folder / f"attributes{suffix}"
    written = deployment.run("attributes", "export", str(file), "--program", program)
    assert (written.status, written.out) == (0, "")
    assert "quantity" in file.read_text()
    same = deployment.run("attributes", "import", str(file), "--program", program)
    assert same.out == "Configuration version 2 is in force already: the file says nothing new.\n"
    other = str(deployment.run("program", "create", "Other", "--json").json["program_id"])
    there = deployment.run("attributes", "import", str(file), "--program", other)
    assert (there.status, there.out) == (0, "Configuration version 2 is in force.\n")
    again = deployment.folder / f"again{suffix}"
    deployment.run("attributes", "export", str(again), "--program", other)
    assert again.read_bytes() == file.read_bytes()


def test_attribute_files_that_do_not_hold_are_refused(deployment: Deployment, program: str) -> None:
    for name, content, told in (
        (
            "a.csv",
            b"entity,key,name,data_type\nmember,1,A,int\n",
            "1300 Configuration refused (member_attributes[0].key",
        ),
        ("a.csv", b"\xff", "is not UTF-8"),
        ("a.json", b"{", "1300 Configuration refused"),
        ("a.txt", b"", "must end in .json or .csv"),
    ):
        file = deployment.folder / name
        file.write_bytes(content)
        outcome = deployment.run("attributes", "import", str(file), "--program", program)
        assert (outcome.status, outcome.out) == (1, "")
        assert told in outcome.err
    nowhere = deployment.folder / "absent" / "a.csv"
    outcome = deployment.run("attributes", "export", str(nowhere), "--program", program)
    assert (outcome.status, "cannot be written" in outcome.err) == (1, True)
    assert deployment.run("program", "list", "--json").json[0]["config_version"] == 2


def test_the_schema_of_configuration_files_is_printed(empty_deployment: Deployment) -> None:
    printed = empty_deployment.run("rules", "schema")
    assert (printed.status, printed.err) == (0, "")
    assert printed.json["properties"]["rule_groups"]


def test_the_examples_of_a_file_are_run_without_a_database(empty_deployment: Deployment) -> None:
    passed = empty_deployment.run("rules", "test", str(RULES))
    assert passed.status == 0
    assert "ok   base and bonus: 39 points, expected 39" in passed.out
    file = empty_deployment.folder / "wrong.yaml"
    file.write_text(RULES.read_text().replace("points: 39}", "points: 40}"))
    failed = empty_deployment.run("rules", "test", str(file))
    assert failed.status == 1
    assert "FAIL base and bonus: 39 points, expected 40" in failed.out
    assert failed.err.endswith(" 1 failed.\n")
    assert not Path(empty_deployment.settings["TESSERA_DATA_DIR"]).exists()


def test_files_are_loaded_and_rejected_rows_give_status_1(deployment: Deployment, program: str) -> None:
    loaded = _load(deployment, program, "Shop_CPD.csv", MEMBERS)
    assert loaded.status == 0
    assert _fields(loaded.out)["accepted"] == "2"
    rows = f"{HEADER}\n1,DR,2026-01-01,A,MUSIC,10.00,1\n2,DR,2026-01-01,NOBODY,MUSIC,10.00,1\n"
    partly = _load(deployment, program, "purchases.csv", rows, "--type", "txn")
    assert partly.status == 1
    fields = _fields(partly.out)
    assert (fields["accepted"], fields["rejected"], fields["points_awarded"]) == ("1", "1", "10")
    assert fields["rejected_by_code"] == "{'103': 1}"
    again = _load(deployment, program, "other_TXN.csv", rows)
    assert (again.status, again.out) == (2, "")
    assert again.err.splitlines()[-1].startswith("1301 File refused (the same content came before")

    listed = deployment.run("batch", "status", "--json").json
    told = [(row["type"], row["status"], row["accepted"], row["rejected"]) for row in listed]
    assert told == [("TXN", "REFUSED", 0, 0), ("TXN", "FINISHED", 1, 1), ("CPD", "FINISHED", 2, 0)]
    one = deployment.run("batch", "status", str(listed[1]["id"]), "--program", program, "--json").json
    assert one == listed[1]
    assert deployment.run("batch", "status", "4711").err == "123 No such redemption or request (no such batch)\n"
    assert deployment.run("ledger", "verify", "--program", program).status == 0


def test_a_file_for_nobody_is_refused(deployment: Deployment, program: str) -> None:
    file = deployment.folder / "Shop_CPD.csv"
    file.write_text(MEMBERS)
    outcome = deployment.run("batch", "load", str(file), "--program", "4711")
    assert (outcome.status, outcome.out) == (2, "")
    assert "1303 Program does not exist" in outcome.err
    assert deployment.run("batch", "load", str(file), "--program", program, "--type", "XYZ").status == 2
    assert deployment.run("batch", "load", "absent.csv", "--program", program).status == 2
    assert deployment.run("batch", "status", "--json").json == []


def test_a_ledger_that_was_tampered_with_does_not_verify(deployment: Deployment, program: str) -> None:
    _load(deployment, program, "Shop_CPD.csv", MEMBERS)
    _load(deployment, program, "Shop_TXN.csv", f"{HEADER}\n1,DR,2026-01-01,A,MUSIC,10.00,1\n")
    assert deployment.run("ledger", "verify").out == "The ledger holds: every balance, lot, trace and hash chain.\n"
    _execute(deployment, "UPDATE account SET available = available + 1, spend = spend + 1 WHERE available > 0")
    outcome = deployment.run("ledger", "verify")
    assert outcome.status == 1
    assert "findings: the ledger does not hold." in outcome.err
    assert f"program {program}, account" in outcome.out
    assert deployment.run("ledger", "verify", "--program", "4711").status == 1


def _load(deployment: Deployment, program: str, name: str, text: str, *options: str) -> Any:
    file = deployment.folder / name
    file.write_text(text)
    return deployment.run("batch", "load", str(file), "--program", program, *options)


def _fields(out: str) -> dict[str, str]:
    return dict(line.split(maxsplit=1) for line in out.splitlines() if " " in line.strip())


def _execute(deployment: Deployment, statement: str) -> None:
    """Change the database behind the product's back."""
    import asyncio

    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    async def change() -> None:
        engine = create_async_engine(deployment.settings["TESSERA_DATABASE_URL"])
        async with engine.begin() as connection:
            await connection.execute(text(statement))
        await engine.dispose()

    asyncio.run(change())
