"""Every change stands in the audit trail with before and after: each action that the code names has its shape.

`tests.audited` holds every entry that any test of the suite writes to that shape.
"""

import ast
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.architecture.module_sizes import ROOT
from tests.audited import NOTED, SHAPES, Shape, check_shape, shape_of

FOLDERS = ("resolvers", "ingestion", "tessera", "schema", "rest_compat")
NO_ACTIONS = {
    "member.enrolled", "member.erased", "member.updated", "order.placed", "otp.generate", "otp.verify", "password.set",
    "secret.import", "sub_relation.unlinked", "tessera.messages",
}  # fmt: skip
"""Topics of events, use cases and loggers, which are written like actions beside them."""
_NAME = re.compile(r"[a-z_-]+(\.[a-z_*-]+)+")


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _names(tree: ast.AST) -> set[str]:
    """The names of actions in a module that writes to the trail, with a star for what it fills in."""
    writers = {"record", "audit", "record_change", "note", "note_change", "note_points"}
    if not any(_called(one) in writers for one in ast.walk(tree) if isinstance(one, ast.Call)):
        return set()
    found = set()
    for one in ast.walk(tree):
        if isinstance(one, ast.Constant):
            found.add(str(one.value))
        elif isinstance(one, ast.JoinedStr):
            found.add("".join(str(each.value) if isinstance(each, ast.Constant) else "*" for each in one.values))
    return {one for one in found if _NAME.fullmatch(one)} - NO_ACTIONS


def test_every_action_of_the_code_has_a_shape_and_every_shape_an_action() -> None:
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    names = {name for path in paths for name in _names(ast.parse(Path(path).read_text()))}
    assert {name for name in names if "*" not in name and shape_of(name) is None} == set()
    assert {name for name in names if "*" in name and not any(fnmatchcase(one, name) for one in SHAPES)} == set()
    assert {one for one in SHAPES if not any(fnmatchcase(one, name) for name in names)} == set()
    assert all(NOTED.values())


def test_an_entry_without_its_before_or_after_fails_the_test_that_leads_to_it() -> None:
    for action in (one for one, shape in SHAPES.items() if shape is Shape.CHANGED):
        check_shape(action, {"is": 1}, {"is": 2})
        for before, after in ((None, {"is": 1}), ({"is": 1}, None)):
            with pytest.raises(AssertionError, match=action):
                check_shape(action, before, after)
