"""Reading a delimited file record by record, in constant memory, with the line numbers of the original.

A record that cannot be read is handed out as a refusal, and reading goes on with the next physical
line: one stray quote costs its own line, not the rest of the file.
"""

import csv
import errno
import gzip
import io
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from domain.errors import BatchRefused, InvalidRow
from domain.file_terms import Delimiter, Encoding, FileTerms
from ingestion.lines import BOM, MAX_RECORD_BYTES, TEXT_NAMES, Lines, Unreadable

_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO})
"""Faults of the machine, which are no fault of the file: it may be opened the next time."""

BLOCK = 1024 * 1024
_SEPARATORS: Mapping[Delimiter, str] = {"comma": ",", "pipe": "|"}
_DEFAULT = FileTerms()


@dataclass(slots=True)
class Record:
    """One record: the number of its first line (from 1), its fields or why there are none, its bytes."""

    line: int
    fields: list[str] | InvalidRow
    raw: bytes


class Source:
    """An opened file: its header and an iterator of its records, each handed out once.

    `terms` say what separates its columns, and how it is encoded, unless it begins with a byte order mark.
    """

    def __init__(self, path: Path, *, is_gzip: bool, terms: FileTerms = _DEFAULT) -> None:
        self._file = open_regular(path)
        self._terms = terms
        self._lines = Lines(gzip.GzipFile(fileobj=self._file) if is_gzip else self._file, terms.encoding)
        try:
            self.header, self.header_raw, self._delimiter = self._read_header()
        except BaseException:
            self.close()
            raise

    def records(self) -> Iterator[Record]:
        """The records after the header. Raises BatchRefused where the rest cannot be unpacked."""
        parser = csv.reader(self._lines, delimiter=self._delimiter, strict=True)
        while (record := self._next(parser)) is not None:
            yield record

    @property
    def position(self) -> int:
        """How many bytes of the file, as it lies on the disk, have been read."""
        return self._file.tell()

    @property
    def stamp(self) -> tuple[int, int]:
        """See `stamp_of`."""
        return stamp_of(self._file)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _next(self, parser: Iterator[list[str]]) -> Record | None:
        while True:
            line = self._lines.begin()
            try:
                fields = next(parser, None)
            except (csv.Error, UnicodeDecodeError, Unreadable) as error:
                # Whatever was wrong further down, this record got there because its quote was never closed.
                is_open = self._lines.has_several
                reason = "a quote is not closed" if is_open else _reason(error, self._lines.encoding)
                return Record(line, InvalidRow(reason), self._lines.give_back_all_but_first())
            if fields is None:
                return None
            if fields:  # a blank line holds no record
                raw = self._lines.taken()
                return Record(line, self._complete(fields, raw), raw)

    def _complete(self, fields: list[str], raw: bytes) -> list[str] | InvalidRow:
        if len(fields) != len(self.header):
            return InvalidRow(f"{len(fields)} columns where the header has {len(self.header)}")
        if b'"' in raw and any(map(_LOOKS_QUOTED, fields)) and not self._is_quoted_rightly():
            # The parser takes such a quote as a letter, and whoever wrote it did not mean one.
            return InvalidRow("a blank stands before a quote")
        return fields

    def _is_quoted_rightly(self) -> bool:
        """Whether the quotes of the record in hand stand at the very beginning of their fields."""
        unquoted = _QUOTED[self._delimiter].sub("", self._lines.text())
        return not any(map(_LOOKS_QUOTED, unquoted.split(self._delimiter)))

    def _read_header(self) -> tuple[list[str], bytes, str]:
        line = self._lines.first()
        if line.startswith(BOM):
            self._lines.encoding = "utf-8"
        try:
            text = self._lines.decode(line.removeprefix(BOM))
            if len(line) > MAX_RECORD_BYTES or "\0" in text:
                raise Unreadable("not a line of text")
            delimiter = self._separator(text)
            columns = next(csv.reader([text], delimiter=delimiter, strict=True))
        except (csv.Error, UnicodeDecodeError, Unreadable) as error:
            reason = _reason(error, self._lines.encoding)
            raise BatchRefused(f"the header cannot be read: {reason}") from error
        return [column.strip() for column in columns], line, delimiter

    def _separator(self, header: str) -> str:
        # None of these characters can be part of a key, so the header alone tells which one separates.
        found = next((one for one in ",|;\t" if one in header), None)
        wanted = _SEPARATORS.get(self._terms.delimiter)
        if found is None or found == wanted or (wanted is None and found in ",|"):
            return wanted or found or ","
        expected = "a comma or by |" if wanted is None else "|" if wanted == "|" else "a comma"
        raise Unreadable(f"columns are separated by {expected}, not by {_NAMED.get(found, found)}")


_NAMED = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
_LOOKS_QUOTED = re.compile(r'\s+"').match
_QUOTED = {one: re.compile(rf'(?<![^{one}])"(?:[^"]|"")*"') for one in ",|"}


def open_regular(path: Path) -> io.BufferedReader:
    """The opened file. Raises BatchRefused where it is away, not readable or not a plain file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _PASSING:
            raise
        raise BatchRefused(f"the file cannot be opened: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BatchRefused("not a plain file")
    return io.BufferedReader(io.FileIO(descriptor), buffer_size=BLOCK)


def stamp_of(file: BinaryIO) -> tuple[int, int]:
    """What changes when somebody writes to the file: its size and when it was written to."""
    facts = os.fstat(file.fileno())
    return facts.st_size, facts.st_mtime_ns


def _reason(error: Exception, encoding: Encoding) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not {TEXT_NAMES[encoding]} text"
    if isinstance(error, csv.Error):
        return next((ours for theirs, ours in _CSV_FAULTS.items() if theirs in str(error)), "not CSV")
    return str(error)


_CSV_FAULTS = {
    "new-line": "a carriage return stands inside a row: lines end in LF or CRLF",
    "expected after": "a character follows a closing quote",
    "unexpected end": "a quote is not closed",
}
"""What Python's parser says, which is told to programmers, and what is told to partners."""
