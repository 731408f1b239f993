"""Which points are about to expire, and who was told so already."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.models import account, expiry_reminder, lot


def due_reminders(tx: Connection, program_id: int, now: datetime, ahead: timedelta, limit: int) -> Sequence[Row[Any]]:
    """Members and dates at which points of theirs expire within this time that nobody was told of, soonest first."""
    told = expiry_reminder.c
    query: Select[Any] = (
        select(lot.c.account_id, account.c.member_id, lot.c.expires_at, func.sum(lot.c.remaining).label("points"))
        .join(account, and_(account.c.program_id == lot.c.program_id, account.c.id == lot.c.account_id))
        .where(
            lot.c.program_id == program_id,
            lot.c.is_open,
            lot.c.expires_at > now,
            lot.c.expires_at <= now + ahead,
            ~exists().where(
                told.program_id == lot.c.program_id,
                told.account_id == lot.c.account_id,
                told.expires_at == lot.c.expires_at,
            ),
        )
        .group_by(lot.c.account_id, account.c.member_id, lot.c.expires_at)
        .order_by(lot.c.expires_at, lot.c.account_id)
        .limit(limit)
    )
    return tx.execute(query).all()


def note_reminder(tx: Connection, program_id: int, account_id: int, expires_at: datetime) -> bool:
    """Note that a date is told of; False where another process did."""
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    values = {"program_id": program_id, "account_id": account_id, "expires_at": expires_at}
    return tx.execute(insert(expiry_reminder).values(**values).on_conflict_do_nothing()).rowcount == 1


def forget_reminders(tx: Connection, program_id: int, now: datetime) -> None:
    """Forget dates that have come."""
    where = expiry_reminder.c.program_id == program_id, expiry_reminder.c.expires_at <= now
    tx.execute(delete(expiry_reminder).where(*where))
