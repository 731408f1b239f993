"""The list of the erased in the data folder, outside the database and its backups: ids, keyed hashes and times.

Lines are added, never taken away, so that a database from an older backup shortens nothing.
"""

import fcntl
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from resolvers.context import Services
from resolvers.erasure_list import Erasure, erasures_since
from tessera.locking import CommandRefused

FILE_NAME = "erasures.jsonl"
# Commits of other processes may become visible later than their time says.
_OVERLAP = timedelta(hours=1)


class ErasureList:
    """The job that keeps the list of this data folder up to date."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / FILE_NAME
        self._seen: frozenset[Erasure] = frozenset()
        self._latest: datetime | None = None

    async def keep(self, services: Services) -> int:
        """Add who was erased since; how many."""
        since = None if self._latest is None else self._latest - _OVERLAP
        found = await erasures_since(services, since)
        if not set(found) - self._seen:
            return 0
        added = add_erasures(self._file, found)
        self._seen, self._latest = frozenset(found), found[-1].erased_at
        return added


def add_erasures(file: Path, erasures: Sequence[Erasure]) -> int:
    """Add those that the list does not have, durably; how many. Several processes may do so at a time."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "rb+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        content = stream.read()
        known = {_read(line) for line in content.splitlines()}
        missing = [one for one in dict.fromkeys(erasures) if one not in known]
        if missing:
            # The last line may be half of one, where a process was killed.
            start = b"" if not content or content.endswith(b"\n") else b"\n"
            stream.write(start + b"".join(_line(one) for one in missing))
            stream.flush()
            os.fsync(stream.fileno())
    return len(missing)


def read_erasures(file: Path) -> list[Erasure]:
    """Everybody on the list; lines that are none, as a killed process leaves them, are passed over.

    Raises CommandRefused where the file cannot be read or none of its lines is one.
    """
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise CommandRefused(f"Cannot read {file}: {error.strerror}.") from None
    read = [one for one in map(_read, lines) if one is not None]
    if lines and not read:
        raise CommandRefused(f"{file} is no list of erasures.")
    return list(dict.fromkeys(read))


def _line(one: Erasure) -> bytes:
    return orjson.dumps(
        {
            "program": one.program_id,
            "member": one.member_id,
            "reference": one.reference_hash.hex(),
            "erased_at": one.erased_at.isoformat(),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _read(line: bytes) -> Erasure | None:
    try:
        given = orjson.loads(line)
        reference, erased_at = bytes.fromhex(given["reference"]), datetime.fromisoformat(given["erased_at"])
        return Erasure(int(given["program"]), int(given["member"]), reference, erased_at)
    except (ValueError, KeyError, TypeError):
        return None
