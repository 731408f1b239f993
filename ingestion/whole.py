"""Files that appear under their name when all of them is on the disk, or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ingestion.folder import FOLDER_MODE, ProgramFolder


@contextmanager
def whole_file(path: Path, unfinished: Path | None = None) -> Iterator[BinaryIO]:
    """A file that appears under its name when all of it is on the disk, or not at all.

    `unfinished` is the folder that it is made in, on the same file system; None: the one beside the folder that
    partners see.
    """
    folder = ProgramFolder(path.parent.parent).work if unfinished is None else unfinished
    for needed in (path.parent, folder):
        needed.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=f"{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
