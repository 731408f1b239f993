"""Where a purchase counts: the parts of aggregates and the counters of caps that a day moves, worked out once."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import NamedTuple

from domain.rules.aggregate import bucket_start, has_extremes, window
from domain.rules.cap import CapKey, window_starts
from domain.rules.compiled import CompiledRules
from domain.rules.model import Aggregate, CapWindow

_DAYS = 1000


class Part(NamedTuple):
    """The part of an aggregate that a day falls into, and what counts on that day: from `first` to `start`.

    `day` and `first_day` are the two as they are stored, `years` those in which what counts begins. All that counts is
    one part, unless it is rolling.
    """

    aggregate: Aggregate
    key: str
    start: date
    day: str
    first: date
    first_day: str
    years: range
    is_rolling: bool
    has_extremes: bool


class Counter(NamedTuple):
    """The counter of a cap on a day; `year` and `day` are those of its window, as they are stored."""

    scope: str
    window: CapWindow
    year: int
    day: str


class DayPlan(NamedTuple):
    """What one day moves: all parts, and the counters of the caps.

    `asked` are the parts that decide on a purchase, `extremes` those with a least and a greatest value. `by_year` has
    of all parts what adding needs, by the year in which they begin: key, day, and whether they have extremes. `years`
    are all that is asked for or moved.
    """

    parts: tuple[Part, ...]
    asked: tuple[Part, ...]
    extremes: tuple[Part, ...]
    by_year: tuple[tuple[int, tuple[tuple[str, str, bool], ...]], ...]
    caps: Mapping[CapKey, Counter]
    years: frozenset[int]


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
        return set().union(*{self.on(day).years for day in days})

    def _plan(self, day: date) -> DayPlan:
        parts = tuple(self._part(one.aggregate, day) for one in self.rules.aggregates)
        starts = window_starts(day)
        keys = [CapKey(cap.scope, cap.window, starts[cap.window]) for cap in self.rules.caps]
        by_year = groupby(sorted(parts, key=_year), _year)
        return DayPlan(
            parts=parts,
            asked=tuple(part for part in parts if part.key in self.asked),
            extremes=tuple(part for part in parts if part.has_extremes),
            by_year=tuple((year, tuple(map(_adding, same))) for year, same in by_year),
            caps={key: counter_of(key) for key in keys},
            years=frozenset().union(*(part.years for part in parts), (key.start.year for key in keys)),
        )

    def _part(self, one: Aggregate, day: date) -> Part:
        start, first = bucket_start(one.period, day), window(one.period, day)[0]
        return Part(
            aggregate=one,
            key=one.key,
            start=start,
            day=start.isoformat(),
            first=first,
            first_day=first.isoformat(),
            years=range(first.year, start.year + 1),
            is_rolling=first < start,
            has_extremes=has_extremes(one),
        )


def counter_of(key: CapKey) -> Counter:
    """The counter as it is stored."""
    return Counter(key.scope, key.window, key.start.year, key.start.isoformat())


def _year(part: Part) -> int:
    return part.start.year


def _adding(part: Part) -> tuple[str, str, bool]:
    return part.key, part.day, part.has_extremes
