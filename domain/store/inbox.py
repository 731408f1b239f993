"""SQL of the leases by which one worker at a time takes the files of a program."""

from datetime import datetime

from sqlalchemy import Connection, delete, or_
from sqlalchemy.dialects import postgresql, sqlite

from domain.models import inbox_lease


def take_lease(tx: Connection, program_id: int, holder: str, *, now: datetime, until: datetime) -> bool:
    """Take the lease where it is free, lapsed or the holder's own; whether the holder has it now."""
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    statement = insert(inbox_lease).values(program_id=program_id, holder=holder, until=until)
    taken = tx.execute(
        statement.on_conflict_do_update(
            index_elements=[inbox_lease.c.program_id],
            set_={"holder": statement.excluded.holder, "until": statement.excluded.until},
            where=or_(inbox_lease.c.holder == holder, inbox_lease.c.until < now),
        )
    )
    return taken.rowcount == 1


def drop_lease(tx: Connection, program_id: int, holder: str) -> None:
    """Give the lease back, if the holder has it."""
    tx.execute(delete(inbox_lease).where(inbox_lease.c.program_id == program_id, inbox_lease.c.holder == holder))
