"""The reader against a second reader and a writer of their own: what it accepts is what was meant.

A minute of examples each day; ten minutes with `TESSERA_TEST_LONG=1`.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from domain.errors import BatchRefused, InvalidRow
from domain.file_terms import Delimiter, Encoding, FileTerms
from ingestion.lines import MAX_RECORD_BYTES
from ingestion.reader import Record, Source
from tests.scale import long_run

SECONDS = 300 if long_run else 5
SEPARATORS: dict[Delimiter, str] = {"comma": ",", "pipe": "|"}
BOM = b"\xef\xbb\xbf"
KEYS = "abcde"


@dataclass(frozen=True, slots=True)
class Written:
    """A row as a writer wrote it: its fields (None: it is no row), and its bytes."""

    fields: list[str] | None
    raw: bytes


class Texts:
    """Fields that tempt a reader, of letters that an encoding has."""

    def __init__(self, encoding: Encoding) -> None:
        plain = st.characters(min_codepoint=1, max_codepoint=0x7E)
        latin = st.characters(min_codepoint=0xA0, max_codepoint=0xFF)
        wide = st.characters(min_codepoint=1, max_codepoint=0x10FFFF, exclude_categories=["Cs"])
        letters = plain | latin if encoding == "latin-1" else plain | latin | wide
        odd = st.sampled_from(['"', '""', ",", "|", ";", "\t", "\n", "\r\n", "\r", " ", "x", "é", "'", "#", "\\", "="])
        self.field = st.lists(odd | letters, max_size=8).map("".join) | st.just("")


def quoted(field: str) -> str:
    """A field in quotes, as RFC 4180 has it."""
    return '"' + field.replace('"', '""') + '"'


def needs_quotes(field: str, separator: str) -> bool:
    return any(one in field for one in f'{separator}"\n\r') or field != field.strip()


def break_row(draw: st.DrawFn, row: str, encoding: Encoding) -> bytes:
    """The bytes of a row after something happened to them."""
    raw = row.encode(encoding)
    place = draw(st.integers(0, len(raw)))
    pieces = [b'"', b"\0", b"\xff", b"\x85", b"\r", b" ", b",", b"|", b"\n", b'""', b"\xe9", b"\x1a"]
    what = draw(st.sampled_from([*pieces, b"", None]))
    if what is None:
        return raw[:place] + raw[place + 1 :]
    return raw[:place] + what + raw[place:]


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, FileTerms, list[Written]]:
    """A file, what the program says about it, and its rows as they were meant; broken ones have no meaning."""
    encoding: Encoding = draw(st.sampled_from(("utf-8", "latin-1")))
    delimiter: Delimiter = draw(st.sampled_from(tuple(SEPARATORS)))
    separator, end = SEPARATORS[delimiter], draw(st.sampled_from(("\n", "\r\n")))
    terms = FileTerms(delimiter=draw(st.sampled_from(("auto", delimiter))), encoding=encoding)
    width = draw(st.integers(2, 5))
    has_bom = encoding == "utf-8" and draw(st.booleans())
    header = separator.join(KEYS[:width]) + end
    rows: list[Written] = []
    field = Texts(encoding).field
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(("row", "row", "row", "blank", "broken")))
        if kind == "blank":
            rows.append(Written(None, end.encode()))
            continue
        values = draw(st.lists(field, min_size=width, max_size=width))
        row = separator.join(
            quoted(one) if needs_quotes(one, separator) or draw(st.booleans()) else one for one in values
        )
        if kind == "row":
            rows.append(Written(values, (row + end).encode(encoding)))
        else:
            rows.append(Written(None, break_row(draw, row, encoding) + end.encode()))
    raw = b"".join(one.raw for one in rows)
    if draw(st.booleans()):
        raw = raw.removesuffix(end.encode())
    return (BOM if has_bom else b"") + header.encode() + raw, terms, rows


def read_strictly(text: str, separator: str) -> list[str] | None:
    """One record by RFC 4180, with quotes inside of fields that do not begin with one; None: it is no record."""
    fields, at = [], 0
    while True:
        if text.startswith('"', at):
            closing_at = at + 1
            while (found := text.find('"', closing_at)) >= 0 and text.startswith('""', found):
                closing_at = found + 2
            if found < 0:
                return None
            fields.append(text[at + 1 : found].replace('""', '"'))
            at = found + 1
        else:
            found = text.find(separator, at)
            value = text[at : found if found >= 0 else len(text)]
            if "\n" in value or "\r" in value or value.lstrip().startswith('"'):
                return None
            fields.append(value)
            at += len(value)
        if at == len(text):
            return fields
        if not text.startswith(separator, at):
            return None
        at += 1


def read(folder: Path, content: bytes, terms: FileTerms) -> list[Record]:
    path = folder / "x.csv"
    path.write_bytes(content)
    with closing(Source(path, is_gzip=False, terms=terms)) as source:
        return list(source.records())


def until(seconds: float) -> Iterator[int]:
    """Rounds of examples until the time is over."""
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end or not number:
        yield number
        number += 1


def check(content: bytes, terms: FileTerms, rows: Sequence[Written], folder: Path) -> None:
    """Every accepted record is what its own bytes say, and what was meant wherever nothing was broken before."""
    records = read(folder, content, terms)
    encoding: Encoding = "utf-8" if content.startswith(BOM) else terms.encoding
    separator = "|" if b"|" in content.split(b"\n", 1)[0] else ","
    physical = content.split(b"\n")
    covered = 2
    for record in records:
        assert record.line >= covered, "a line stands in two records"
        assert all(not one.strip(b"\r") for one in physical[covered - 1 : record.line - 1]), "a line got lost"
        covered = record.line + record.raw.count(b"\n") + (not record.raw.endswith(b"\n"))
        assert b"\n".join(physical[record.line - 1 :]).startswith(record.raw)
        if not isinstance(record.fields, InvalidRow):
            text = record.raw.decode(encoding)
            assert record.fields == read_strictly(text.rstrip("\n").rstrip("\r") if text else "", separator)
    assert all(not one.strip(b"\r") for one in physical[covered - 1 :]), "the end got lost"
    by_line = {record.line: record.fields for record in records}
    line, is_sound = 2, True
    for one in rows:
        if one.fields is not None and is_sound:
            assert by_line.get(line) == one.fields
        # What is broken may reach as far as the next quote.
        is_sound = is_sound and (one.fields is not None or not one.raw.strip())
        line += one.raw.count(b"\n")


def test_what_is_accepted_is_what_was_meant(tmp_path: Path) -> None:
    for number in until(SECONDS):

        @settings(max_examples=400, database=None, deadline=None, suppress_health_check=list(HealthCheck))
        @given(files())
        def examples(file: tuple[bytes, FileTerms, list[Written]]) -> None:
            check(*file, tmp_path)

        seed(number)(examples)()


def test_no_bytes_are_misread_or_get_lost(tmp_path: Path) -> None:
    pieces = [b'"', b'""', b",", b"|", b"\n", b"\r\n", b"\r", b"x", b" ", b"\0", b"\xff", b"\x80", "é".encode()]
    terms = st.builds(
        FileTerms, delimiter=st.sampled_from(("auto", "comma", "pipe")), encoding=st.sampled_from(("utf-8", "latin-1"))
    )
    long = st.just(b"y" * (MAX_RECORD_BYTES - 3))
    for number in until(SECONDS):

        @settings(max_examples=400, database=None, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.sampled_from([b"a,b\n", b"a|b\r\n", BOM + b"a,b\n"]), st.lists(st.sampled_from(pieces) | long), terms)
        def examples(header: bytes, body: list[bytes], said: FileTerms) -> None:
            try:
                check(header + b"".join(body), said, [], tmp_path)
            except BatchRefused as refusal:
                assert "the header cannot be read: columns are separated by" in str(refusal)  # noqa: PT017

        seed(number)(examples)()
