"""Tiers of members."""

from datetime import datetime
from decimal import Decimal
from enum import Enum

import strawberry

from resolvers.tier_standing import MemberTier as TierRow
from resolvers.tier_standing import TierChange as ChangeRow
from resolvers.tier_standing import TierWay
from schema.context import RequestContext
from schema.scalar import Points


@strawberry.enum(description="What brought a tier about.")
class TierSource(Enum):
    AUTOMATIC = strawberry.enum_value("automatic", description="What the member earned, or the end of a retention.")
    MANUAL = strawberry.enum_value("manual", description="Somebody gave or took it by hand.")
    MERGE = strawberry.enum_value("merge", description="The member was merged with another, or parted again.")


@strawberry.type(description="The tier that a member has.")
class MemberTier:
    name: str = strawberry.field(description="The level's name.")
    since: datetime | None = strawberry.field(description="Since when the member has it.")
    multiplier: Decimal = strawberry.field(description="What points of rules are multiplied by.")
    qualified_until: datetime | None = strawberry.field(
        description="Until then the tier is kept whatever happens: the end of its retention, which begins anew while "
        "the member qualifies. Null: nothing takes it away by itself."
    )


@strawberry.type(
    description="The way to the next tier. What the program's tiers do not go by is null, and so is all but what "
    "counts so far at the highest one. Where tiers are given by hand, it is for orientation."
)
class TierProgress:
    next: str | None = strawberry.field(description="The next level's name; null: there is none above.")
    points: Points | None = strawberry.field(
        description="The points that count so far: all that were earned, or those of the last 365 days."
    )
    aggregate: Decimal | None = strawberry.field(description="What the aggregate of the tiers stands at.")
    needed_points: Points | None = strawberry.field(description="The points that the next level begins with.")
    needed_aggregate: Decimal | None = strawberry.field(description="The aggregate that the next level begins with.")
    missing_points: Points | None = strawberry.field(description="The points that are missing; 0: enough are there.")
    missing_aggregate: Decimal | None = strawberry.field(description="What is missing of the aggregate.")
    fraction: Decimal | None = strawberry.field(
        description="How much of the way is done, from 0 to 1; of two conditions the one that is further off."
    )


@strawberry.type(description="A tier that a member got.")
class TierChange:
    tier: str | None = strawberry.field(description="The level's name; null: none any more.")
    since: datetime = strawberry.field(description="From when on.")
    source: TierSource = strawberry.field(description="What brought it about.")


def to_tier(row: TierRow, context: RequestContext) -> MemberTier:
    """A tier as callers see it."""
    return MemberTier(
        name=row.name,
        since=context.local_or_none(row.since),
        multiplier=row.multiplier,
        qualified_until=context.local_or_none(row.qualified_until),
    )


def to_progress(row: TierWay) -> TierProgress:
    """The way to the next tier as callers see it."""
    way = row.progress
    return TierProgress(
        next=way.next,
        points=_points(row.points),
        aggregate=row.aggregate,
        needed_points=_points(way.needed_points),
        needed_aggregate=way.needed_aggregate,
        missing_points=_points(way.missing_points),
        missing_aggregate=way.missing_aggregate,
        fraction=way.fraction,
    )


def to_change(row: ChangeRow, context: RequestContext) -> TierChange:
    """A change as callers see it."""
    return TierChange(tier=row.tier, since=context.local(row.since), source=TierSource(row.source))


def _points(given: Decimal | None) -> Points | None:
    return None if given is None else Points(given)
