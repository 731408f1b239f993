"""Exports in the database: requested, begun by one process at a time, finished."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from domain.models import export as table
from domain.models import feed

REQUESTED, RUNNING, FINISHED, FAILED = "REQUESTED", "RUNNING", "FINISHED", "FAILED"
DOWNLOAD, FILE = "DOWNLOAD", "FILE"


def insert_export(tx: Connection, values: Mapping[str, Any]) -> None:
    """Store a new export."""
    tx.execute(insert(table).values(rows=0, left_out=0, attempt=0, **values))


def load_export(tx: Connection, program_id: int, export_id: int) -> Row[Any] | None:
    """One export."""
    where = table.c.program_id == program_id, table.c.id == export_id
    return tx.execute(select(table).where(*where)).one_or_none()


def page_exports(
    tx: Connection, program_id: int, *, first: int, before_id: int | None, kind: str | None, status: str | None
) -> Sequence[Row[Any]]:
    """The newest exports of a program, of one kind and in one status if asked for."""
    query = select(table).where(table.c.program_id == program_id)
    query = query if before_id is None else query.where(table.c.id < before_id)
    query = query if kind is None else query.where(table.c.kind == kind)
    query = query if status is None else query.where(table.c.status == status)
    return tx.execute(query.order_by(table.c.id.desc()).limit(first)).all()


def lock_feed(tx: Connection, program_id: int) -> int:
    """The number of the newest event, and nobody else begins or ends an export of the program meanwhile."""
    return tx.scalar(select(feed.c.last_seq).where(feed.c.program_id == program_id).with_for_update()) or 0


def waiting_exports(tx: Connection, program_id: int, now: datetime) -> list[Row[Any]]:
    """What is to be written into the program's folder, oldest first: requested, or begun by who is gone."""
    is_gone = and_(table.c.status == RUNNING, table.c.leased_until <= now)
    return list(
        tx.execute(
            select(table)
            .where(
                table.c.program_id == program_id,
                # Said in the words of the index.
                table.c.status.in_((REQUESTED, RUNNING)),
                table.c.destination == DOWNLOAD,
                or_(table.c.status == REQUESTED, is_gone),
            )
            .order_by(table.c.id)
        )
    )


def running_in_chain(tx: Connection, program_id: int, kind: str, destination: str) -> Row[Any] | None:
    """The export of a chain that is being written."""
    return tx.execute(
        select(table).where(
            table.c.program_id == program_id,
            table.c.kind == kind,
            table.c.destination == destination,
            table.c.status == RUNNING,
            table.c.since_last,
        )
    ).one_or_none()


def end_of_chain(tx: Connection, program_id: int, kind: str, destination: str) -> int:
    """Up to where the finished exports of a chain go; 0 where there is none."""
    return (
        tx.scalar(
            select(func.max(table.c.to_seq)).where(
                table.c.program_id == program_id,
                table.c.kind == kind,
                table.c.destination == destination,
                table.c.status == FINISHED,
                table.c.since_last,
            )
        )
        or 0
    )


def has_due(tx: Connection, program_id: int, kind: str, due_at: datetime) -> bool:
    """Whether the schedule's export of this instant was made."""
    where = table.c.program_id == program_id, table.c.kind == kind, table.c.due_at == due_at
    return tx.scalar(select(table.c.id).where(*where)) is not None


def change_export(
    tx: Connection, program_id: int, export_id: int, values: Mapping[str, Any], *, attempt: int | None = None
) -> bool:
    """Store what changed; with `attempt` only while that is the one under way. Whether it was."""
    query = update(table).where(table.c.program_id == program_id, table.c.id == export_id)
    if attempt is not None:
        query = query.where(table.c.status == RUNNING, table.c.attempt == attempt)
    return tx.execute(query.values(**values)).rowcount == 1
