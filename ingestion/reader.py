"""Reading a delimited file record by record, in constant memory, with the line numbers of the original.

A record that cannot be read is handed out as a refusal, and reading goes on with the next physical
line: one stray quote costs its own line, not the rest of the file.
"""

import csv
import errno
import gzip
import io
import os
import stat
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from domain.errors import BatchRefused, InvalidRow

MAX_RECORD_BYTES = 65_536
"""The longest record, over all its physical lines: more than any set of attributes can hold."""

_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO})
"""Faults of the machine, which are no fault of the file: it may be opened the next time."""

BLOCK = 1024 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the number of its first line (from 1), its fields or why there are none, its bytes."""

    line: int
    fields: list[str] | InvalidRow
    raw: bytes


class Source:
    """An opened file: its header and an iterator of its records, each handed out once."""

    def __init__(self, path: Path, *, is_gzip: bool) -> None:
        self._file = open_regular(path)
        self._lines = _Lines(gzip.GzipFile(fileobj=self._file) if is_gzip else self._file)
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
            except (csv.Error, UnicodeDecodeError, _Unreadable) as error:
                # Whatever was wrong further down, this record got there because its quote was never closed.
                reason = "a quote is not closed" if self._lines.has_several else _reason(error)
                return Record(line, InvalidRow(reason), self._lines.give_back_all_but_first())
            if fields is None:
                return None
            if fields:  # a blank line holds no record
                return Record(line, self._complete(fields), self._lines.taken())

    def _complete(self, fields: list[str]) -> list[str] | InvalidRow:
        if len(fields) == len(self.header):
            return fields
        return InvalidRow(f"{len(fields)} columns where the header has {len(self.header)}")

    def _read_header(self) -> tuple[list[str], bytes, str]:
        line = self._lines.first()
        try:
            text = line.removeprefix(_BOM).decode()
            if len(line) > MAX_RECORD_BYTES or "\0" in text:
                raise _Unreadable("not a line of text")
            # Neither character can be part of a key, so the header alone tells which one separates.
            delimiter = "|" if "|" in text and "," not in text else ","
            if ";" in text and "|" not in text and "," not in text:
                raise _Unreadable("columns are separated by a comma or by |, not by a semicolon")
            columns = next(csv.reader([text], delimiter=delimiter, strict=True))
        except (csv.Error, UnicodeDecodeError, _Unreadable) as error:
            raise BatchRefused(f"the header cannot be read: {_reason(error)}") from error
        return [column.strip() for column in columns], line, delimiter


class _Unreadable(ValueError):
    """A line that the CSV parser must not be given."""


class _Lines:
    """The physical lines of a file, remembering those that the record in hand has taken."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile) -> None:
        self._stream = stream
        self._waiting: deque[bytes] = deque()
        self._taken: list[bytes] = []
        self._bytes = 0
        self._number = 1

    def first(self) -> bytes:
        """The first line that is not blank. Raises BatchRefused where there is none."""
        for line in iter(self._read, b""):
            self._number += 1
            if line.removeprefix(_BOM).strip():
                return line
        raise BatchRefused("the file is empty")

    def begin(self) -> int:
        """Forget what was taken; the number of the line that comes next."""
        self._number += len(self._taken)
        self._taken.clear()
        self._bytes = 0
        return self._number

    @property
    def has_several(self) -> bool:
        """Whether the record in hand goes over several lines."""
        return len(self._taken) > 1

    def taken(self) -> bytes:
        """The bytes of the record in hand."""
        return b"".join(self._taken)

    def give_back_all_but_first(self) -> bytes:
        """The first line taken; the others are read again, as records of their own."""
        self._waiting.extendleft(reversed(self._taken[1:]))
        del self._taken[1:]
        return self._taken[0]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._read()
        if not line:
            raise StopIteration
        self._taken.append(line)
        self._bytes += len(line)
        if self._bytes > MAX_RECORD_BYTES:
            raise _Unreadable(f"longer than {MAX_RECORD_BYTES} bytes")
        if b"\0" in line:
            raise _Unreadable("a NUL byte")
        return line.decode()

    def _read(self) -> bytes:
        """The next line; one that is too long comes cut, just long enough to be refused."""
        try:
            line = self._stream.readline(MAX_RECORD_BYTES + 1)
            rest = line
            while len(rest) > MAX_RECORD_BYTES and not rest.endswith(b"\n"):
                rest = self._stream.readline(MAX_RECORD_BYTES + 1)
        except (EOFError, OSError, zlib.error) as error:
            raise unpacking_fault(error) from error
        return line


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


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text"
    if isinstance(error, csv.Error):
        return next((ours for theirs, ours in _CSV_FAULTS.items() if theirs in str(error)), "not CSV")
    return str(error)


_CSV_FAULTS = {
    "new-line": "a carriage return stands inside a row: lines end in LF or CRLF",
    "expected after": "a character follows a closing quote",
    "unexpected end": "a quote is not closed",
}
"""What Python's parser says, which is told to programmers, and what is told to partners."""


def unpacking_fault(error: Exception) -> BatchRefused:
    """The refusal that tells partners why a file cannot be unpacked."""
    match error:
        case EOFError():
            reason = "it ends too early"
        case gzip.BadGzipFile() | zlib.error():
            reason = "it is no gzip file, or damaged"
        case _:
            reason = "it cannot be read to its end"
    return BatchRefused(f"the file cannot be unpacked: {reason}")
