"""Files that several processes may make at the same time."""

import os
from pathlib import Path


def write_once(file: Path, text: str) -> None:
    """Create a file that only its owner reads, whole or not at all; whoever comes second changes nothing."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        return
    finally:
        draft.unlink()
