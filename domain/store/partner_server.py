"""SQL of partners' servers and of the files that went either way."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, or_, select, update

from domain.models import partner_server, visited_file
from domain.store.upsert import upsert


def save_server(tx: Connection, values: Mapping[str, Any], replaced: Sequence[str]) -> None:
    """Store a server, or replace these columns of the one with its id."""
    upsert(tx, partner_server, values, replaced)


def find_server(tx: Connection, program_id: int, name: str) -> Row[Any] | None:
    """The server of this name, locked until the database transaction ends."""
    where = partner_server.c.program_id == program_id, partner_server.c.name == name
    return tx.execute(select(partner_server).where(*where).with_for_update()).one_or_none()


def list_servers(tx: Connection, program_id: int) -> Sequence[Row[Any]]:
    """All servers of a program, by name."""
    where = partner_server.c.program_id == program_id
    return tx.execute(select(partner_server).where(where).order_by(partner_server.c.name)).all()


def remove_server(tx: Connection, program_id: int, server_id: int) -> None:
    """Delete a server and what is known of its files."""
    tx.execute(
        delete(visited_file).where(visited_file.c.program_id == program_id, visited_file.c.server_id == server_id)
    )
    tx.execute(delete(partner_server).where(_is(program_id, server_id)))


def claim_due(tx: Connection, programs: Sequence[int], now: datetime, until: datetime) -> Row[Any] | None:
    """Lease the server that has been due for the longest time, which no other process visits."""
    due = (
        select(partner_server)
        .where(
            partner_server.c.program_id.in_(programs),
            partner_server.c.enabled,
            partner_server.c.next_visit_at <= now,
            or_(partner_server.c.leased_until.is_(None), partner_server.c.leased_until < now),
        )
        .order_by(partner_server.c.next_visit_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = tx.execute(due).one_or_none()
    if row is not None:
        lease_server(tx, row.program_id, row.id, until)
    return row


def has_due(tx: Connection, now: datetime) -> bool:
    """Whether any server is due."""
    due = select(partner_server.c.id).where(partner_server.c.enabled, partner_server.c.next_visit_at <= now)
    return tx.execute(due.limit(1)).one_or_none() is not None


def lease_server(tx: Connection, program_id: int, server_id: int, until: datetime | None) -> None:
    """Keep other processes from visiting a server until then; None: no longer."""
    tx.execute(update(partner_server).where(_is(program_id, server_id)).values(leased_until=until))


def update_server(tx: Connection, program_id: int, server_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a server."""
    tx.execute(update(partner_server).where(_is(program_id, server_id)).values(**values))


def visited_files(tx: Connection, program_id: int, server_id: int) -> Sequence[Row[Any]]:
    """The files that went either way."""
    where = visited_file.c.program_id == program_id, visited_file.c.server_id == server_id
    return tx.execute(select(visited_file).where(*where)).all()


def remember_file(tx: Connection, values: Mapping[str, Any]) -> None:
    """Store that a file went; the last one of its path counts."""
    upsert(tx, visited_file, values, ("size", "modified_at", "sha256", "at"))


def _is(program_id: int, server_id: int) -> ColumnElement[bool]:
    return and_(partner_server.c.program_id == program_id, partner_server.c.id == server_id)
