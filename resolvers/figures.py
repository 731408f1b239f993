"""What a process has done, in figures: kept where they arise, read by whoever watches.

A request costs one look into a dictionary and three additions. The figures hold names of operations and codes, no data.
"""

import threading
from bisect import bisect_left
from dataclasses import dataclass, field

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Up to how long a request took, for each bucket but the last."""
MOST_NAMES = 200
ANONYMOUS, UNKNOWN, OTHER = "anonymous", "unknown", "other"
_LONGEST_NAME = 64


@dataclass(slots=True)
class Times:
    """How often something was done, and how long that took."""

    count: int = 0
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))


@dataclass(slots=True)
class Figures:
    """Of one process, since its start. Threads may call this: what two lose to each other is one count in millions.

    `requests` by surface, operation and code; `counts` by their name and what they are counted by.
    """

    requests: dict[tuple[str, str, str], Times] = field(default_factory=dict)
    counts: dict[tuple[str, str], float] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def request(self, surface: str, operation: str, code: str, seconds: float) -> None:
        """Count an answer."""
        times = self.requests.get((surface, operation, code))
        if times is None:
            times = self._begin(surface, operation, code)
        times.count += 1
        times.seconds += seconds
        times.buckets[bisect_left(BOUNDS_S, seconds)] += 1

    def count(self, name: str, label: str, amount: float = 1) -> None:
        """Count something that is done beside requests."""
        with self._lock:
            self.counts[name, label] = self.counts.get((name, label), 0) + amount

    def put(self, name: str, label: str, value: float) -> None:
        """Say what is so now."""
        with self._lock:
            self.counts[name, label] = value

    def bounded(self, name: str | None) -> str:
        """The name of an operation that clients name themselves: of their many names only the first are kept."""
        if name is None:
            return ANONYMOUS
        if name not in self._names:
            if len(self._names) >= MOST_NAMES or len(name) > _LONGEST_NAME:
                return OTHER
            self._names.add(name)
        return name

    def _begin(self, surface: str, operation: str, code: str) -> Times:
        with self._lock:
            return self.requests.setdefault((surface, operation, code), Times())
