"""Caps and aggregates in the database: kept up with each transaction, under the lock of the member's account.

A page has all of them that begin in one calendar year, so that a purchase reads and writes a row or two, however many
there are; what counts for all time begins in the year of `LIFETIME_START`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import product
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select, text

from domain.models import tally
from domain.points import EXACT
from domain.rules.aggregate import EMPTY, Stats, average
from domain.rules.cap import CapKey
from domain.rules.tally_plan import Counter, DayPlan, Part, counter_of
from domain.store.among import among
from domain.store.bulk import Bulk
from domain.store.reading import Reading, Values, read_together

BucketKey = tuple[int, str, date]
"""Which part: member, aggregate, the period's first day."""

# Bound once: it is called for every aggregate of every purchase.
_add = EXACT.add
_ZERO = Decimal(0)

_Stored = list[Any]
"""A part as it is stored: sum and count, and for a `min` or `max` the lowest and highest; exact numbers as texts."""

_PAGES = select(tally.c.member_id, tally.c.year, tally.c.caps, tally.c.aggregates).where(
    tally.c.program_id == bindparam("program_id"), among(tally.c.member_id, "members")
)
_OF_YEARS = _PAGES.where(among(tally.c.year, "years"))


@dataclass(slots=True)
class _Page:
    """`caps`: points by scope, window and day; `aggregates`: parts by key and day. Both as they are stored."""

    caps: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    aggregates: dict[str, dict[str, _Stored]] = field(default_factory=dict)


@dataclass(slots=True)
class Tallies:
    """The pages of members that were read; what is put is stored with the rest of its page.

    `ignored` are aggregates whose stored parts do not count; such pages are for looking only.
    """

    program_id: int
    ignored: frozenset[str] = frozenset()
    _pages: dict[tuple[int, int], _Page] = field(default_factory=dict)
    _read: set[tuple[int, int]] = field(default_factory=set)
    _whole: set[int] = field(default_factory=set)
    _moved: set[tuple[int, int]] = field(default_factory=set)

    def reading(self, members: Sequence[int], years: Iterable[int]) -> Reading[None]:
        """Reads the pages of these years. What is known already stays."""
        wanted = sorted(set(years))
        given = {"program_id": self.program_id, "members": members, "years": wanted}

        def take(rows: Iterable[Values]) -> None:
            self._take(rows)
            self._read.update(product(members, wanted))

        return Reading(_OF_YEARS, given, take)

    def read_all(self, tx: Connection, members: Sequence[int]) -> None:
        """Read every page of these members; those that there are none of are known to be empty."""
        read_together(tx, Reading(_PAGES, {"program_id": self.program_id, "members": members}, self._take))
        self._whole.update(members)

    def points(self, member_id: int, key: CapKey) -> int:
        """What a counter has, in smallest units."""
        return self.points_on(member_id, {key: counter_of(key)})[key]

    def points_on(self, member_id: int, counters: Mapping[CapKey, Counter]) -> dict[CapKey, int]:
        """What the counters of a day have, in smallest units."""
        found = {}
        for key, (scope, window, year, day) in counters.items():
            page = self._pages.get((member_id, year))
            # Most counters stand already: to look with defaults would make an object for each of them.
            windows = None if page is None else page.caps.get(scope)
            days = None if windows is None else windows.get(window)
            found[key] = 0 if days is None else days.get(day, 0)
        return found

    def count(self, member_id: int, counter: Counter, points: int) -> None:
        """A counter moves on, on a day."""
        scope, window, year, day = counter
        days = self._to_write(member_id, year).caps.setdefault(scope, {}).setdefault(window, {})
        days[day] = days.get(day, 0) + points

    def put_points(self, member_id: int, key: CapKey, points: int) -> None:
        """What a counter has from now on."""
        page = self._to_write(member_id, key.start.year)
        page.caps.setdefault(key.scope, {}).setdefault(key.window, {})[_iso(key.start)] = points

    def stats(self, member_id: int, key: str, start: date) -> Stats:
        """One part of an aggregate; `EMPTY` where nothing was counted."""
        page = self._pages.get((member_id, start.year))
        stored = None if page is None else page.aggregates.get(key, {}).get(_iso(start))
        return EMPTY if stored is None else _read(stored)

    def values(self, member_id: int, parts: Iterable[Part], added: Mapping[str, Decimal]) -> dict[str, Decimal]:
        """Aggregates on the day of these parts, with what is added as one value more; only those that have a value."""
        values = {}
        for part in parts:
            key, day = part.key, part.day
            found: list[_Stored] = []
            for year in part.years:
                page = self._pages.get((member_id, year))
                days = None if page is None else page.aggregates.get(key)
                if not days:
                    continue
                if part.is_rolling:
                    first = part.first_day
                    found += [stored for one, stored in days.items() if first <= one <= day]
                elif day in days:
                    found.append(days[day])
            value = _value(part.aggregate.function, found, added.get(key))
            if value is not None:
                values[key] = value
        return values

    def put_stats(self, member_id: int, key: str, start: date, stats: Stats) -> None:
        """What one part of an aggregate is from now on."""
        self._to_write(member_id, start.year).aggregates.setdefault(key, {})[_iso(start)] = _written(stats)

    def add(self, member_id: int, plan: DayPlan, added: Mapping[str, Decimal]) -> None:
        """A purchase of that day counts: one value more in each aggregate that it adds to."""
        for year, parts in plan.by_year:
            page = None
            for key, day, has_extremes in parts:
                value = added.get(key)
                if value is None:
                    continue
                if page is None:
                    page = self._to_write(member_id, year).aggregates
                days = page.get(key)
                if days is None:
                    days = page[key] = {}
                stored = days.get(day)
                if stored is None:
                    days[day] = stored = [str(_add(_ZERO, value)), 1]
                else:
                    stored[0] = str(_add(Decimal(stored[0]), value))
                    stored[1] += 1
                if has_extremes:
                    _stretch(stored, value)

    def counters(self, member_id: int) -> dict[CapKey, int]:
        """Every counter of a member among the pages that were read."""
        return {
            CapKey(scope, window, date.fromisoformat(day)): points  # type: ignore[arg-type]  # a window, as stored
            for page in self._of(member_id)
            for scope, windows in page.caps.items()
            for window, days in windows.items()
            for day, points in days.items()
        }

    def buckets(self, member_id: int) -> dict[tuple[str, date], Stats]:
        """Every part of every aggregate of a member among the pages that were read."""
        return {
            (key, date.fromisoformat(day)): _read(stored)
            for page in self._of(member_id)
            for key, parts in page.aggregates.items()
            for day, stored in parts.items()
        }

    def forget_aggregates(self, member_id: int) -> None:
        """Begin all aggregates of a member anew, in the pages that were read."""
        for owner, year in self._pages:
            if owner == member_id:
                self._to_write(owner, year).aggregates.clear()

    def store(self, bulk: Bulk) -> None:
        """Store the pages that something was put into."""
        if self.ignored or any(one not in self._read and one[0] not in self._whole for one in self._moved):
            raise RuntimeError("what was not read is not known: to store it would wipe out what is there")
        rows = [
            {
                "program_id": self.program_id,
                "member_id": member_id,
                "year": year,
                "caps": orjson.dumps(page.caps).decode(),
                "aggregates": orjson.dumps(page.aggregates).decode(),
            }
            for (member_id, year), page in ((place, self._pages[place]) for place in sorted(self._moved))
        ]
        bulk.upsert(tally, ("program_id", "member_id", "year"), rows)
        self._moved.clear()

    def _of(self, member_id: int) -> list[_Page]:
        return [page for (owner, _), page in sorted(self._pages.items()) if owner == member_id]

    def _to_write(self, member_id: int, year: int) -> _Page:
        place = member_id, year
        self._moved.add(place)
        page = self._pages.get(place)
        if page is None:
            page = self._pages[place] = _Page()
        return page

    def _take(self, rows: Iterable[Values]) -> None:
        for member_id, year, caps, aggregates in rows:
            if (member_id, year) in self._read:
                continue
            self._read.add((member_id, year))
            page, supposed = _Page(orjson.loads(caps), orjson.loads(aggregates)), self._pages.get((member_id, year))
            for key in self.ignored:
                page.aggregates.pop(key, None)
            if supposed is not None:
                page.aggregates |= supposed.aggregates
            self._pages[member_id, year] = page


