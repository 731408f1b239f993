"""A transaction as the rules see it, and the facts in the order in which compiled conditions read them."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

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


class Memberships(dict[str, bool]):
    """Which segments the member is in, found out when one is asked for, and only once."""

    def __init__(self, segments: Mapping[str, Test | None], frozen: frozenset[str]) -> None:
        super().__init__()
        self._segments = segments
        self._frozen = frozen
        self.env: Env = ()

    def __missing__(self, name: str) -> bool:
        test = self._segments[name]
        found = self[name] = name in self._frozen if test is None else test(self.env)
        return found


def env_of(compiled: CompiledRules, facts: Facts) -> Env:
    """The facts by slot."""
    segments = Memberships(compiled.segments, facts.frozen_segments)
    segments.env = env = (
        facts.transaction,
        facts.member,
        moment_of(facts.at, compiled.zone) if compiled.needs_moment else _NOTHING,
        facts.sub_relation,
        facts.aggregates,
        {"tier": facts.tier},
        segments,
    )
    return env


def moment_of(at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """The facts of the moment on the program's clocks."""
    local = at.astimezone(zone).replace(tzinfo=None)
    return {
        "transaction_date": local,
        "today": local.date(),
        "month": local.month,
        "day": local.day,
        "weekday": local.isoweekday(),
        "hour": local.hour,
    }
