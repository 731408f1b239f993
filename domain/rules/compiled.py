"""A compiled configuration: closures and figures, ready for `evaluate`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.rules.compile_condition import Env, Test
from domain.rules.model import Aggregate, CapWindow, Category, ExpiryOverride

Give = Callable[[Env], Decimal]


class LotTerms(NamedTuple):
    """What tells the lots of an award apart; None is the program's expiry, and at once."""

    expires: ExpiryOverride | None
    release_after_days: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """A fact that a rule reads. `names` are the segments that it asks for; a masked one is never shown."""

    path: str
    slot: int
    key: str
    masked: bool
    names: tuple[str, ...] = ()


class Span(NamedTuple):
    """When something holds: `starts` is inclusive and `ends` exclusive, both in UTC; None is no bound."""

    starts: datetime | None
    ends: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in it."""
        return (self.starts is None or self.starts <= at) and (self.ends is None or at < self.ends)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledRule:
    """A rule that may run; gifts and the cap are counted in parts of the group's denominator.

    A multiplier has a `factor` and gives nothing itself. `sequence` is the place in the file; `test` is its
    condition within its time.
    """

    name: str
    sequence: int
    test: Test
    give: Give
    factor: Decimal | None
    cap: Decimal | None
    cap_points: int | None
    terms: LotTerms
    inputs: tuple[Input, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledCap:
    """A cap that counts over transactions. `scope` is the group's name, empty for the program; `limit` is in
    smallest units; `place` is its index in all caps.
    """

    place: int
    scope: str
    window: CapWindow
    limit: int
    points: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledGroup:
    """A group with its enabled rules, or the flat bonus of a campaign, which nothing multiplies.

    Its rounding multiplies by `scale`, adds `half` and divides by `whole`, its parts. `caps` are in the order in
    which they cut, the program's last. `terms` are those of all its lots, None where its lots differ.
    """

    name: str
    category: Category
    stop_at_first: bool
    multiplied: bool
    parts: int
    cap: Decimal | None
    cap_points: int | None
    caps: tuple[CompiledCap, ...]
    scale: Decimal
    half: Decimal
    whole: Decimal
    rules: tuple[CompiledRule, ...]
    terms: LotTerms | None
    message: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledFactor:
    """The multiplier of a campaign."""

    name: str
    factor: Decimal
    test: Test


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledAggregate:
    """An aggregate and the closure of its filter."""

    aggregate: Aggregate
    test: Test | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledRules:
    """Everything that an evaluation needs; holds no state and may be shared between threads.

    `segments` are the tests of dynamic segments, and None for frozen ones, whose conditions are in
    `snapshots`. `caps` are all counted caps, each once; `moments` what conditions ask of the
    moment.
    """

    zone: ZoneInfo
    points_decimals: int
    moments: tuple[str, ...]
    products: dict[str, frozenset[str]]
    groups: tuple[CompiledGroup, ...]
    caps: tuple[CompiledCap, ...]
    tier_factors: Mapping[str, Decimal]
    campaign_factors: tuple[CompiledFactor, ...]
    aggregates: tuple[CompiledAggregate, ...]
    segments: Mapping[str, Test | None]
    snapshots: Mapping[str, Test]


def has_share(rule: CompiledRule) -> bool:
    """Whether what a multiplier adds is a lot of its own: it has its own terms, and adds something."""
    return rule.factor is not None and rule.factor > 1 and rule.terms != LotTerms(None, None)
