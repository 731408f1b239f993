"""What scenarios are refused for, and what a file is made of."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from tessera.parity.comparison import EQUIVALENTS, compare
from tessera.parity.door import Answer
from tessera.parity.scenario import Scenario, ScenarioRefused, read_scenario
from tessera.parity.sftp import file_of
from tests.shell.command import Deployment
from tests.shell.parity.test_parity import EXAMPLE

DOCS = Path(__file__).parents[3] / "docs" / "parity.md"
MEMBER = {"relation_reference": "M-1", "full_name": 'Ann, "A"', "status": 1}
BOUGHT = {"transaction_id": "T-1", "transaction_type": "DR", "amount": 1}


def _document(*files: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {"version": 1, "name": "Test", "configuration": {}, "files": list(files)} | changed


def _scenario(*files: dict[str, Any]) -> Scenario:
    return read_scenario(orjson.dumps(_document(*files)))


FINE = {"type": "CPD", "rows": [MEMBER]}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (_document(), "files: must not be empty"),
        (_document(FINE, version=2), "version: must be 1, not '2'"),
        (_document(FINE, other=1), "other: unknown key"),
        (_document({"type": "ATT", "rows": [MEMBER]}), "files[0].type: must be one of CPD, CRD, TXN, BNS, not 'ATT'"),
        (_document({"type": "CPD", "rows": []}), "files[0].rows: must not be empty"),
        (_document({"type": "CPD"}), "files[0].rows: is missing"),
        (_document({"rows": [MEMBER]}), "files[0].type: is missing"),
        (_document(FINE | {"configuration": {}}), "files[0]: is either a configuration or rows of a type"),
        (
            _document({"configuration": {"expiry": {"policy": "months"}}}),
            "files[0].configuration.expiry.months: is missing for the policy months",
        ),
        (
            _document(FINE, configuration={"files": {"park_unknown_members": True}}),
            "configuration.files: says how files are taken, which no other door knows",
        ),
        (
            _document(FINE, configuration={"rule_groups": [{"rules": []}]}),
            "configuration.rule_groups[0].name: is missing",
        ),
    ],
)
def test_a_scenario_that_does_not_hold_is_refused_with_its_path(document: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioRefused) as raised:
        read_scenario(orjson.dumps(document))
    assert list(map(str, raised.value.problems)) == [told]


@pytest.mark.parametrize(
    ("kind", "row", "told"),
    [
        ("CPD", {"status": ["1"]}, ".status: must be a string or number or boolean or null, not \"['1']\""),
        ("CPD", {"status": " "}, ": has no value"),
        ("CPD", MEMBER | {"size": 1}, ".size: is no column of CPD, nor an attribute of the program"),
        ("CPD", MEMBER | {"action": "X"}, ".action: must be one of CLOSE, NEW, REACTIVATE, SUSPEND, UPDATE"),
        ("CPD", {"relation_reference": "M-1", "action": "update"}, ": changes nothing, for which the API has no call"),
        (
            "CRD",
            {"member_relation_reference": "M-1", "card_number": 1},
            ".sub_relation_type: is missing: GraphQL needs it",
        ),
    ],
)
def test_a_row_that_not_all_doors_can_say_is_refused_with_its_path(kind: str, row: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioRefused) as raised:
        _scenario(FINE, {"type": kind, "rows": [row]})
    assert list(map(str, raised.value.problems)) == [f"files[1].rows[0]{told}"]


def test_a_refused_scenario_starts_nothing_and_ends_with_2(empty_deployment: Deployment) -> None:
    file = empty_deployment.folder / "scenario.yaml"
    file.write_text("version: 1\nname: Test\nfiles: []\n")
    outcome = empty_deployment.run("parity", str(file))
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.splitlines() == ["configuration: is missing", "files: must not be empty"]
    assert not (empty_deployment.folder / "data").exists()


def test_the_examples_hold() -> None:
    [documented] = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    for source in (documented.encode(), EXAMPLE.read_bytes()):
        assert read_scenario(source).name == "Corner shop"


def test_the_table_of_equivalents_is_documented() -> None:
    section = DOCS.read_text().partition("## Codes that stand for each other")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == len(EQUIVALENTS)
    for one, row in zip(EQUIVALENTS, rows, strict=True):
        assert one.reason in row
        assert all(f"`{name}`" in row for name in (*one.columns, one.code, one.in_file))


def test_a_file_has_the_columns_of_all_rows_and_values_as_written() -> None:
    scenario = _scenario(
        {"type": "CPD", "name": "July", "rows": [MEMBER, {"relation_reference": " M-2 ", "dob": None, "gender": "M"}]}
    )
    [upload] = scenario.uploads
    assert upload.name == "July_1_CPD"
    assert file_of(upload).decode() == (
        'relation_reference,full_name,status,gender\r\nM-1,"Ann, ""A""",1,\r\nM-2,,,M\r\n'
    )


def _compared(*codes: tuple[str, str, str], message: str = "", expect: str | None = None) -> Any:
    scenario = _scenario({"type": "TXN", "rows": [BOUGHT | {"expect": expect} for _ in codes]})
    answers = {door: [Answer(row[at], message) for row in codes] for at, door in enumerate(("rest", "graphql", "sftp"))}
    ledgers = {"rest": [b"[1]", b"[2]"], "graphql": [b"[1]", b"[2]"], "sftp": [b"[1]", b"[2]"]}
    return compare(scenario, answers, ledgers)


def test_rows_differ_where_a_code_does_or_is_not_the_expected_one() -> None:
    assert _compared(("000", "000", "000")).is_equal
    for codes in (("103", "000", "000"), ("000", "000", "103"), ("000", "999", "998")):
        assert [one.place for one in _compared(("000", "000", "000"), codes).differences] == ["Parity_1_TXN:3"]
    assert _compared(("103", "103", "103"), expect="103").is_equal
    assert not _compared(("000", "000", "000"), expect="103").is_equal


def test_an_equivalent_code_is_equal_only_where_the_file_names_the_value() -> None:
    at_fault = "Invalid request (transaction_type: not one of DR, CR)"
    found = _compared(("998", "999", "998"), message=at_fault)
    assert (found.is_equal, found.equivalent) == (True, 1)
    assert not _compared(("999", "998", "998"), message=at_fault).is_equal
    assert not _compared(("998", "999", "998"), message="Invalid request (amount: must not be negative)").is_equal


def test_ledgers_that_differ_are_told_by_posting() -> None:
    scenario = _scenario({"type": "TXN", "rows": [BOUGHT]})
    answers = {door: [Answer("000")] for door in ("rest", "graphql", "sftp")}
    found = compare(scenario, answers, {"rest": [b'["A"]'], "graphql": [b'["A"]', b'["A"]'], "sftp": [b'["B"]']})
    assert not found.is_equal
    assert [(one.posting, one.times) for one in found.posting_differences] == [
        (["A"], {"rest": 1, "graphql": 2, "sftp": 0}),
        (["B"], {"rest": 0, "graphql": 0, "sftp": 1}),
    ]
