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
    """The figures of one account at one instant; points due to expire are left out already.

    `available` is negative while arrears outweigh it; `held` counts in `redeemed` as well. `total` is
    available and pending: the sum of all postings.
    """

    member_id: int
    total: Decimal
    available: Decimal
    pending: Decimal
    held: Decimal
    arrears: Decimal
    spend: Decimal
    bonus: Decimal
    partner: Decimal
    purchased: Decimal
    other: Decimal
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
    places = state.places
    points = {name: from_minor(getattr(figures, name), places) for name in _FIGURES}
    return Balance(
        member_id=figures.member_id,
        total=from_minor(figures.available + figures.pending, places),
        next_expiry_at=None if figures.next_expiry >= NEVER else figures.next_expiry,
        next_expiring_points=from_minor(figures.next_expiring, places),
        **points,
    )


_FIGURES = (
    "available",
    "pending",
    "held",
    "arrears",
    "spend",
    "bonus",
    "partner",
    "purchased",
    "other",
    "redeemed",
    "expired",
)
