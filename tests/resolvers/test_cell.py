"""Cells that spreadsheets show and do not run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.cell import as_written, harmless


@given(st.text(alphabet="'=+-@ 0a\t\r(", max_size=8) | st.text())
def test_every_text_reads_back_as_it_was(text: str) -> None:
    assert as_written(harmless(text)) == as_written(harmless(text, keeps_numbers=True)) == text


@given(st.text(alphabet="'=+-@ 0a\t\r(", max_size=8))
def test_nothing_but_numbers_begins_like_a_formula(text: str) -> None:
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    cell = harmless(text, keeps_numbers=True)
    if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        assert set(cell) <= set("+-0123456789 .()/")
        assert cell[0] in "+-"
        assert not {"+", "="} & set(cell[1:])


@pytest.mark.parametrize("text", ["-5", "+49 (171) 12-3", "-0.25", "plain", "'quoted", ""])
def test_numbers_and_words_are_left_alone(text: str) -> None:
    assert harmless(text, keeps_numbers=True) == text


@pytest.mark.parametrize("text", ["=1+1", "-1+cmd", "@x", "'=x", "-", "+a"])
def test_what_a_spreadsheet_would_run_is_quoted(text: str) -> None:
    assert harmless(text) == harmless(text, keeps_numbers=True) == f"'{text}"
