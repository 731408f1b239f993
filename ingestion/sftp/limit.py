"""What the SFTP server takes, and for how long it waits."""

from dataclasses import dataclass

MEBI = 1024 * 1024
GIBI = 1024 * MEBI


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds.

    A stranger is a connection that has opened no session yet. Who comes when all their places are taken gets that of
    the stranger who waits longest at the address that has most of them: held connections keep nobody out.
    """

    strangers: int = 64
    connections: int = 320
    sessions: int = 200
    sessions_of_login: int = 24
    attempts: int = 6
    entry_s: float = 20.0
    idle_s: float = 900.0
    check_s: float = 1.0
    stop_s: float = 8.0
    handles: int = 32
    file_bytes: int = 2 * GIBI
    files_in_folder: int = 10_000
    free_bytes: int = 256 * MEBI
