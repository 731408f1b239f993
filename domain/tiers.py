"""Which tier a member has: up at once, down only when the retention of the last qualification is over."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from domain.record import record
from domain.tier_terms import TierLevel, TierTerms

_ZERO, _ONE = Decimal(0), Decimal(1)
_FOUR_DECIMALS = Decimal("0.0001")


@record
class TierDecision:
    """The tier that a member has now; None for none.

    `since` is the instant of the last qualification for it, `expires` the first instant at which it may be
    taken away. `upgrade_bonus_levels` are the levels that were never reached before, lowest first, and
    `bonus` is what they give together in whole points; `reached` is every level reached so far.
    """

    tier: str | None
    since: datetime | None
    expires: datetime | None
    upgrade_bonus_levels: tuple[str, ...]
    bonus: int
    reached: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class TierProgress:
    """The next level, what it needs and what is missing, 0 where enough is there; all None at the top.

    What the basis does not ask for, or a level that is given by hand does not say, is None as well. `fraction`
    is how much of the way is done, 0 to 1, cut to four decimals: of two conditions the one that is further off.
    """

    next: str | None
    needed_points: Decimal | None
    needed_aggregate: Decimal | None
    missing_points: Decimal | None
    missing_aggregate: Decimal | None
    fraction: Decimal | None


_AT_THE_TOP = TierProgress(
    next=None, needed_points=None, needed_aggregate=None, missing_points=None, missing_aggregate=None, fraction=None
)


def assess(
    terms: TierTerms,
    points: Decimal,
    aggregate: Decimal | None,
    current: str | None,
    since: datetime | None,
    now: datetime,
    reached: frozenset[str],
) -> TierDecision:
    """The tier of a member with these points (in points, of the window) and this value of the aggregate.

    Without automatic assessment nothing changes. Who still qualifies at `now` is qualified anew. A member
    whose last qualification is unknown (`since` None) is retained from `now` on. A current tier that is
    no level any more counts as none.
    """
    if terms.assessment != "automatic":
        return TierDecision(tier=current, since=since, expires=None, upgrade_bonus_levels=(), bonus=0, reached=reached)
    rank, qualified = rank_of(terms, current), _qualified(terms, points, aggregate)
    if rank > qualified:
        qualified_at = now if since is None else since
        # Not in the instant of the qualification either: of one instant one tier is kept, and it was reached.
        if now == qualified_at or now < qualified_at + timedelta(days=terms.retention_days):
            # Nothing is reached by keeping a tier, not even one that another member brought along.
            kept = _decide(terms, rank, qualified_at, reached)
            return replace(kept, upgrade_bonus_levels=(), bonus=0, reached=reached)
    return _decide(terms, qualified, now, reached)


def newly_reached(terms: TierTerms, tier: str | None, reached: frozenset[str]) -> tuple[TierLevel, ...]:
    """The levels up to this one that were never reached, lowest first: those passed over count as reached."""
    return tuple([level for level in terms.levels[: rank_of(terms, tier) + 1] if level.name not in reached])


def up_to(terms: TierTerms, tiers: Iterable[str | None]) -> frozenset[str]:
    """The highest of these levels and those below it."""
    highest = max([rank_of(terms, tier) for tier in tiers], default=-1)
    return frozenset([level.name for level in terms.levels[: highest + 1]])


def progress(terms: TierTerms, points: Decimal, aggregate: Decimal | None, current: str | None) -> TierProgress:
    """What is missing to the level above the current one."""
    above = terms.levels[rank_of(terms, current) + 1 :]
    if not above:
        return _AT_THE_TOP
    level, counted = above[0], aggregate or _ZERO
    needed_points = None if level.from_points is None else Decimal(level.from_points)
    pairs = [(points, needed_points), (counted, level.from_aggregate)]
    done = [_part(value, needed) for value, needed in pairs if needed is not None]
    return TierProgress(
        next=level.name,
        needed_points=needed_points,
        needed_aggregate=level.from_aggregate,
        missing_points=None if needed_points is None else max(_ZERO, needed_points - points),
        missing_aggregate=None if level.from_aggregate is None else max(_ZERO, level.from_aggregate - counted),
        fraction=min(done, default=None),
    )


def multiplier_of(terms: TierTerms, tier: str | None) -> Decimal | None:
    """The factor of a level; None for what is no level (any more)."""
    return next((level.multiplier for level in terms.levels if level.name == tier), None)


def level_of(terms: TierTerms, points: Decimal, aggregate: Decimal | None) -> str | None:
    """The highest level whose thresholds are met."""
    place = _qualified(terms, points, aggregate)
    return None if place < 0 else terms.levels[place].name


def _part(value: Decimal, needed: Decimal) -> Decimal:
    """How much of what is needed is there. Cut, so that it is 1 only where all of it is."""
    if value >= needed:
        return _ONE
    # Not there yet, so more than nothing is needed.
    return max(_ZERO, (value / needed).quantize(_FOUR_DECIMALS, ROUND_DOWN)) if needed > 0 else _ZERO


def rank_of(terms: TierTerms, tier: str | None) -> int:
    """The place of a level, -1 for none and for what is no level any more."""
    if tier is not None:
        for place, level in enumerate(terms.levels):
            if level.name == tier:
                return place
    return -1


def _qualified(terms: TierTerms, points: Decimal, aggregate: Decimal | None) -> int:
    """The place of the highest level whose thresholds are met, -1 for none."""
    counted, highest = aggregate or _ZERO, -1
    for place, level in enumerate(terms.levels):
        if (level.from_points is None or points >= level.from_points) and (
            level.from_aggregate is None or counted >= level.from_aggregate
        ):
            highest = place
    return highest


def _decide(terms: TierTerms, rank: int, since: datetime, reached: frozenset[str]) -> TierDecision:
    if rank < 0:
        return TierDecision(tier=None, since=None, expires=None, upgrade_bonus_levels=(), bonus=0, reached=reached)
    tier = terms.levels[rank].name
    fresh = newly_reached(terms, tier, reached)
    return TierDecision(
        tier=tier,
        since=since,
        expires=since + timedelta(days=terms.retention_days),
        upgrade_bonus_levels=tuple([level.name for level in fresh]),
        bonus=sum([level.upgrade_bonus for level in fresh]),
        reached=reached | {level.name for level in fresh} if fresh else reached,
    )
