"""Caps that count over transactions: what they count under, and what they leave.

Days and months are those of the transaction date on the program's clocks.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from domain.program_zone import local_date
from domain.rules.compiled import CompiledCap, CompiledRules
from domain.rules.model import CapWindow

LIFETIME_START = date(1800, 1, 1)
"""The beginning of all time: no transaction has an earlier date."""


class CapKey(NamedTuple):
    """A counter of a member. `scope` is a group's name, empty for the program; `start` the window's first day."""

    scope: str
    window: CapWindow
    start: date


def cap_keys(compiled: CompiledRules, at: datetime) -> list[CapKey]:
    """The counters that a transaction of this instant is held against, in the order of the rules."""
    if not compiled.caps:
        return []
    starts = window_starts(local_date(at, compiled.zone))
    return [CapKey(cap.scope, cap.window, starts[cap.window]) for cap in compiled.caps]


@lru_cache(maxsize=1000)
def window_starts(day: date) -> Mapping[CapWindow, date]:
    """The first day of each window that a day lies in."""
    return {"day": day, "month": day.replace(day=1), "lifetime": LIFETIME_START}


class CapCounter:
    """Counts what one transaction is given, on top of what was posted before; all in smallest units."""

    __slots__ = ("_keys", "_used", "counted")

    def __init__(self, used: Mapping[CapKey, int]) -> None:
        self._keys = list(used)
        # Never less than nothing, so that no cap grants more than its limit.
        self._used = [points if points > 0 else 0 for points in used.values()]
        self.counted: dict[CapKey, int] = {}
        """What this transaction adds to each counter that it moves."""

    def used(self, cap: CompiledCap) -> int:
        """What the cap has counted, this transaction included."""
        return self._used[cap.place]

    def leaves(self, cap: CompiledCap) -> int:
        """What the cap has left to give."""
        left = cap.limit - self._used[cap.place]
        return left if left > 0 else 0

    def count(self, caps: tuple[CompiledCap, ...], minor: int) -> None:
        """Count an award against each of its caps."""
        for cap in caps:
            key = self._keys[cap.place]
            self._used[cap.place] += minor
            self.counted[key] = self.counted.get(key, 0) + minor
