"""Use cases of the dashboard: how a program stands, how it went, and what waits for somebody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from sqlalchemy import Connection

from domain.access import Permission
from domain.points import from_minor
from domain.program_zone import local_instant
from domain.store.overview import ISSUED, Waiting, count_waiting, sum_accounts, sum_periods
from resolvers.context import Context

Span = Literal["days", "months"]
DAYS, MONTHS = 30, 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """How a program stands. Points, and `liability` in its currency: what all outstanding points are worth.

    `breakage`: the share of what was issued and is no longer there that expired; None where nothing is gone.
    """

    members: int
    issued: Decimal
    redeemed: Decimal
    expired: Decimal
    outstanding: Decimal
    pending: Decimal
    liability: Decimal
    currency: str
    breakage: float | None
    waiting: Waiting


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """A day or a month in the program's zone. `redeemed` is net of reversals; all are positive as a rule."""

    begins_at: datetime
    issued: Decimal
    redeemed: Decimal
    expired: Decimal


async def get_overview(ctx: Context) -> Overview:
    """How the program stands, as of each account's last posting. Raises Forbidden."""
    ctx.principal.require(Permission.CONFIGURATION_READ)

    def body(tx: Connection) -> Overview:
        state = ctx.program(tx)
        sums = sum_accounts(tx, state.id)
        outstanding, gone = from_minor(sums.outstanding + sums.pending, state.places), sums.redeemed + sums.expired
        return Overview(
            members=sums.members,
            issued=from_minor(sums.issued, state.places),
            redeemed=from_minor(sums.redeemed, state.places),
            expired=from_minor(sums.expired, state.places),
            outstanding=outstanding,
            pending=from_minor(sums.pending, state.places),
            liability=state.terms.worth(outstanding),
            currency=state.terms.currency,
            breakage=sums.expired / gone if gone > 0 else None,
            waiting=count_waiting(tx, state.id),
        )

    return await ctx.read(body)


async def list_periods(ctx: Context, span: Span) -> list[Period]:
    """The last 30 days or 12 months, oldest first, by transaction date. Raises Forbidden."""
    ctx.principal.require(Permission.CONFIGURATION_READ)

    def body(tx: Connection) -> list[Period]:
        state = ctx.program(tx)
        today = ctx.services.clock().astimezone(state.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        local = _days(today) if span == "days" else _months(today)
        bounds = [local_instant(one.replace(tzinfo=None), state.zone) for one in local]
        found = sum_periods(tx, state.id, bounds)

        def points(number: int, *buckets: str) -> Decimal:
            return from_minor(sum(found.get((number, one), 0) for one in buckets), state.places)

        return [
            Period(
                begins_at=begins,
                issued=points(number, *ISSUED),
                redeemed=-points(number, "redeem"),
                expired=-points(number, "expired"),
            )
            for number, begins in enumerate(bounds[:-1])
        ]

    return await ctx.read(body)


def _days(today: datetime) -> Sequence[datetime]:
    return [today + timedelta(days=number) for number in range(1 - DAYS, 2)]


def _months(today: datetime) -> Sequence[datetime]:
    first = today.year * 12 + today.month - 1
    return [
        today.replace(year=month // 12, month=month % 12 + 1, day=1) for month in range(first + 1 - MONTHS, first + 2)
    ]
