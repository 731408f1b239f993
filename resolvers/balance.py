"""Figures of accounts as they are true at an instant: what is due counts as expired, booked or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from domain.clock import NEVER
from domain.points import from_minor
from domain.store.balance import Figures, read_figures
from domain.store.program import ProgramState


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """The figures of one account at one instant; points due to expire are left out already."""

    member_id: int
    available: Decimal
    spend: Decimal
    bonus: Decimal
    redeemed: Decimal
    expired: Decimal
    next_expiry_at: datetime | None
    next_expiring_points: Decimal


def available_points(
    tx: Connection, program_id: int, member_ids: Sequence[int], now: datetime, currency: str = "DEFAULT"
) -> dict[int, int]:
    """Redeemable points in smallest units, by member."""
    figures = read_figures(tx, program_id, member_ids, now, currency)
    return {one.member_id: one.available for one in figures}


def balance_of(figures: Figures, state: ProgramState) -> Balance:
    """Figures in points."""
    return Balance(
        member_id=figures.member_id,
        available=from_minor(figures.available, state.places),
        spend=from_minor(figures.spend, state.places),
        bonus=from_minor(figures.bonus, state.places),
        redeemed=from_minor(figures.redeemed, state.places),
        expired=from_minor(figures.expired, state.places),
        next_expiry_at=None if figures.next_expiry >= NEVER else figures.next_expiry,
        next_expiring_points=from_minor(figures.next_expiring, state.places),
    )
