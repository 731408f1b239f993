"""Files that arrive: which are complete, and how they are taken out of the folder that a partner sees.

Every step is a rename on one file system, so that whoever is killed between two of them leaves the file in a place
from which the next worker goes on.
"""

import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.errors import BatchRefused
from ingestion.folder import FOLDER_MODE, ProgramFolder
from ingestion.naming import FILE_TYPES, parse_file_name
from resolvers.batch_queue import ORDER

QUIET_S = 2.0
"""Nothing was written to a file for so long: whoever does not close what is uploaded may still be at it."""

CHECKSUM = ".sha256"
_UNFINISHED = (".part", ".filepart", ".tmp")
_MAX_CHECKSUM_BYTES = 1024
# With its ending the name of a checksum may be longer than a file system takes: then there is none.
_NO_SUCH_FILE = frozenset({errno.ENOENT, errno.ENAMETOOLONG})
_MAX_PART_BYTES = 100
_CHECKSUM = re.compile(rb"([0-9A-Fa-f]{64})(\s.*)?", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Arrival:
    """A file in the folder of a type. `arrived_ns`: when it was written, by its sender's clock where that sent it."""

    rank: int
    arrived_ns: int
    name: str
    type: str
    path: Path


def checksum_of(path: Path) -> Path:
    """The file beside one that tells its hash."""
    return Path(f"{path}{CHECKSUM}")


def is_unfinished(name: str) -> bool:
    """Whether a file of this name is to get another one when it is whole: `*.part`, or hidden."""
    return name.startswith(".") or name.lower().endswith(_UNFINISHED)


def complete_files(folder: ProgramFolder, now_s: float) -> list[Arrival]:
    """What may be taken, in the order in which it is to be."""
    found = [one for file_type in FILE_TYPES for one in _arrivals(folder.upload(file_type), file_type)]
    return sorted(one for one in found if not is_unfinished(one.name) and _is_complete(folder, one, now_s))


def taken_files(folder: ProgramFolder) -> list[Arrival]:
    """What was taken, and is neither a batch nor refused: a worker is at it, or was killed."""
    found = [one for file_type in FILE_TYPES for one in _arrivals(folder.taken(file_type), file_type)]
    return sorted(one for one in found if not one.name.endswith(CHECKSUM))


def take(folder: ProgramFolder, arrival: Arrival) -> bool:
    """Take a file, with its checksum; False where its sender has come back to it, or one of its name is taken."""
    target = folder.taken(arrival.type) / arrival.name
    if os.path.lexists(target):
        return False
    with _held_back(arrival.path) as is_ours:
        # Nobody can come back to it now, but somebody may have, since we looked.
        if not is_ours or folder.unfinished(arrival.type, arrival.name).exists():
            return False
        # The checksum first: a file without one would be believed.
        _move(checksum_of(arrival.path), checksum_of(target))
        return _move(arrival.path, target)


@contextmanager
def _held_back(path: Path) -> Iterator[bool]:
    """Hold the lock that whoever writes to a file holds; False where somebody does. What is no file has no writer."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield True
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def promised_hash(path: Path) -> str | None:
    """The hash in the checksum file beside a file, as `sha256sum` writes it; None without one. Raises BatchRefused."""
    try:
        with checksum_of(path).open("rb") as file:
            match = _CHECKSUM.fullmatch(file.read(_MAX_CHECKSUM_BYTES).strip())
    except OSError as error:
        if error.errno in _NO_SUCH_FILE:
            return None
        raise BatchRefused(f"its checksum file cannot be read: {error.strerror}") from error
    if match is None:
        raise BatchRefused("its checksum file does not begin with a SHA-256 in hexadecimal digits")
    return match[1].decode().lower()


def keep_for_batch(folder: ProgramFolder, path: Path, batch_id: int) -> bool:
    """Give a taken file its place as that of a batch; False where the batch has one."""
    place = folder.batches / str(batch_id)
    place.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if any(place.iterdir()):
        return False
    path.rename(place / path.name)
    put_away(folder, checksum_of(path))
    return True


def has_any(folder: ProgramFolder) -> bool:
    """Whether there is anything that might be taken or loaded: a look that costs next to nothing."""
    places = [place for one in FILE_TYPES for place in (folder.upload(one), folder.taken(one))]
    return any(_entries(place) for place in (folder.batches, *places))


def take_back(folder: ProgramFolder, path: Path) -> None:
    """Let the file of a batch that there is not become one again."""
    path.rename(folder.taken(parse_file_name(path.name).type) / path.name)
    path.parent.rmdir()


def batch_files(folder: ProgramFolder) -> dict[int, Path]:
    """The files of batches that have not ended, by the number of the batch."""
    places = [Path(one.path) for one in _entries(folder.batches) if one.name.isdecimal()]
    return {int(place.name): file for place in places for file in place.iterdir()}


def put_away(folder: ProgramFolder, path: Path) -> None:
    """Move a file to where a partner sees that it is done with, under a name that nothing has; gone is well."""
    try:
        if os.path.islink(path):
            # It would lead out of what partners see.
            path.unlink()
            return
        moved = _move(path, _free(folder.processed / path.name))
    except FileNotFoundError:
        return
    if not moved:
        return
    if path.parent.parent == folder.batches:
        path.parent.rmdir()


def _free(path: Path) -> Path:
    stem, dot, suffix = path.name.partition(".")
    number = 1
    if os.path.lexists(path):
        # Room for the number.
        stem, suffix = _cut(stem), _cut(suffix)
    while os.path.lexists(path):
        number += 1
        path = path.with_name(f"{stem}.{number}{dot}{suffix}")
    return path


def _cut(part: str) -> str:
    return os.fsdecode(os.fsencode(part)[:_MAX_PART_BYTES])


def _arrivals(place: Path, file_type: str) -> Iterator[Arrival]:
    for entry in _entries(place):
        try:
            written = entry.stat(follow_symlinks=False).st_mtime_ns
        except FileNotFoundError:
            continue
        rank = ORDER.index(file_type)
        yield Arrival(rank=rank, arrived_ns=written, name=entry.name, type=file_type, path=Path(entry.path))


def _entries(place: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _is_complete(folder: ProgramFolder, arrival: Arrival, now_s: float) -> bool:
    """Whether nobody writes to a file any more, nor to its checksum. A checksum alone waits for its file."""
    names = [arrival.name, f"{arrival.name}{CHECKSUM}"]
    return not arrival.name.endswith(CHECKSUM) and not any(
        os.path.lexists(folder.unfinished(arrival.type, name)) or not _is_quiet(arrival.path.with_name(name), now_s)
        for name in names
    )


def _is_quiet(path: Path, now_s: float) -> bool:
    # Not by the time of writing, which senders set to that of the file on their side.
    try:
        facts = path.lstat()
    except OSError as error:
        if error.errno in _NO_SUCH_FILE:
            return True
        raise
    return now_s - facts.st_ctime >= QUIET_S or stat.S_ISLNK(facts.st_mode)


def _move(source: Path, target: Path) -> bool:
    try:
        source.rename(target)
    except OSError as error:
        if error.errno in _NO_SUCH_FILE:
            return False
        raise
    return True
