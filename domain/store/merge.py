"""Merges of members in the database."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from domain.models import member_merge as table


def insert_merge(
    tx: Connection,
    program_id: int,
    merge_id: int,
    *,
    victim_id: int,
    survivor_id: int,
    at: datetime,
    actor: str,
    detail: Mapping[str, Any],
) -> None:
    """Note a merge with what moved."""
    tx.execute(
        insert(table).values(
            program_id=program_id,
            id=merge_id,
            victim_id=victim_id,
            survivor_id=survivor_id,
            merged_at=at,
            actor=actor,
            detail=dict(detail),
        )
    )


def load_merge(tx: Connection, program_id: int, merge_id: int, *, lock: bool = False) -> Row[Any] | None:
    """One merge, locked to be undone if asked for."""
    query = select(table).where(table.c.program_id == program_id, table.c.id == merge_id)
    return tx.execute(query.with_for_update() if lock else query).one_or_none()


def mark_undone(tx: Connection, program_id: int, merge_id: int, at: datetime) -> None:
    """Note that a merge was undone."""
    tx.execute(update(table).where(table.c.program_id == program_id, table.c.id == merge_id).values(undone_at=at))
