"""The transactions of a period in portions: members in the order of their ids, their records in that of posting."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from domain.models import member_transaction as table
from domain.store.transaction import POSTED, StoredTransaction


def count_dated(tx: Connection, program_id: int, start: datetime, end: datetime, most: int) -> int:
    """How many transactions are dated in [start, end), counted no further than `most`."""
    found = select(table.c.id).where(*_dated(program_id, start, end)).limit(most).subquery()
    return tx.scalar(select(func.count()).select_from(found)) or 0


def members_dated(
    tx: Connection, program_id: int, start: datetime, end: datetime, *, after_id: int, limit: int
) -> list[int]:
    """The members with transactions in [start, end), by id, after one of them."""
    rows = tx.execute(
        select(table.c.member_id)
        .where(*_dated(program_id, start, end), table.c.member_id > after_id)
        .group_by(table.c.member_id)
        .order_by(table.c.member_id)
        .limit(limit)
    )
    return [row[0] for row in rows]


def page_dated(
    tx: Connection,
    program_id: int,
    members: Sequence[int],
    start: datetime,
    end: datetime,
    *,
    after_id: int,
    limit: int,
) -> list[StoredTransaction]:
    """The transactions of these members in [start, end) that came to something, by id, after one of them."""
    rows = tx.execute(
        select(table)
        .where(
            *_dated(program_id, start, end),
            table.c.member_id.in_(members),
            table.c.id > after_id,
            table.c.status == POSTED,
        )
        .order_by(table.c.id)
        .limit(limit)
    )
    return [StoredTransaction(**row._mapping) for row in rows]


def _dated(program_id: int, start: datetime, end: datetime) -> tuple[ColumnElement[bool], ...]:
    dated = table.c.transaction_date
    return table.c.program_id == program_id, dated >= start, dated < end
