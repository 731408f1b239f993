"""Reading delimited files: lines, quoting, encodings, and what is wrong with them."""

import csv
import gzip
import io
import os
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BatchRefused, InvalidRow
from domain.file_terms import FileTerms
from ingestion.lines import MAX_RECORD_BYTES
from ingestion.reader import Record, Source, inspect_file

AUTO = FileTerms()


def read(folder: Path, content: bytes, name: str = "x.csv", terms: FileTerms = AUTO) -> tuple[list[str], list[Record]]:
    """The header and the records of a file with this content."""
    path = folder / name
    path.write_bytes(content)
    with closing(Source(path, is_gzip=name.endswith(".gz"), terms=terms)) as source:
        return source.header, list(source.records())


def shown(records: list[Record]) -> list[tuple[int, list[str] | str]]:
    """Line and fields, or line and reason."""
    return [(r.line, (r.fields.detail or "") if isinstance(r.fields, InvalidRow) else r.fields) for r in records]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n1,2\n3,4\n", [(2, ["1", "2"]), (3, ["3", "4"])]),
        (b"a,b\r\n1,2\r\n3,4", [(2, ["1", "2"]), (3, ["3", "4"])]),
        (b"\xef\xbb\xbfa,b\n1,2\n", [(2, ["1", "2"])]),
        (b"a|b\n1|2,5\n", [(2, ["1", "2,5"])]),
        (b'a,b\n"1,1","say ""hi"""\n', [(2, ["1,1", 'say "hi"'])]),
        (b'a,b\n"one\ntwo",2\n3,4\n', [(2, ["one\ntwo", "2"]), (4, ["3", "4"])]),
        (b'a,b\n"one\r\ntwo",2\r\n3,4\r\n', [(2, ["one\r\ntwo", "2"]), (4, ["3", "4"])]),
        (b"a,b\n\n1,2\n\n\n3,4\n\n", [(3, ["1", "2"]), (6, ["3", "4"])]),
        (b"\n\na,b\n1,2\n", [(4, ["1", "2"])]),
        (b"a,b\n,\n", [(2, ["", ""])]),
        ('a,b\n5" disc,é\n'.encode(), [(2, ['5" disc', "é"])]),
        (b"a,b\n", []),
    ],
)
def test_records_come_with_the_line_they_begin_on(
    tmp_path: Path, content: bytes, expected: list[tuple[int, list[str]]]
) -> None:
    header, records = read(tmp_path, content)
    assert header == ["a", "b"]
    assert shown(records) == expected


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"1\n", "1 columns where the header has 2"),
        (b"1,2,3\n", "3 columns where the header has 2"),
        (b"1,\xff\n", "not UTF-8 text"),
        (b"1,\0\n", "a NUL byte"),
        (b"1," + b"x" * MAX_RECORD_BYTES + b"\n", f"longer than {MAX_RECORD_BYTES} bytes"),
        (b'1,"x\n', "a quote is not closed"),
        (b'"1"x,2\n', "a character follows a closing quote"),
        (b"1\r2,3\n", "a carriage return stands inside a row"),
    ],
)
def test_a_bad_row_is_refused_alone(tmp_path: Path, bad: bytes, reason: str) -> None:
    # The quotes further down are what a stray quote would be closed by.
    _, records = read(tmp_path, b"a,b\n1,2\n" + bad + b'5,"six"\n"7",8\n')
    assert shown(records[:1]) == [(2, ["1", "2"])]
    assert shown(records[2:]) == [(4, ["5", "six"]), (5, ["7", "8"])]
    refusal = records[1].fields
    assert isinstance(refusal, InvalidRow)
    assert (records[1].line, refusal.code) == (3, "1302")
    assert reason in (refusal.detail or "")
    assert bad.startswith(records[1].raw[:MAX_RECORD_BYTES])


