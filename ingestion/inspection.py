"""What identifies a file, found out by reading it once: its hash, its length, whether it can be unpacked."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from domain.errors import BatchRefused
from ingestion.lines import unpacking_fault
from ingestion.reader import BLOCK, open_regular, stamp_of

MAX_FILE_BYTES = 2 * 1024**3
"""The largest file as it lies on the disk."""

MAX_UNPACKED_BYTES = 8 * 1024**3
MAX_EXPANSION = 250
"""What a packed file may become: in all, and for each packed byte once the first mebibyte is out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFacts:
    """What identifies a file, and how long it is. `stamp` changes when somebody writes to it.

    `rows` are the lines after the first: as many as records, where none goes over several lines and none is blank.
    """

    sha256: str
    size: int
    stamp: tuple[int, int]
    rows: int


def inspect_file(path: Path, *, is_gzip: bool, promised: str | None = None) -> FileFacts:
    """The hash of a file as it lies on the disk; a packed one is unpacked once to prove that it can be.

    `promised` is the hash that its sender told. Raises BatchRefused.
    """
    with open_regular(path) as file:
        stamp = stamp_of(file)
        if stamp[0] > MAX_FILE_BYTES:
            raise BatchRefused(f"larger than {MAX_FILE_BYTES} bytes")
        digest, lines = _hash_and_count(file)
        if promised is not None and digest != promised:
            raise BatchRefused(f"its SHA-256 is {digest}, and its checksum file says {promised}")
        if is_gzip:
            file.seek(0)
            lines = _prove_unpackable(file, stamp[0])
        return FileFacts(sha256=digest, size=stamp[0], stamp=stamp, rows=max(0, lines - 1))


def _hash_and_count(file: BinaryIO) -> tuple[str, int]:
    """The hash of the bytes and the number of lines, of which the last may have no end."""
    digest, lines = hashlib.sha256(), _LineCount()
    while block := file.read(BLOCK):
        digest.update(block)
        lines.add(block)
    return digest.hexdigest(), lines.total


class _LineCount:
    """Counts lines in blocks of bytes."""

    def __init__(self) -> None:
        self._ends = 0
        self._is_open = False

    def add(self, block: bytes) -> None:
        """Count those of a block, which is not empty."""
        self._ends += block.count(b"\n")
        self._is_open = not block.endswith(b"\n")

    @property
    def total(self) -> int:
        """How many lines there were."""
        return self._ends + self._is_open


def _prove_unpackable(file: BinaryIO, size: int) -> int:
    """Unpack a file once, in constant memory; how many lines come out. Raises BatchRefused."""
    total, lines = 0, _LineCount()
    try:
        with gzip.open(file) as packed:
            while block := packed.read(BLOCK):
                total += len(block)
                lines.add(block)
                if total > MAX_UNPACKED_BYTES or total > BLOCK + MAX_EXPANSION * size:
                    raise BatchRefused("the packed file grows beyond all measure")
    except (EOFError, OSError, zlib.error) as error:
        raise unpacking_fault(error) from error
    return lines.total
