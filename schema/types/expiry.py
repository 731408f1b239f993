"""What expires when."""

from datetime import datetime
from enum import Enum

import strawberry

from resolvers.statement import ExpiryPeriod as PeriodRow
from resolvers.statement import ExpirySchedule as ScheduleRow
from schema.context import RequestContext
from schema.scalar import Points


@strawberry.enum(description="How often points can fall due, by the program's expiry policy.")
class ExpiryRhythm(Enum):
    MONTHLY = strawberry.enum_value("Monthly", description="At the end of a month, or on any day.")
    QUARTERLY = strawberry.enum_value("Quarterly", description="At the end of a quarter.")
    ANNUALLY = strawberry.enum_value("Annually", description="At the end of a year.")


@strawberry.type(
    description="What is good until one date. `available` is `accrual` less `redeemed`, `blocked` and `expired`."
)
class ExpiryPeriod:
    schedule_date: datetime = strawberry.field(description="The last moment in which the points can be spent.")
    accrual: Points = strawberry.field(description="What was earned with this date.")
    redeemed: Points = strawberry.field(description="What of it was spent.")
    blocked: Points = strawberry.field(description="What of it is held.")
    expired: Points = strawberry.field(description="What of it has expired.")
    available: Points = strawberry.field(description="What of it can still be spent.")


@strawberry.type(description="What expires in a year.")
class ExpirySchedule:
    period: ExpiryRhythm = strawberry.field(description="How often points can fall due.")
    periods: list[ExpiryPeriod] = strawberry.field(description="The dates, soonest first.")


def to_schedule(row: ScheduleRow, context: RequestContext) -> ExpirySchedule:
    """A schedule as callers see it."""
    return ExpirySchedule(
        period=ExpiryRhythm(row.period), periods=[to_period(period, context) for period in row.periods]
    )


def to_period(row: PeriodRow, context: RequestContext) -> ExpiryPeriod:
    """A date of a schedule as callers see it."""
    return ExpiryPeriod(
        schedule_date=context.local(row.schedule_date),
        accrual=Points(row.accrual),
        redeemed=Points(row.redeemed),
        blocked=Points(row.blocked),
        expired=Points(row.expired),
        available=Points(row.available),
    )
