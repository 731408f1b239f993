"""Wrong passwords in a row and what they lead to: counted, locked out, lifted."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, or_, select, update

from domain.member import LOGIN_BLOCKED
from domain.models import login_failure as table
from domain.models import member
from domain.store.upsert import upsert


@dataclass(slots=True)
class Failures:
    """The wrong passwords in a row of one subject. `status_before`: what a lockout made 3 of."""

    count: int = 0
    blocked_until: datetime | None = None
    status_before: int | None = None
    updated_at: datetime | None = None


def find_failures(tx: Connection, program_id: int, subject: bytes) -> Failures:
    """As of now; nobody is kept from changing them."""
    row = tx.execute(_of(program_id, subject)).one_or_none()
    return Failures() if row is None else _failures(row)


def lock_failures(tx: Connection, program_id: int, subject: bytes) -> Failures:
    """The same, and nobody changes them meanwhile; none where there is no row, which is not made."""
    row = tx.execute(_of(program_id, subject).with_for_update()).one_or_none()
    return Failures() if row is None else _failures(row)


def hold_failures(tx: Connection, program_id: int, subject: bytes, member_id: int | None, now: datetime) -> Failures:
    """The same, with a row made where there is none: for one more."""
    fresh = {"program_id": program_id, "subject": subject, "member_id": member_id, "failures": 0, "updated_at": now}
    return _failures(upsert(tx, table, fresh, ["member_id"]))


def store_failures(tx: Connection, program_id: int, subject: bytes, failures: Failures, now: datetime) -> None:
    """Write down what became of a row that is held."""
    tx.execute(
        update(table)
        .where(table.c.program_id == program_id, table.c.subject == subject)
        .values(
            failures=failures.count,
            blocked_until=failures.blocked_until,
            status_before=failures.status_before,
            updated_at=now,
        )
    )


def forget_failures(tx: Connection, program_id: int, subject: bytes) -> None:
    """Begin to count anew."""
    tx.execute(delete(table).where(table.c.program_id == program_id, table.c.subject == subject))


def forget_failures_of(tx: Connection, program_id: int, member_ids: Collection[int]) -> None:
    """Begin to count anew for these members; a lockout of theirs is none any more, and their status stays."""
    if member_ids:
        tx.execute(delete(table).where(table.c.program_id == program_id, table.c.member_id.in_(member_ids)))


def set_status(tx: Connection, program_id: int, member_id: int, status: int) -> None:
    """Change nothing but the status of a member, which is locked."""
    tx.execute(
        update(member)
        .where(member.c.program_id == program_id, member.c.id == member_id)
        .values(status=status, version=member.c.version + 1)
    )


def note_login(tx: Connection, program_id: int, member_id: int, now: datetime) -> None:
    """Write down that a member, who is locked, has logged in."""
    tx.execute(
        update(member)
        .where(member.c.program_id == program_id, member.c.id == member_id)
        .values(last_logged_in_at=now, version=member.c.version + 1)
    )


def next_lapse(tx: Connection) -> datetime | None:
    """When the next lockout of all programs lapses."""
    lapse: datetime | None = tx.scalar(
        select(func.min(table.c.blocked_until)).where(table.c.status_before.is_not(None))
    )
    return lapse


def lift_lapsed(tx: Connection, now: datetime, limit: int) -> list[tuple[int, int]]:
    """Give members whose lockout has lapsed their status back: programs and ids of those whose status changed."""
    due = (table.c.status_before.is_not(None), table.c.blocked_until <= now)
    query = select(table.c.program_id, table.c.member_id).where(*due).order_by(table.c.blocked_until).limit(limit)
    members = sorted((row.program_id, row.member_id) for row in tx.execute(query))
    lifted = []
    for program_id, member_id in members:
        # Whoever changes a member's status locks the member first.
        row = tx.execute(
            select(member.c.status).where(member.c.program_id == program_id, member.c.id == member_id).with_for_update()
        ).one()
        own = (table.c.program_id == program_id, table.c.member_id == member_id, *due)
        befores = list(tx.scalars(delete(table).where(*own).returning(table.c.status_before)))
        if befores and row.status == LOGIN_BLOCKED:
            set_status(tx, program_id, member_id, befores[0])
            lifted.append((program_id, member_id))
    return lifted


def forget_old_failures(tx: Connection, before: datetime, now: datetime, limit: int) -> int:
    """Delete what nobody counts any more; how many rows."""
    query = (
        select(table.c.program_id, table.c.subject)
        .where(
            table.c.updated_at < before,
            table.c.status_before.is_(None),
            or_(table.c.blocked_until.is_(None), table.c.blocked_until <= now),
        )
        .limit(limit)
    )
    rows = tx.execute(query).all()
    for row in rows:
        tx.execute(
            delete(table).where(
                table.c.program_id == row.program_id, table.c.subject == row.subject, table.c.updated_at < before
            )
        )
    return len(rows)


def _of(program_id: int, subject: bytes) -> Any:
    return select(table).where(table.c.program_id == program_id, table.c.subject == subject)


def _failures(row: Row[Any]) -> Failures:
    return Failures(row.failures, row.blocked_until, row.status_before, row.updated_at)
