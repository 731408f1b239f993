"""Campaigns."""

from datetime import date, datetime
from decimal import Decimal

import strawberry

from domain.rules.model import Flat
from resolvers.campaign import Campaign as CampaignRow
from schema.context import RequestContext
from schema.scalar import Points


@strawberry.type(description="A campaign: for a time, points or a factor for the members of a segment or for all.")
class Campaign:
    name: str = strawberry.field(description="Its name, unique in the program.")
    starts: date = strawberry.field(description="The first day, inclusive, in the program's time zone.")
    ends: date = strawberry.field(description="The last day, inclusive, in the program's time zone.")
    starts_at: datetime = strawberry.field(description="The first instant at which it is on, inclusive.")
    ends_at: datetime = strawberry.field(
        description="The first instant at which it is over, exclusive: where the configuration names a last day, the "
        "beginning of the next one in the program's time zone."
    )
    segment: str | None = strawberry.field(
        description="The name of the segment that it is for; null: everybody, and always null with a member's token."
    )
    award: "CampaignAward" = strawberry.field(description="What it gives.")
    message: str | None = strawberry.field(description="What the member is told.")
    is_active: bool = strawberry.field(
        description="Whether it is on at the instant of the request: from `startsAt` on, and before `endsAt`."
    )


@strawberry.type(description="What a campaign gives: one of the two fields has a value.")
class CampaignAward:
    points: Points | None = strawberry.field(
        description="A flat bonus for each purchase, which nothing multiplies; null: it multiplies."
    )
    factor: Decimal | None = strawberry.field(
        description="What points of rules are multiplied by; null: it gives a flat bonus."
    )


def to_campaign(row: CampaignRow, context: RequestContext) -> Campaign:
    """A campaign as callers see it."""
    return Campaign(
        name=row.name,
        starts=row.span.first_day,
        ends=row.span.last_day,
        starts_at=context.local(row.span.starts),
        ends_at=context.local(row.span.ends),
        segment=row.segment,
        award=_award(row),
        message=row.message,
        is_active=row.is_active,
    )


def _award(row: CampaignRow) -> CampaignAward:
    if isinstance(row.award, Flat):
        return CampaignAward(points=Points(row.award.points), factor=None)
    return CampaignAward(points=None, factor=row.award.factor)
