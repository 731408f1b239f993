"""What one round measured, and rounds made one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

_NANOSECONDS = 1e9

Round = TypeVar("Round")


class RoundVoid(RuntimeError):
    """A round's number is worth nothing: something failed, or the books do not agree with it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One round of one program under load; `cpu_us` is the server's processor time for each operation."""

    operations: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_us: float | None = None

    @property
    def rate(self) -> float:
        """Operations per second."""
        return self.operations / self.seconds


def middle(rounds: Sequence[Measured], figure: Callable[[Measured], float]) -> float:
    """The median of a figure over the rounds."""
    return median(figure(one) for one in rounds)


def alternate(rounds: int, *subjects: Callable[[int], Round]) -> list[list[Round]]:
    """Run the subjects by turns, so that each meets the same weather; their rounds."""
    results: list[list[Round]] = [[] for _ in subjects]
    for number in range(rounds):
        for subject, mine in zip(subjects, results, strict=True):
            mine.append(subject(number))
    return results


def cpu_seconds(pid: int) -> float:
    """The processor time of all threads of a process so far."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[0]) for file in threads) / _NANOSECONDS


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which this share of an ordered sequence lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
