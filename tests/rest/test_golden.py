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
async def test_an_answer_is_as_its_file_says(world: World, case: Case) -> None:
    assert printed(await play(case, world)) == case.file.read_text("utf-8"), "if it is meant: make snapshots"


@every_case
@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_the_lbms_family_says_the_same(world: World, case: Case) -> None:
    expected = as_lbms(json.loads(case.file.read_text("utf-8")))
    assert printed(await play(case, world, Family.LBMS)) == printed(expected)


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
