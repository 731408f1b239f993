"""Every operation answers its golden files byte for byte, in both families and on both databases."""

import json

import pytest

from rest_compat.envelope import Family
from rest_compat.refusal import errors_of
from rest_compat.routes import OPERATIONS
from tests.rest.golden.all_cases import CASES
from tests.rest.golden.case import FOLDER, Case
from tests.rest.golden.common import BROKEN_SERVER
from tests.rest.golden.play import as_lbms, play, printed
from tests.rest.world import World

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)


@every_case
async def test_an_answer_is_as_its_file_says(world: World, case: Case, family: Family) -> None:
    written = case.file.read_text("utf-8")
    expected = written if family is Family.V1 else printed(as_lbms(json.loads(written)))
    assert printed(await play(case, world, family)) == expected, "if it is meant: make snapshots"


def test_every_error_of_every_operation_has_a_file() -> None:
    shown = {(case.operation, case.error) for case in CASES}
    wanted = {
        (row.name, error) for row in OPERATIONS for error in (None, *errors_of(row)) if error not in BROKEN_SERVER
    }
    assert wanted - shown == set()
    # And no case is of an error that the table, and so the documentation, does not know of.
    assert shown - wanted == set()


def test_every_file_has_one_case() -> None:
    files = [case.file for case in CASES]
    assert len(set(files)) == len(files)
    assert set(files) == set(FOLDER.glob("*/*.json"))