def test_a_quote_that_is_never_closed_costs_one_line(tmp_path: Path) -> None:
    rows = b"".join(b"%d,x\n" % number for number in range(50_000))
    _, records = read(tmp_path, b'a,b\n1,"x\n' + rows)
    assert isinstance(records[0].fields, InvalidRow)
    assert [record.fields for record in records[1:]] == [[str(number), "x"] for number in range(50_000)]
    assert [record.line for record in records] == list(range(2, 50_003))


def test_a_line_that_is_too_long_does_not_stop_what_follows(tmp_path: Path) -> None:
    _, records = read(tmp_path, b'a,b\n1,"x\n' + b"y" * (5 * MAX_RECORD_BYTES) + b"\n3,4\n")
    assert [(record.line, isinstance(record.fields, InvalidRow)) for record in records] == [
        (2, True),
        (3, True),
        (4, False),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\n\r\n\n", "the file is empty"),
        (b"\xef\xbb\xbf\n", "the file is empty"),
        (b'a,"b\n1,2\n', "the header cannot be read: a quote is not closed"),
        (b"a;b\n1;2\n", "not by a semicolon"),
        ("a,b\n".encode("utf-16"), "the header cannot be read"),
        (b"a,\xe9\n", "not UTF-8 text"),
        (b"\x1f\x8b\x08\x00", "not UTF-8 text"),
        (b"a" * (MAX_RECORD_BYTES + 5), "not a line of text"),
    ],
)
def test_a_file_without_a_readable_header_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(BatchRefused, match=reason):
        read(tmp_path, content)


LATIN = FileTerms(encoding="latin-1")
COMMA, PIPE = FileTerms(delimiter="comma"), FileTerms(delimiter="pipe")


@pytest.mark.parametrize(
    ("terms", "content", "expected"),
    [
        (LATIN, b"a,b\nM\xfcller,\xe9\xa0\n", [(2, ["Müller", "é\xa0"])]),
        # The mark says that it is UTF-8 after all.
        (LATIN, b"\xef\xbb\xbfa,b\nM\xc3\xbcller,x\n", [(2, ["Müller", "x"])]),
        (LATIN, b"a,b\n1,\x80\n2,x\n", [(2, "not ISO 8859-1 text"), (3, ["2", "x"])]),
        (LATIN, b"a,b\n1,\0\n", [(2, "a NUL byte")]),
        (PIPE, b"a|b\n1,5|2\n", [(2, ["1,5", "2"])]),
        (COMMA, b"a,b\n1|5,2\n", [(2, ["1|5", "2"])]),
        (COMMA, b'a,b\n"x|y",2\n', [(2, ["x|y", "2"])]),
        (COMMA, b'a,b\nx|"y","z"\n', [(2, ['x|"y"', "z"])]),
    ],
)
def test_a_program_says_how_its_files_are_written(
    tmp_path: Path, terms: FileTerms, content: bytes, expected: list[tuple[int, list[str] | str]]
) -> None:
    header, records = read(tmp_path, content, terms=terms)
    assert header == ["a", "b"]
    assert shown(records) == expected


@pytest.mark.parametrize(
    ("terms", "content", "reason"),
    [
        (COMMA, b"a|b\n1|2\n", "columns are separated by a comma, not by |"),
        (PIPE, b"a,b\n1,2\n", "columns are separated by |, not by a comma"),
        (PIPE, b"a;b\n1;2\n", "columns are separated by |, not by a semicolon"),
        (FileTerms(), b"a\tb\n1\t2\n", "columns are separated by a comma or by |, not by a tab"),
        (LATIN, b"a,\x80\n", "not ISO 8859-1 text"),
        (LATIN, "a,b\n".encode("utf-16"), "the header cannot be read"),
    ],
)
def test_a_file_that_is_written_otherwise_is_refused(
    tmp_path: Path, terms: FileTerms, content: bytes, reason: str
) -> None:
    with pytest.raises(BatchRefused) as refused:
        read(tmp_path, content, terms=terms)
    assert reason in str(refused.value)


