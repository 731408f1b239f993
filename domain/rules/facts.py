"""A transaction as the rules see it, and the facts in the order in which compiled conditions read them."""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any

from domain.program_zone import local_date
from domain.record import record
from domain.rules.compile_condition import Env, Test
from domain.rules.compiled import CompiledRules

_NOTHING: Mapping[str, Any] = {}


@record
class Facts:
    """Typed values (`validate_attributes`) of a transaction with its aware date, and of its member.

    `aggregates` include the transaction itself; one that has no value is left out. Tier and frozen segments
    are those valid at the transaction's date.
    """

    transaction: Mapping[str, Any]
    at: datetime
    member: Mapping[str, Any]
    sub_relation: Mapping[str, Any] = field(default_factory=dict)
    aggregates: Mapping[str, Decimal] = field(default_factory=dict)
    tier: str | None = None
    frozen_segments: frozenset[str] = frozenset()


class Memberships:
    """Which segments the member is in, found out when one is asked for, and only once."""

    __slots__ = ("_found", "_frozen", "_segments")

    def __init__(self, segments: Mapping[str, Test | None], frozen: frozenset[str]) -> None:
        self._segments = segments
        self._frozen = frozen
        self._found: dict[str, bool] = {}

    def holds(self, name: str, env: Env) -> bool:
        """Whether the member is in the segment. The facts that hold this are handed in and not kept: every
        evaluation would leave a circle of the two to the garbage collector.
        """
        found = self._found.get(name)
        if found is None:
            test = self._segments[name]
            found = self._found[name] = name in self._frozen if test is None else test(env)
        return found


def env_of(compiled: CompiledRules, facts: Facts) -> Env:
    """The facts by slot."""
    return (
        facts.transaction,
        facts.member,
        _moment(facts.at, compiled) if compiled.moments else _NOTHING,
        facts.sub_relation,
        facts.aggregates,
        {"tier": facts.tier},
        Memberships(compiled.segments, facts.frozen_segments),
        facts.at,
    )


def _moment(at: datetime, compiled: CompiledRules) -> Mapping[str, Any]:
    asked = compiled.moments
    if _OF_A_TIME.isdisjoint(asked):
        return _day(local_date(at, compiled.zone), asked)
    local = at.astimezone(compiled.zone)
    return {key: _MOMENTS[key](local) for key in asked}


@lru_cache(maxsize=4096)
def _day(day: date, asked: tuple[str, ...]) -> Mapping[str, Any]:
    """What is the same all day."""
    return {key: _MOMENTS[key](datetime.combine(day, time.min)) for key in asked}


_OF_A_TIME = frozenset({"transaction_date", "hour"})


_MOMENTS: Mapping[str, Callable[[datetime], Any]] = {
    "transaction_date": lambda local: local.replace(tzinfo=None),
    "today": datetime.date,
    "month": attrgetter("month"),
    "day": attrgetter("day"),
    "weekday": datetime.isoweekday,
    "hour": attrgetter("hour"),
}
"""The facts of the moment on the program's clocks."""
