"""Submitted transactions in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, insert, select

from domain.models import member_transaction as table


@dataclass(slots=True, kw_only=True)
class StoredTransaction:
    """One submitted transaction; `points` in smallest units."""

    program_id: int
    id: int
    member_id: int
    transaction_id: str
    unique_transaction_id: str | None
    type: str
    amount: Decimal
    transaction_date: datetime
    product_code: str | None
    sub_product_code: str | None
    attributes: dict[str, Any]
    points: int
    config_version: int
    source: str
    actor: str
    processed_at: datetime


_COLUMNS = tuple(StoredTransaction.__dataclass_fields__)


def taken_transaction_ids(tx: Connection, program_id: int, wanted: Sequence[str]) -> set[str]:
    """Which of these transaction ids stand already, where they must be unique."""
    if not wanted:
        return set()
    return set(
        tx.scalars(
            select(table.c.unique_transaction_id).where(
                table.c.program_id == program_id, table.c.unique_transaction_id.in_(wanted)
            )
        )
    )


def insert_transactions(tx: Connection, rows: Sequence[StoredTransaction]) -> None:
    """Store submitted transactions."""
    if rows:
        tx.execute(insert(table), [{name: getattr(row, name) for name in _COLUMNS} for row in rows])


def find_transactions(tx: Connection, program_id: int, ids: Sequence[int]) -> dict[int, StoredTransaction]:
    """Submitted transactions by id."""
    if not ids:
        return {}
    rows = tx.execute(select(table).where(table.c.program_id == program_id, table.c.id.in_(ids)))
    return {row.id: StoredTransaction(**row._mapping) for row in rows}


def page_transactions(
    tx: Connection, program_id: int, member_ids: Sequence[int], *, first: int, before_id: int | None
) -> list[StoredTransaction]:
    """The newest transactions of each member, at most `first` each, by one statement."""
    query = select(
        table,
        func.row_number().over(partition_by=table.c.member_id, order_by=table.c.id.desc()).label("place"),
    ).where(table.c.program_id == program_id, table.c.member_id.in_(member_ids))
    if before_id is not None:
        query = query.where(table.c.id < before_id)
    ranked = query.subquery()
    rows = tx.execute(
        select(*(ranked.c[name] for name in _COLUMNS)).where(ranked.c.place <= first).order_by(ranked.c.id.desc())
    )
    return [StoredTransaction(**row._mapping) for row in rows]
