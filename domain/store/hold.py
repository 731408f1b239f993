"""Holds in the database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, and_, func, insert, or_, select, update

from domain.models import hold as table
from domain.models import lot, lot_trace

PENDING, SETTLED, CANCELLED, LAPSED = "PENDING", "SETTLED", "CANCELLED", "LAPSED"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredHold:
    """One hold; `points` in smallest units. `processed_at` None: still pending."""

    id: int
    account_id: int
    member_id: int
    purpose: str
    status: str
    points: int
    amount: Decimal | None
    merchant: str | None
    entry_id: int
    external_reference: UUID
    created_at: datetime
    expires_at: datetime
    processed_at: datetime | None
    settled_points: int | None


_COLUMNS = tuple(StoredHold.__dataclass_fields__)


def insert_hold(tx: Connection, program_id: int, one: StoredHold) -> None:
    """Store a new hold. Raises IntegrityError where the member has a pending request of the same kind already."""
    tx.execute(insert(table).values(program_id=program_id, **{name: getattr(one, name) for name in _COLUMNS}))


def end_hold(
    tx: Connection, program_id: int, hold_id: int, status: str, at: datetime, settled_points: int | None = None
) -> None:
    """Mark a pending hold as settled, cancelled or lapsed. The caller has locked the account."""
    tx.execute(
        update(table)
        .where(table.c.program_id == program_id, table.c.id == hold_id, table.c.status == PENDING)
        .values(status=status, processed_at=at, settled_points=settled_points)
    )


def find_holds(tx: Connection, program_id: int, ids: Sequence[int]) -> dict[int, StoredHold]:
    """Holds by id."""
    rows = tx.execute(select(table).where(table.c.program_id == program_id, table.c.id.in_(ids)))
    return {row.id: _stored(row) for row in rows}


def page_holds(
    tx: Connection,
    program_id: int,
    member_ids: Sequence[int],
    *,
    now: datetime,
    purpose: str | None = None,
    status: str | None = None,
    limit: int,
    skip: int = 0,
    before_id: int | None = None,
) -> list[StoredHold]:
    """The newest holds of each member by one statement, as they are at `now`."""
    pages = []
    for member_id in member_ids:
        query = _holds(program_id, member_id, now, purpose, status)
        query = query.where(table.c.id < before_id) if before_id is not None else query
        pages.append(select(query.order_by(table.c.id.desc()).offset(skip).limit(limit).subquery()))
    if not pages:
        return []
    union = pages[0].union_all(*pages[1:]) if len(pages) > 1 else pages[0]
    found = [as_of(_stored(row), now) for row in tx.execute(union)]
    return sorted(found, key=lambda one: one.id, reverse=True)


def count_holds(
    tx: Connection, program_id: int, member_id: int, *, now: datetime, purpose: str | None, status: str | None
) -> int:
    """How many holds of a member `page_holds` gives in all."""
    query = _holds(program_id, member_id, now, purpose, status)
    return tx.scalar(select(func.count()).select_from(query.subquery())) or 0


def _holds(program_id: int, member_id: int, now: datetime, purpose: str | None, status: str | None) -> Select[Any]:
    query = select(table).where(table.c.program_id == program_id, table.c.member_id == member_id)
    query = query.where(table.c.purpose == purpose) if purpose is not None else query
    if status == LAPSED:
        return query.where(or_(table.c.status == LAPSED, and_(table.c.status == PENDING, table.c.expires_at <= now)))
    if status == PENDING:
        return query.where(table.c.status == PENDING, table.c.expires_at > now)
    return query.where(table.c.status == status) if status is not None else query


def as_of(one: StoredHold, now: datetime) -> StoredHold:
    """The hold as it is at an instant: one that outlived its time has lapsed then, booked or not."""
    if one.status != PENDING or one.expires_at > now:
        return one
    return replace(one, status=LAPSED, processed_at=one.expires_at)


def has_pending(tx: Connection, program_id: int, member_id: int, purpose: str | None = None) -> bool:
    """Whether a member has a pending hold. The caller has locked the account, so overdue ones have ended."""
    query = select(table.c.id).where(
        table.c.program_id == program_id, table.c.member_id == member_id, table.c.status == PENDING
    )
    query = query.where(table.c.purpose == purpose) if purpose is not None else query
    return tx.scalar(query.limit(1)) is not None


def overdue_holds(tx: Connection, program_id: int, account_id: int, now: datetime) -> list[StoredHold]:
    """Pending holds of an account whose time is over, in the order in which they lapsed."""
    rows = tx.execute(
        select(table)
        .where(
            table.c.program_id == program_id,
            table.c.account_id == account_id,
            table.c.status == PENDING,
            table.c.expires_at <= now,
        )
        .order_by(table.c.expires_at, table.c.id)
    )
    return [_stored(row) for row in rows]


def unbooked_lapses(
    tx: Connection, program_id: int, account_id: int, now: datetime
) -> list[tuple[datetime, datetime, int]]:
    """What overdue holds give back and was not booked yet: when they lapsed, the lots' expiry, and the points."""
    joined = (lot_trace.c.program_id == table.c.program_id) & (lot_trace.c.entry_id == table.c.entry_id)
    rows = tx.execute(
        select(table.c.expires_at, lot.c.expires_at, -lot_trace.c.points)
        .join(lot_trace, joined)
        .join(lot, (lot.c.program_id == lot_trace.c.program_id) & (lot.c.id == lot_trace.c.lot_id))
        .where(
            table.c.program_id == program_id,
            table.c.account_id == account_id,
            table.c.status == PENDING,
            table.c.expires_at <= now,
        )
    )
    return [(row[0], row[1], row[2]) for row in rows]


def next_lapses(tx: Connection, program_id: int, account_ids: Sequence[int]) -> dict[int, datetime]:
    """When the first pending hold of each account lapses."""
    pending = and_(table.c.program_id == program_id, table.c.account_id.in_(account_ids), table.c.status == PENDING)
    rows = tx.execute(
        select(table.c.account_id, func.min(table.c.expires_at)).where(pending).group_by(table.c.account_id)
    )
    return {row[0]: row[1] for row in rows}


def _stored(row: Row[Any]) -> StoredHold:
    return StoredHold(**{name: getattr(row, name) for name in _COLUMNS})
