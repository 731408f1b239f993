"""Use cases that tell what expires when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from domain.access import Permission
from domain.clock import NEVER, last_moment
from domain.errors import InvalidRequest
from domain.points import from_minor
from domain.program_zone import start_of_day
from domain.store.balance import Due, expiry_dates
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.holder import find_holder, own_reference

_PERIODS = {"quarter": "Quarterly", "year": "Annually"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpiryPeriod:
    """What is good until one date: `available` = accrual - redeemed - blocked - expired.

    `schedule_date` is the last millisecond in which the points can be spent, in UTC.
    """

    schedule_date: datetime
    accrual: Decimal
    redeemed: Decimal
    blocked: Decimal
    expired: Decimal
    available: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpirySchedule:
    """`period` is Monthly, Quarterly or Annually, by the program's expiry policy."""

    period: str
    periods: Sequence[ExpiryPeriod]


async def get_expiry_schedule(
    ctx: Context, relation_reference: str | None, year: int, currency: str = "DEFAULT"
) -> ExpirySchedule:
    """What expires in a calendar year of the program's zone.

    Raises BadRequest, Forbidden, InvalidRequest (year), MemberNotFound.
    """
    reference, now = own_reference(ctx, relation_reference), ctx.services.clock()
    if not 1900 <= year < 2200:
        raise InvalidRequest("Year: out of range", field="year")

    def body(tx: Connection) -> ExpirySchedule:
        holder = find_holder(tx, ctx, reference, currency)
        zone = holder.state.zone
        # A lot is good until the instant after its last day, so a year's dates end with the next year's first.
        start = start_of_day(date(year, 1, 1), zone) + timedelta(microseconds=1)
        end = start_of_day(date(year + 1, 1, 1), zone) + timedelta(microseconds=1)
        dates = expiry_dates(tx, holder.state.id, [holder.member_id], start, end, now, currency)
        expiry = holder.state.configuration.expiry
        return ExpirySchedule(
            period=_PERIODS.get(expiry.period_end, "Monthly"),
            periods=[_period(holder.state, one, now) for one in dates],
        )

    return await ctx.read(body)


def _period(state: ProgramState, one: Due, now: datetime) -> ExpiryPeriod:
    is_over = one.expires_at <= now
    gone = one.expired + (one.remaining if is_over else 0)
    left = 0 if is_over else one.remaining
    return ExpiryPeriod(
        schedule_date=last_moment(one.expires_at),
        accrual=from_minor(one.earned, state.places),
        redeemed=from_minor(one.earned - gone - left - one.held, state.places),
        # What is held when its date comes stays so until the hold ends.
        blocked=from_minor(one.held, state.places),
        expired=from_minor(gone, state.places),
        available=from_minor(left, state.places),
    )


async def list_expiring(ctx: Context, member_ids: Sequence[int]) -> dict[int, Sequence[ExpiryPeriod]]:
    """The coming expiry dates of each member with the points that fall due, soonest first. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)
    now = ctx.services.clock()

    def body(tx: Connection) -> dict[int, Sequence[ExpiryPeriod]]:
        state = ctx.program(tx)
        coming: dict[int, list[ExpiryPeriod]] = {one: [] for one in ctx.visible_members(tx, member_ids)}
        start = now + timedelta(microseconds=1)
        for one in expiry_dates(tx, state.id, list(coming), start, NEVER, now):
            if one.remaining:
                coming[one.member_id].append(_period(state, one, now))
        return dict(coming)

    return await ctx.read(body)
