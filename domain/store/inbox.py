"""SQL of the leases by which one worker at a time takes the files of a program, and of who uploaded some by hand."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.models import hand_upload, inbox_lease
from domain.store.upsert import upsert


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


def note_upload(tx: Connection, program_id: int, name_key: str, *, actor: str, now: datetime, waits: bool) -> None:
    """Write down who is about to upload a file of this name, and whether it waits for somebody else."""
    values = {"program_id": program_id, "name_key": name_key, "uploaded_by": actor, "uploaded_at": now, "waits": waits}
    # What waits goes on waiting, whatever else of this name is announced.
    upsert(tx, hand_upload, values, ("uploaded_at", "waits") if waits else ("uploaded_at",))


def find_uploads(tx: Connection, program_id: int, name_key: str) -> tuple[list[str], bool]:
    """Who may have uploaded the file of this name, and whether it waits; these are not announced anew meanwhile."""
    own = (hand_upload.c.program_id == program_id, hand_upload.c.name_key == name_key)
    rows = tx.execute(select(hand_upload.c.uploaded_by, hand_upload.c.waits).where(*own).with_for_update()).all()
    return sorted(row.uploaded_by for row in rows), any(row.waits for row in rows)


def forget_uploads(tx: Connection, program_id: int, name_key: str, uploaded_by: Collection[str]) -> None:
    """Forget these: the file that they announced is a batch by now, which says whose it is."""
    own = (hand_upload.c.program_id == program_id, hand_upload.c.name_key == name_key)
    tx.execute(delete(hand_upload).where(*own, hand_upload.c.uploaded_by.in_(uploaded_by)))


def forget_old_uploads(tx: Connection, program_id: int, before: datetime) -> None:
    """Forget what was announced so long ago that it never came: another file of the name is another's."""
    tx.execute(delete(hand_upload).where(hand_upload.c.program_id == program_id, hand_upload.c.uploaded_at < before))
