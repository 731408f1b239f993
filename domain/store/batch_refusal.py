"""SQL of what is not posted of files: lines that are rejected together, files that are refused whole."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, update

from domain.models import batch, batch_row
from domain.store.batch_row import insert_rows


def reject_parked(tx: Connection, program_id: int, batch_id: int, message: str) -> None:
    """Reject the lines of a locked batch that wait, with the code that they have."""
    tx.execute(
        update(batch_row)
        .where(_lines(program_id, batch_id), batch_row.c.status == "PARKED")
        .values(status="REJECTED", message=message)
    )
    tx.execute(
        update(batch)
        .where(_file(program_id, batch_id), batch.c.parked > 0)
        .values(rejected=batch.c.rejected + batch.c.parked, parked=0, revision=batch.c.revision + 1)
    )


def add_findings(tx: Connection, locked: Row[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Store what is wrong with lines of a locked batch of which none is posted."""
    insert_rows(tx, locked.program_id, locked.id, rows)
    tx.execute(update(batch).where(_file(locked.program_id, locked.id)).values(rejected=batch.c.rejected + len(rows)))


def forget_findings(tx: Connection, program_id: int, batch_id: int) -> None:
    """Take away what was found in a locked batch of which none is posted: all its lines are read again."""
    unread = update(batch).where(_file(program_id, batch_id), batch.c.rows_read == 0).values(rejected=0)
    if tx.execute(unread).rowcount:
        tx.execute(delete(batch_row).where(_lines(program_id, batch_id)))


def forget_refusals(
    tx: Connection, program_id: int, *, before: datetime | None = None, same_as: tuple[str, str] | None = None
) -> int:
    """Delete refused files: those that came before an instant, or those of this name with this message; how many."""
    refused = batch.c.program_id == program_id, batch.c.status == "REFUSED"
    chosen = (
        batch.c.started_at < before
        if same_as is None
        else and_(batch.c.file_name == same_as[0], batch.c.message == same_as[1])
    )
    return tx.execute(delete(batch).where(*refused, chosen)).rowcount


def _file(program_id: int, batch_id: int) -> ColumnElement[bool]:
    return and_(batch.c.program_id == program_id, batch.c.id == batch_id)


def _lines(program_id: int, batch_id: int) -> ColumnElement[bool]:
    return and_(batch_row.c.program_id == program_id, batch_row.c.batch_id == batch_id)
