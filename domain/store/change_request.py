"""Changes that wait for a second administrator, in the database."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from domain.change_request import APPROVED, PENDING
from domain.models import change_request as table
from domain.store.ids import allocate_ids


def insert_change(tx: Connection, program_id: int, values: Mapping[str, Any]) -> int:
    """Store a change that waits; its id."""
    number = allocate_ids(tx, table, program_id, 1)[0]
    tx.execute(insert(table).values(program_id=program_id, id=number, status=PENDING, **values))
    return number


def forget_reasons(tx: Connection, program_id: int, member_id: int) -> None:
    """Take out of requests about a member what people wrote of it."""
    own = (table.c.program_id == program_id, table.c.subject == f"member:{member_id}")
    tx.execute(update(table).where(*own).values(reason=None, answer=None))


def find_change(tx: Connection, program_id: int, change_id: int, *, lock: bool = False) -> Row[Any] | None:
    """A change by its id."""
    query = select(table).where(table.c.program_id == program_id, table.c.id == change_id)
    return tx.execute(query.with_for_update() if lock else query).one_or_none()


def find_approved(tx: Connection, program_id: int, kind: str, requested_by: str) -> Row[Any] | None:
    """The newest change of a kind that was approved for somebody and has not been done, locked."""
    own = (table.c.program_id == program_id, table.c.kind == kind, table.c.requested_by == requested_by)
    query = select(table).where(*own, table.c.status == APPROVED).order_by(table.c.id.desc()).limit(1)
    return tx.execute(query.with_for_update()).one_or_none()


def update_change(tx: Connection, program_id: int, change_id: int, values: Mapping[str, Any]) -> None:
    """Write down what became of a change."""
    tx.execute(update(table).where(table.c.program_id == program_id, table.c.id == change_id).values(**values))


def page_changes(
    tx: Connection, program_id: int, *, status: str | None, first: int, before_id: int | None
) -> list[Row[Any]]:
    """The newest changes, of one status or of all."""
    query = select(table).where(table.c.program_id == program_id)
    if status is not None:
        query = query.where(table.c.status == status)
    if before_id is not None:
        query = query.where(table.c.id < before_id)
    return list(tx.execute(query.order_by(table.c.id.desc()).limit(first)))
