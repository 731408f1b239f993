"""Paths of clients: each is a folder that partners see, or a name in one, or nothing.

A path is never handed to the operating system. It leads to a row of a small table and at most one name, so there is
no way out to look for.
"""

from dataclasses import dataclass
from pathlib import Path

from ingestion.folder import DOWNLOAD, HANDBACK, PROCESSED, UPLOAD, VISIBLE, ProgramFolder
from ingestion.naming import FILE_TYPES
from ingestion.sftp.refusal import Refused, missing

MAX_NAME_BYTES = 240
"""Of the 255 that a file system takes: `.sha256` and numbers come behind a name."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder, or the file of this name in it. `path` is where the folder lies; None for one that has only folders.

    `file_type`: of a folder that files are put into.
    """

    parts: tuple[str, ...]
    path: Path | None = None
    file_type: str | None = None
    name: str | None = None
    is_cleared_by_client: bool = False

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders in a folder that has nothing else."""
        return VISIBLE if not self.parts else FILE_TYPES if self.parts == (UPLOAD,) else ()


def canonical(path: str) -> tuple[str, ...]:
    """The parts of a path from the client's root, beyond which nothing leads."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    return tuple(parts)


def find_place(folder: ProgramFolder, path: str) -> Place:
    """Where a path leads. Raises Refused."""
    parts = canonical(path)
    here = _folder(folder, parts)
    if here is not None:
        return here
    above = _folder(folder, parts[:-1])
    if above is None or above.path is None:
        raise missing()
    return Place(parts, above.path, above.file_type, _checked(parts[-1]), above.is_cleared_by_client)


def _folder(folder: ProgramFolder, parts: tuple[str, ...]) -> Place | None:
    match parts:
        case () | ("upload",):
            return Place(parts)
        case ("upload", file_type) if file_type in FILE_TYPES:
            return Place(parts, folder.upload(file_type), file_type)
        case (name,) if name in {HANDBACK, DOWNLOAD}:
            return Place(parts, folder.root / name, is_cleared_by_client=True)
        case (name,) if name == PROCESSED:
            return Place(parts, folder.processed)
    return None


def _checked(name: str) -> str:
    """Any name that can be stored and shown. Raises Refused."""
    if not name.isprintable():
        raise Refused("A name has no control characters")
    if len(name.encode(errors="surrogateescape")) > MAX_NAME_BYTES:
        raise Refused(f"A name has at most {MAX_NAME_BYTES} bytes")
    return name
