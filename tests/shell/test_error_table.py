"""The catalogue of errors: integrators branch on its codes, so no code means two things."""

from collections import Counter

from tessera.pages import error_table


def test_no_two_errors_share_a_code() -> None:
    assert {code for code, count in Counter(row["code"] for row in error_table()).items() if count > 1} == set()
