"""Modules and functions stay short, and what is too long today may only shrink."""

from pathlib import Path

import pytest

from tests.architecture.module_sizes import complaints, measure, recorded


def test_no_module_and_no_function_is_longer_than_it_may_be() -> None:
    found = complaints(measure(), recorded())
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("size", "record", "complaint"),
    [
        (300, {}, None),
        (301, {}, "split it"),
        (310, {"domain/a.py": 310}, None),
        (311, {"domain/a.py": 310}, "split it"),
        (309, {"domain/a.py": 310}, "make snapshots"),
        (300, {"domain/a.py": 300}, "make snapshots"),
        (501, {"domain/a.py": 501}, "never more than 500"),
    ],
)
def test_a_recorded_size_may_only_shrink(size: int, record: dict[str, int], complaint: str | None) -> None:
    found = complaints({"domain/a.py": size}, record)
    assert len(found) == (complaint is not None)
    assert not complaint or complaint in found[0]


def test_a_function_is_measured_without_its_docstring(tmp_path: Path) -> None:
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain" / "a.py").write_text(
        'class A:\n    def f(self):\n        """One.\n\n        Two."""\n        return 1\n'
    )
    assert measure(tmp_path) == {"domain/a.py": 6, "domain/a.py::A.f": 2}
