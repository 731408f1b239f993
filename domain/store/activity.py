"""When accounts earned, for expiry by inactivity: what refunds took back whole no longer counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, func, select

from domain.ledger.refund import is_taken_back
from domain.models import ledger_entry, lot, lot_trace, member_transaction

_MADE_BY = and_(
    member_transaction.c.program_id == ledger_entry.c.program_id,
    member_transaction.c.id == ledger_entry.c.transaction_ref,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredActivity:
    """One earning: its entry, its instant, and whether refunds left something of it."""

    entry_id: int
    at: datetime
    stands: bool


def last_earnings(tx: Connection, program_id: int, account_ids: Sequence[int]) -> dict[int, datetime]:
    """When each account earned for the last time what was not taken back whole, by transaction date."""
    # What was never refunded is one row for an account; exact decimals are compared here, not in the database.
    refunded = case((member_transaction.c.refunded != 0, ledger_entry.c.id))
    rows = tx.execute(
        _earnings(
            program_id,
            account_ids,
            ledger_entry.c.account_id,
            func.max(ledger_entry.c.transaction_date).label("at"),
            func.max(ledger_entry.c.points).label("points"),
            func.max(member_transaction.c.amount).label("amount"),
            func.max(member_transaction.c.refunded).label("refunded"),
        ).group_by(ledger_entry.c.account_id, refunded)
    )
    found: dict[int, datetime] = {}
    for row in rows:
        if _stands(row):
            found[row.account_id] = max(row.at, found.get(row.account_id, row.at))
    return found


def list_activities(tx: Connection, program_id: int, account_id: int) -> list[StoredActivity]:
    """Every earning of an account, oldest entry first."""
    rows = tx.execute(
        _earnings(
            program_id,
            [account_id],
            ledger_entry.c.id,
            ledger_entry.c.transaction_date.label("at"),
            ledger_entry.c.points,
            member_transaction.c.amount,
            member_transaction.c.refunded,
        ).order_by(ledger_entry.c.id)
    )
    return [StoredActivity(entry_id=row.id, at=row.at, stands=_stands(row)) for row in rows]


def moved_lots(tx: Connection, program_id: int, account_id: int) -> set[int]:
    """The lots whose dates earnings of an account ever moved."""
    rows = tx.scalars(
        select(lot_trace.c.lot_id)
        .join(
            ledger_entry,
            and_(ledger_entry.c.program_id == lot_trace.c.program_id, ledger_entry.c.id == lot_trace.c.entry_id),
        )
        .where(
            ledger_entry.c.program_id == program_id,
            ledger_entry.c.account_id == account_id,
            ledger_entry.c.kind == "earn",
            lot_trace.c.points == 0,
        )
    )
    return set(rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredOrigin:
    """How an open lot was made: by which kind of posting with which stored `detail`, and to lapse when."""

    lot_id: int
    kind: str
    detail: str | None
    expires_at: datetime


def list_origins(tx: Connection, program_id: int, account_id: int) -> list[StoredOrigin]:
    """How each open lot of an account was made."""
    traced = and_(
        lot_trace.c.program_id == lot.c.program_id,
        lot_trace.c.entry_id == lot.c.entry_id,
        lot_trace.c.lot_id == lot.c.id,
    )
    made_by = and_(ledger_entry.c.program_id == lot.c.program_id, ledger_entry.c.id == lot.c.entry_id)
    rows = tx.execute(
        select(lot.c.id, ledger_entry.c.kind, ledger_entry.c.detail, lot_trace.c.expires_at)
        .join(lot_trace, traced)
        .join(ledger_entry, made_by)
        .where(lot.c.program_id == program_id, lot.c.account_id == account_id, lot.c.is_open)
    )
    return [StoredOrigin(lot_id=row.id, kind=row.kind, detail=row.detail, expires_at=row.expires_at) for row in rows]


def _earnings(program_id: int, account_ids: Sequence[int], *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(ledger_entry)
        .join(member_transaction, _MADE_BY)
        .where(
            ledger_entry.c.program_id == program_id,
            ledger_entry.c.account_id.in_(account_ids),
            ledger_entry.c.kind == "earn",
        )
    )


def _stands(row: Row[Any]) -> bool:
    return not row.refunded or not is_taken_back(row.points, row.amount, row.refunded)
