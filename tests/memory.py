"""Where nothing has to outlive the run: files in memory, which no flush waits for."""

import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - folders of its own are made in it
PLENTY = 4 * 2**30  # bytes


def memory() -> Path | None:
    """A folder in memory if there is one with plenty of room: in containers it is often small."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > PLENTY else None