def forget_aggregates(tx: Connection, program_id: int, keys: Sequence[str]) -> None:
    """Delete aggregates that are no longer defined, or whose definition changed."""
    given: dict[str, Any] = {"program_id": program_id}
    if tx.dialect.name == "postgresql":
        left, given["keys"] = "(aggregates::jsonb - CAST(:keys AS text[]))::text", list(keys)
    else:
        names = [f"key_{place}" for place in range(len(keys))]
        left = f"json_remove(aggregates, {', '.join(f':{name}' for name in names)})"
        given |= {name: f'$."{key}"' for name, key in zip(names, keys, strict=True)}
    tx.execute(text(f"UPDATE tally SET aggregates = {left} WHERE program_id = :program_id"), given)  # noqa: S608 - ours


_iso = lru_cache(maxsize=4096)(date.isoformat)


def _read(stored: _Stored) -> Stats:
    total, count, *extremes = stored
    low, high = map(Decimal, extremes) if extremes else (None, None)
    return Stats(Decimal(total), count, low, high)


def _value(function: str, parts: Sequence[_Stored], own: Decimal | None) -> Decimal | None:
    """The value of several parts together, and one more; a rolling figure has a part for each day."""
    if function == "count":
        return Decimal(sum([stored[1] for stored in parts]) + (own is not None))
    if function in {"min", "max"}:
        place = 2 if function == "min" else 3
        ends = [Decimal(stored[place]) for stored in parts if len(stored) > 2]
        if own is not None:
            ends.append(own)
        return (min if function == "min" else max)(ends, default=None)
    total = _ZERO
    for stored in parts:
        total = _add(total, Decimal(stored[0]))
    if own is not None:
        total = _add(total, own)
    if function == "sum":
        return total
    count = sum([stored[1] for stored in parts]) + (own is not None)
    return average(total, count) if count else None


def _stretch(stored: _Stored, value: Decimal) -> None:
    """Let the lowest and the highest of a part be this value, if it goes beyond them."""
    if len(stored) == 2:
        stored += [str(value), str(value)]
    elif value < Decimal(stored[2]):
        stored[2] = str(value)
    elif value > Decimal(stored[3]):
        stored[3] = str(value)


def _written(stats: Stats) -> _Stored:
    ends = () if stats.low is None or stats.high is None else (str(stats.low), str(stats.high))
    return [str(stats.sum), stats.count, *ends]
