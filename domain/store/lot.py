"""Lots in the database: what is due, and what a debit took."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, tuple_

from domain.ledger.posting import Lot
from domain.models import account, lot, lot_trace


def lot_of(row: Row[Any]) -> Lot:
    """A stored lot."""
    return Lot(row.earned_at, row.expires_at, row.points, row.remaining, row.id, row.entry_id)


def taken_lots(tx: Connection, program_id: int, entry_id: int) -> list[tuple[Lot, int]]:
    """The lots that a debit took, with the points taken from each, in the order of lots."""
    rows = tx.execute(
        select(lot, lot_trace.c.points.label("moved"))
        .join(lot_trace, (lot_trace.c.program_id == lot.c.program_id) & (lot_trace.c.lot_id == lot.c.id))
        .where(lot_trace.c.program_id == program_id, lot_trace.c.entry_id == entry_id)
        .order_by(lot.c.expires_at, lot.c.earned_at, lot.c.id)
    )
    return [(lot_of(row), -row.moved) for row in rows]


def due_members(tx: Connection, program_id: int, now: datetime, limit: int) -> list[int]:
    """Members with lots that are due, from the index of due dates, soonest first."""
    rows = tx.execute(
        select(lot.c.account_id, func.min(lot.c.expires_at))
        .where(lot.c.program_id == program_id, lot.c.is_open, lot.c.expires_at <= now)
        .group_by(lot.c.account_id)
        .order_by(func.min(lot.c.expires_at))
        .limit(limit)
    )
    accounts = [row.account_id for row in rows]
    found = tx.scalars(
        select(account.c.member_id).where(
            tuple_(account.c.program_id, account.c.id).in_([(program_id, one) for one in accounts])
        )
    )
    return list(found)