@pytest.mark.parametrize("row", [b'1, "x"\n', b' "1",x\n', b'1,\t"x, y"\n'])
def test_a_blank_before_a_quote_is_not_taken_for_a_letter(tmp_path: Path, row: bytes) -> None:
    _, records = read(tmp_path, b"a,b\n" + row + b'"  ""x""",y\n')
    assert isinstance(records[0].fields, InvalidRow)
    # Such a text is fine where it stands in quotes itself.
    assert records[1].fields == ['  "x"', "y"]


def test_a_packed_file_reads_like_the_plain_one(tmp_path: Path) -> None:
    content = b'a,b\r\n1,"two\r\nlines"\r\n3\r\n5,6'
    header, packed = read(tmp_path, gzip.compress(content), "x.csv.gz")
    assert header == ["a", "b"]
    plain = read(tmp_path, content)[1]
    assert shown(packed) == shown(plain)
    assert [record.raw for record in packed] == [record.raw for record in plain]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(b"a,b\n1,2\n" * 1000)[:-12], "cannot be unpacked: it ends too early"),
        (gzip.compress(b"a,b\n1,2\n")[:-8] + b"\0" * 8, "cannot be unpacked"),
        (b"a,b\n1,2\n", "cannot be unpacked: it is no gzip file, or damaged"),
        (gzip.compress(b"a,b\n" + b"0" * 3_000_000), "grows beyond all measure"),
    ],
    ids=["torn", "wrong checksum", "not packed", "bomb"],
)
def test_a_packed_file_is_proved_before_it_is_read(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(content)
    with pytest.raises(BatchRefused, match=reason):
        inspect_file(path, is_gzip=True)


def test_only_plain_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("pipe.csv", ".", "absent.csv"):
        with pytest.raises(BatchRefused):
            inspect_file(tmp_path / name, is_gzip=False)


def test_memory_stays_flat_whatever_the_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    with path.open("wb") as file:
        file.write(b"a,b\n")
        file.write(b"1,2\n" * 200_000)
        file.write(b"9" * 30_000_000)
    with closing(Source(path, is_gzip=False)) as source:
        tracemalloc.start()
        bad = sum(isinstance(record.fields, InvalidRow) for record in source.records())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert bad == 1
    assert peak < 4_000_000


# The csv module's own writer is the second opinion; it cannot write a bare carriage return unquoted.
texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
tables = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(texts, min_size=width, max_size=width), min_size=1, max_size=20)
)


@given(tables, st.sampled_from([",", "|"]), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_a_csv_writer_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]], delimiter: str, end: str, bom: bool
) -> None:
    header = [f"k{number}" for number in range(len(table[0]))]
    if len(header) == 1:
        delimiter = ","  # with one column nothing in the header tells which it is
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(table)
    head = delimiter.join(header) + end
    folder = tmp_path_factory.mktemp("read")
    content = (b"\xef\xbb\xbf" if bom else b"") + (head + text.getvalue()).encode()
    found, records = read(folder, content)
    assert found == header
    assert [record.fields for record in records] == table
    assert b"".join(record.raw for record in records) == text.getvalue().encode()


@given(st.lists(st.sampled_from([b'"', b",", b"\n", b"\r\n", b"\r", b"x", b"\0", b"\xff", "é".encode()]), max_size=60))
def test_no_bytes_break_the_reader_or_get_lost(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    content = b"a,b\n" + b"".join(pieces)
    _, records = read(tmp_path_factory.mktemp("fuzz"), content)
    physical = content.split(b"\n")
    for record in records:
        first = physical[record.line - 1]
        assert record.raw.startswith(first)
        assert isinstance(record.fields, InvalidRow) or len(record.fields) == 2
    assert [record.line for record in records] == sorted({record.line for record in records})
    # Every line is in some record, or blank.
    covered = {
        record.line + offset
        for record in records
        for offset in range(record.raw.count(b"\n") + (not record.raw.endswith(b"\n")))
    }
    for number, line in enumerate(physical[1:], start=2):
        assert number in covered or not line.strip(b"\r")
