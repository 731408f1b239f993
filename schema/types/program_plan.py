"""What a program promises its members: tiers, referrals, expiry."""

from datetime import date
from decimal import Decimal
from enum import Enum

import strawberry

from domain.expiry_terms import ExpiryTerms, in_words
from domain.rules.terms import ReferralTerms
from domain.tier_terms import TierLevel
from domain.tier_terms import TierTerms as Terms
from schema.scalar import Points


@strawberry.enum(description="How members come to a tier.")
class TierAssessment(Enum):
    AUTOMATIC = strawberry.enum_value("automatic", description="By what they earn.")
    MANUAL = strawberry.enum_value("manual", description="Somebody gives it by hand; thresholds are for orientation.")


@strawberry.enum(description="What the thresholds of tiers go by.")
class TierBasis(Enum):
    POINTS = strawberry.enum_value("points", description="Points that were earned.")
    AGGREGATE = strawberry.enum_value("aggregate", description="An aggregate of purchases.")
    BOTH = strawberry.enum_value("both", description="Both, which have to be met together.")


@strawberry.enum(description="Which points count for tiers.")
class TierWindow(Enum):
    LIFETIME = strawberry.enum_value("lifetime", description="All that were ever earned.")
    ROLLING_365 = strawberry.enum_value("rolling_365", description="Those of the last 365 days.")


@strawberry.type(description="How tiers are reached and kept.")
class TierTerms:
    assessment: TierAssessment = strawberry.field(description="How members come to a tier.")
    basis: TierBasis = strawberry.field(description="What the thresholds go by.")
    window: TierWindow = strawberry.field(description="Which points count.")
    aggregate: str | None = strawberry.field(description="The key of the aggregate that counts; null: none does.")
    retention_days: int = strawberry.field(
        description="For how many days a tier is kept after the member last qualified for it."
    )


@strawberry.type(description="A level of the tiers.")
class Tier:
    name: str = strawberry.field(description="Its name.")
    rank: int = strawberry.field(description="Its place in the ladder, from 1 for the lowest.")
    from_points: Points | None = strawberry.field(description="The points that it begins with; null: none are needed.")
    from_aggregate: Decimal | None = strawberry.field(
        description="What the aggregate has to stand at; null: it does not count."
    )
    multiplier: Decimal = strawberry.field(description="What points of rules are multiplied by.")
    upgrade_bonus: Points = strawberry.field(description="What reaching it for the first time gives; 0: nothing.")


@strawberry.enum(description="When a referral is rewarded.")
class ReferralReward(Enum):
    ACTIVATION = strawberry.enum_value("activation", description="When the new member becomes active.")
    FIRST_TRANSACTION = strawberry.enum_value("first_transaction", description="With the new member's first purchase.")


@strawberry.type(description="What bringing a new member gives.")
class ReferralOffer:
    reward_on: ReferralReward = strawberry.field(description="When both get their points.")
    referrer_points: Points = strawberry.field(description="What the member gets whose code it was.")
    referee_points: Points = strawberry.field(description="What the new member gets.")
    max_per_referrer: int | None = strawberry.field(
        description="For how many new members a member gets points; null: for all of them."
    )


@strawberry.enum(description="What the expiry of points goes by.")
class ExpiryPolicy(Enum):
    NONE = strawberry.enum_value("none", description="Points do not expire.")
    MONTHS = strawberry.enum_value("months", description="Months after they were earned.")
    FIXED_DATE = strawberry.enum_value("fixed_date", description="One day for all.")
    INACTIVITY = strawberry.enum_value("inactivity", description="Months after the last purchase that earned some.")


@strawberry.enum(description="The end of what points are good until.")
class ExpiryPeriodEnd(Enum):
    DAY = strawberry.enum_value("day", description="That very day.")
    MONTH = strawberry.enum_value("month", description="The end of that month.")
    QUARTER = strawberry.enum_value("quarter", description="The end of that quarter.")
    YEAR = strawberry.enum_value("year", description="The end of that year.")


@strawberry.type(
    description="When points expire. A rule may have terms of its own: `Lot.expiresAt` and `Member.expiring` are exact."
)
class ExpiryOffer:
    policy: ExpiryPolicy = strawberry.field(description="What it goes by.")
    months: int | None = strawberry.field(description="How many months; null where it does not go by months.")
    period_end: ExpiryPeriodEnd = strawberry.field(description="Until the end of what the points are good then.")
    last_day: date | None = strawberry.field(
        description="The last day on which points of the policy `FIXED_DATE` can be spent."
    )
    words: str = strawberry.field(description="All of that as an English sentence.")


def to_tiers(terms: Terms) -> list[Tier]:
    """The ladder, lowest first; empty where tiers are off."""
    if terms.assessment == "off":
        return []
    return [_to_tier(rank, level) for rank, level in enumerate(terms.levels, 1)]


def to_tier_terms(terms: Terms) -> TierTerms | None:
    """How tiers are reached; None where they are off."""
    if terms.assessment == "off":
        return None
    return TierTerms(
        assessment=TierAssessment(terms.assessment),
        basis=TierBasis(terms.basis),
        window=TierWindow(terms.window),
        aggregate=None if terms.basis == "points" else terms.aggregate,
        retention_days=terms.retention_days,
    )


def to_referral(terms: ReferralTerms) -> ReferralOffer | None:
    """What a referral gives; None where referrals are off."""
    if not terms.enabled:
        return None
    return ReferralOffer(
        reward_on=ReferralReward(terms.reward_on),
        referrer_points=Points(Decimal(terms.referrer_points)),
        referee_points=Points(Decimal(terms.referee_points)),
        max_per_referrer=terms.max_per_referrer,
    )


def to_expiry(terms: ExpiryTerms) -> ExpiryOffer:
    """When points expire."""
    return ExpiryOffer(
        policy=ExpiryPolicy(terms.policy),
        months=terms.months,
        period_end=ExpiryPeriodEnd(terms.period_end),
        last_day=terms.last_day,
        words=in_words(terms),
    )


def _to_tier(rank: int, level: TierLevel) -> Tier:
    return Tier(
        name=level.name,
        rank=rank,
        from_points=None if level.from_points is None else Points(Decimal(level.from_points)),
        from_aggregate=level.from_aggregate,
        multiplier=level.multiplier,
        upgrade_bonus=Points(Decimal(level.upgrade_bonus)),
    )
