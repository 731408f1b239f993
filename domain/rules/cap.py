"""Caps that count over transactions: what they count under, and what they leave.

Days and months are those of the transaction date on the program's clocks.
"""

from collections.abc import Mapping
from datetime import date, datetime
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


def window_starts(day: date) -> dict[CapWindow, date]:
    """The first day of each window that a day lies in."""
    return {"day": day, "month": day.replace(day=1), "lifetime": LIFETIME_START}


class CapCounter:
    """Counts what one transaction is given, on top of what was posted before; all in smallest units."""

    __slots__ = ("_counted", "_keys", "_used")

    def __init__(self, used: Mapping[CapKey, int]) -> None:
        self._keys = list(used)
        # Never less than nothing, so that no cap grants more than its limit.
        self._used = [max(0, points) for points in used.values()]
        self._counted = [0] * len(self._keys)

    def used(self, cap: CompiledCap) -> int:
        """What the cap has counted, this transaction included."""
        return self._used[cap.place] + self._counted[cap.place]

    def leaves(self, cap: CompiledCap) -> int:
        """What the cap has left to give."""
        return max(0, cap.limit - self._used[cap.place] - self._counted[cap.place])

    def count(self, caps: tuple[CompiledCap, ...], minor: int) -> None:
        """Count an award against each of its caps."""
        for cap in caps:
            self._counted[cap.place] += minor

    def counted(self) -> dict[CapKey, int]:
        """What this transaction adds to each counter that it moves."""
        return {key: minor for key, minor in zip(self._keys, self._counted, strict=True) if minor}
