"""Where a purchase counts: the parts of aggregates and the counters of caps that a day moves, worked out once."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import NamedTuple

from domain.rules.aggregate import bucket_start, window
from domain.rules.cap import CapKey, window_starts
from domain.rules.compiled import CompiledRules
from domain.rules.model import Aggregate

_DAYS = 1000


class Part(NamedTuple):
    """The part of an aggregate that a day falls into, and what counts on that day: from `first` to `start`.

    `day` and `first_day` are the two as they are stored.
    """

    aggregate: Aggregate
    key: str
    start: date
    day: str
    first: date
    first_day: str
    has_extremes: bool


class DayPlan(NamedTuple):
    """What one day moves: all parts, the same by the year in which they begin, and the counters of the caps.

    `asked` are the parts that decide on a purchase.
    """

    parts: tuple[Part, ...]
    asked: tuple[Part, ...]
    by_year: tuple[tuple[int, tuple[Part, ...]], ...]
    caps: tuple[CapKey, ...]


@dataclass(frozen=True, slots=True)
class TallyPlan:
    """The days of a program's rules, on its clocks. `asked` are the aggregates that decide on a purchase."""

    rules: CompiledRules
    asked: frozenset[str]
    _days: "OrderedDict[date, DayPlan]" = field(default_factory=OrderedDict)

    def on(self, day: date) -> DayPlan:
        """What a purchase of this day moves."""
        known = self._days.get(day)
        if known is None:
            # Two threads at once make the same.
            known = self._days[day] = self._plan(day)
            while len(self._days) > _DAYS:
                self._days.popitem(last=False)
        return known

    def years(self, days: Iterable[date]) -> set[int]:
        """The years of all that purchases of these days ask for or move."""
        plans = [self.on(day) for day in days]
        years = {year for plan in plans for part in plan.parts for year in range(part.first.year, part.start.year + 1)}
        return years | {key.start.year for plan in plans for key in plan.caps}

    def _plan(self, day: date) -> DayPlan:
        parts = tuple(self._part(one.aggregate, day) for one in self.rules.aggregates)
        by_year = groupby(sorted(parts, key=_year), _year)
        starts = window_starts(day)
        caps = tuple(CapKey(cap.scope, cap.window, starts[cap.window]) for cap in self.rules.caps)
        asked = tuple(part for part in parts if part.key in self.asked)
        return DayPlan(parts, asked, tuple((year, tuple(same)) for year, same in by_year), caps)

    def _part(self, one: Aggregate, day: date) -> Part:
        start, first = bucket_start(one.period, day), window(one.period, day)[0]
        return Part(
            aggregate=one,
            key=one.key,
            start=start,
            day=start.isoformat(),
            first=first,
            first_day=first.isoformat(),
            has_extremes=one.function in {"min", "max"},
        )


def _year(part: Part) -> int:
    return part.start.year
