"""What a process and those that it started have in memory together."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

_LOOK_S = 0.2


@contextmanager
def peak_memory(pid: int) -> Iterator[list[int]]:
    """MiB that they had at each look, while the context lasts; what several share counts once."""
    seen, stop = [0], Event()

    def watch() -> None:
        while not stop.wait(_LOOK_S):
            seen.append(sum(map(_proportional_kib, _family(pid))) // 1024)

    watching = Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        stop.set()
        watching.join()


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        # One that ends meanwhile has none.
        with suppress(OSError):
            tasks = list(Path(f"/proc/{one}/task").glob("*/children"))
            found += [int(child) for task in tasks for child in task.read_text().split()]
    return found


def _proportional_kib(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
