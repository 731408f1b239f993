"""The physical lines of a file as text, in bounded memory, remembering those that the record in hand has taken."""

import gzip
import re
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from domain.errors import BatchRefused
from domain.file_terms import Encoding

MAX_RECORD_BYTES = 65_536
"""The longest record, over all its physical lines: more than any set of attributes can hold."""

BOM = b"\xef\xbb\xbf"
TEXT_NAMES: Mapping[Encoding, str] = {"utf-8": "UTF-8", "latin-1": "ISO 8859-1"}
# Control characters in ISO 8859-1, and letters in what Windows writes in its place: a guess would be silent.
_NOT_LATIN_1 = re.compile(rb"[\x80-\x9f]")


class Unreadable(ValueError):
    """A line that the CSV parser must not be given."""


class Lines:
    """The lines of a stream. Iterating raises Unreadable and UnicodeDecodeError for one that is no text."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile, encoding: Encoding) -> None:
        self.encoding = encoding
        self._stream = stream
        self._waiting: deque[bytes] = deque()
        self._taken: list[bytes] = []
        self._bytes = 0
        self._number = 1

    def first(self) -> bytes:
        """The first line that is not blank. Raises BatchRefused where there is none."""
        for line in iter(self._read, b""):
            self._number += 1
            if line.removeprefix(BOM).strip():
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
            raise Unreadable(f"longer than {MAX_RECORD_BYTES} bytes")
        if b"\0" in line:
            raise Unreadable("a NUL byte")
        return self.decode(line)

    def decode(self, line: bytes) -> str:
        """The text of a line. Raises UnicodeDecodeError, Unreadable."""
        if self.encoding == "latin-1" and _NOT_LATIN_1.search(line):
            raise Unreadable(f"not {TEXT_NAMES['latin-1']} text")
        return line.decode(self.encoding)

    def text(self) -> str:
        """The text of the record in hand."""
        return self.taken().decode(self.encoding)

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


def unpacking_fault(error: Exception) -> BatchRefused:
    """The refusal of a packed file that cannot be read to its end."""
    match error:
        case EOFError():
            reason = "it ends too early"
        case gzip.BadGzipFile() | zlib.error():
            reason = "it is no gzip file, or damaged"
        case _:
            reason = "it cannot be read to its end"
    return BatchRefused(f"the file cannot be unpacked: {reason}")
