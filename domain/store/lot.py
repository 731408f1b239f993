"""Lots in the database: what is open, what is due, and what a debit took."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, func, select, tuple_, union_all

from domain.clock import NEVER
from domain.ledger.posting import Lot
from domain.models import account, hold, lot, lot_trace


def lot_of(row: Row[Any]) -> Lot:
    """A stored lot."""
    return Lot(row.earned_at, row.expires_at, row.points, row.remaining, row.id, row.entry_id, row.available_at)


def taken_lots(tx: Connection, program_id: int, entry_id: int) -> list[tuple[Lot, int]]:
    """The lots that a debit took, with the points taken from each, in the order of lots."""
    rows = tx.execute(
        select(lot, lot_trace.c.points.label("moved"))
        .join(lot_trace, (lot_trace.c.program_id == lot.c.program_id) & (lot_trace.c.lot_id == lot.c.id))
        .where(lot_trace.c.program_id == program_id, lot_trace.c.entry_id == entry_id)
        .order_by(lot.c.expires_at, lot.c.earned_at, lot.c.id)
    )
    return [(lot_of(row), -row.moved) for row in rows]


def open_lots(tx: Connection, program_id: int, account_ids: Sequence[int]) -> dict[int, list[Lot]]:
    """Every open lot, pending ones too, by account, in `lot_order`. The caller has locked the accounts."""
    found: dict[int, list[Lot]] = {one: [] for one in account_ids}
    for row in tx.execute(
        select(lot).where(*_open(program_id, account_ids)).order_by(lot.c.expires_at, lot.c.earned_at, lot.c.id)
    ):
        found[row.account_id].append(lot_of(row))
    return found


def find_lots(tx: Connection, program_id: int, ids: Sequence[int]) -> dict[int, Lot]:
    """Lots by id. The caller has locked their accounts."""
    rows = tx.execute(select(lot).where(lot.c.program_id == program_id, lot.c.id.in_(ids)))
    return {row.id: lot_of(row) for row in rows}


def lots_of_entries(tx: Connection, program_id: int, entry_ids: Sequence[int]) -> dict[int, list[Lot]]:
    """The lots that these credits made, open or not, by entry id."""
    found: dict[int, list[Lot]] = {one: [] for one in entry_ids}
    # By way of the traces, which have the index.
    made = (lot_trace.c.program_id == lot.c.program_id) & (lot_trace.c.lot_id == lot.c.id)
    for row in tx.execute(
        select(lot)
        .join(lot_trace, made & (lot_trace.c.entry_id == lot.c.entry_id))
        .where(lot_trace.c.program_id == program_id, lot_trace.c.entry_id.in_(entry_ids))
        .order_by(lot.c.id)
    ):
        found[row.entry_id].append(lot_of(row))
    return found


def due_lots(tx: Connection, program_id: int, account_ids: Sequence[int], now: datetime) -> dict[int, list[Lot]]:
    """The open lots that have expired, by account, in `lot_order`."""
    found: dict[int, list[Lot]] = {}
    for row in tx.execute(
        select(lot)
        .where(*_open(program_id, account_ids), lot.c.expires_at <= now)
        .order_by(lot.c.expires_at, lot.c.earned_at, lot.c.id)
    ):
        found.setdefault(row.account_id, []).append(lot_of(row))
    return found


def pending_points(tx: Connection, program_id: int, account_ids: Sequence[int], now: datetime) -> dict[int, int]:
    """What is not available yet at `now`, in smallest units, by account."""
    rows = tx.execute(
        select(lot.c.account_id, func.sum(lot.c.remaining))
        .where(*_open(program_id, account_ids), lot.c.available_at > now)
        .group_by(lot.c.account_id)
    )
    return {row[0]: int(row[1]) for row in rows}


def next_dates(
    tx: Connection, program_id: int, account_ids: Sequence[int], now: datetime
) -> dict[int, tuple[datetime, datetime]]:
    """When the first open lot of each account expires, and when the first pending one becomes available."""
    waits = case((lot.c.available_at > now, lot.c.available_at))
    rows = tx.execute(
        select(lot.c.account_id, func.min(lot.c.expires_at), func.min(waits))
        .where(*_open(program_id, account_ids))
        .group_by(lot.c.account_id)
    )
    return {row[0]: (row[1], row[2] or NEVER) for row in rows}


def _open(program_id: int, account_ids: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
    return lot.c.program_id == program_id, lot.c.account_id.in_(account_ids), lot.c.is_open


def due_members(tx: Connection, program_id: int, now: datetime, limit: int) -> list[int]:
    """Members with lots that are due or holds that lapsed, from the indexes of due dates, soonest first."""
    due = union_all(
        select(lot.c.account_id, lot.c.expires_at).where(
            lot.c.program_id == program_id, lot.c.is_open, lot.c.expires_at <= now
        ),
        select(hold.c.account_id, hold.c.expires_at).where(
            hold.c.program_id == program_id, hold.c.status == "PENDING", hold.c.expires_at <= now
        ),
    ).subquery()
    rows = tx.execute(
        select(due.c.account_id, func.min(due.c.expires_at))
        .group_by(due.c.account_id)
        .order_by(func.min(due.c.expires_at))
        .limit(limit)
    )
    accounts = [row.account_id for row in rows]
    found = tx.scalars(
        select(account.c.member_id).where(
            tuple_(account.c.program_id, account.c.id).in_([(program_id, one) for one in accounts])
        )
    )
    return list(found)
