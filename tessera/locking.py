"""The embedded database has one serving process; `server.lock` beside its file says which."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tessera.data_folder import ensure_data_dir
from tessera.settings import Settings

SERVER_LOCK = "server.lock"


class CommandRefused(Exception):
    """A command that cannot be carried out; the message is the one sentence that says why."""


def lock_file(settings: Settings) -> Path | None:
    """The lock beside the embedded database, where write.lock lies too; None on PostgreSQL."""
    file = settings.sqlite_file
    return None if file is None else file.with_name(SERVER_LOCK)


@contextmanager
def only_server(settings: Settings) -> Iterator[None]:
    """Be the one serving process of the embedded database; on PostgreSQL there may be many.

    The kernel gives the lock back whichever way the process ends. Raises CommandRefused.
    """
    file = lock_file(settings)
    if file is None:
        yield
        return
    ensure_data_dir(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, settings)
        yield
    finally:
        os.close(descriptor)


def server_pid(settings: Settings) -> int | None:
    """The process that serves the embedded database now; None where there is none, or on PostgreSQL."""
    file = lock_file(settings)
    if file is None or not file.exists():
        return None
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(descriptor)
    finally:
        os.close(descriptor)
    return None


def _take(descriptor: int, settings: Settings) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandRefused(
            f"Process {_holder(descriptor)} uses {settings.sqlite_file} already: SQLite has one writer, so "
            "one process serves it. Stop that process, or use PostgreSQL for several."
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def _holder(descriptor: int) -> int:
    return int(os.pread(descriptor, 20, 0) or b"0")
