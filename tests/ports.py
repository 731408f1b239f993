"""Ports for servers of tests, which no other process of tests takes between the choice and the bind."""

import fcntl
import random
import socket
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import IO

# Below those that clients are given. From among theirs, a client that tries again and again while the server is down
# would one day connect to itself.
FIRST, BEYOND, BLOCK = 20_000, 32_000, 100

_held: list[IO[bytes]] = []


def free_port() -> int:
    """A port that nobody listens on, of those that are ours as long as this process lives."""
    for port in _ours():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError("the ports never end")


@cache
def _ours() -> Iterator[int]:
    """The ports of one block again and again, the longest unused first."""
    folder = Path(tempfile.gettempdir()) / "tessera-test-ports"
    folder.mkdir(exist_ok=True)
    blocks = range(FIRST, BEYOND, BLOCK)
    for first in random.SystemRandom().sample(blocks, len(blocks)):
        lock = (folder / str(first)).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _held.append(lock)
        return cycle(range(first, first + BLOCK))
    raise RuntimeError(f"all ports from {FIRST} to {BEYOND} are held by other tests: {folder}")
