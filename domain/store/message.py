"""Messages to members in the database: written with their cause, claimed for delivery, emptied afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from domain.crypto import KeyRing, reveal
from domain.models import member, program
from domain.models import message as table
from domain.store.ids import allocate_ids


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Draft:
    """A message before it is stored. `payload` is sealed; without one it goes nowhere."""

    member_id: int | None
    channel: str
    event: str
    language: str
    payload: bytes | None
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Claimed:
    """A message that one process is to deliver. `payload` None: its member's key is gone."""

    program_id: int
    public_program_id: int
    id: int
    channel: str
    event: str
    language: str
    attempts: int
    payload: str | None
    expires_at: datetime


def add_message(tx: Connection, program_id: int, draft: Draft, now: datetime) -> None:
    """Write down a message; it is due at once."""
    add_messages(tx, program_id, [draft], now)


def add_messages(tx: Connection, program_id: int, drafts: Sequence[Draft], now: datetime) -> None:
    """The same for many."""
    if not drafts:
        return
    rows = [
        {
            "program_id": program_id,
            "id": row_id,
            "member_id": draft.member_id,
            "channel": draft.channel,
            "event": draft.event,
            "language": draft.language,
            "payload": draft.payload,
            "created_at": now,
            "expires_at": draft.expires_at,
            "attempts": 0,
            "next_attempt_at": None if draft.payload is None else now,
        }
        for row_id, draft in zip(allocate_ids(tx, table, program_id, len(drafts)), drafts, strict=True)
    ]
    tx.execute(insert(table), rows)


def has_due(tx: Connection, now: datetime) -> bool:
    """Whether a message waits to be delivered, or to be emptied."""
    return tx.execute(select(table.c.id).where(table.c.next_attempt_at <= now).limit(1)).first() is not None


def claim_messages(tx: Connection, keys: KeyRing, now: datetime, lease: timedelta, limit: int) -> list[Claimed]:
    """Due messages, which nobody else delivers before the lease is over; those that lapsed are emptied."""
    tx.execute(
        update(table)
        .where(table.c.next_attempt_at.is_not(None), table.c.next_attempt_at <= now, table.c.expires_at <= now)
        .values(payload=None, next_attempt_at=None)
    )
    rows = tx.execute(
        select(table)
        .where(table.c.next_attempt_at <= now)
        # What lapses first: a code is not kept waiting by news.
        .order_by(table.c.expires_at, table.c.program_id, table.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        _change(tx, row.program_id, row.id, attempts=row.attempts + 1, next_attempt_at=now + lease)
    return [_claimed(tx, keys, row) for row in rows]


def _claimed(tx: Connection, keys: KeyRing, row: Any) -> Claimed:
    wrapped = tx.scalar(
        select(member.c.data_key).where(member.c.program_id == row.program_id, member.c.id == row.member_id)
    )
    public_id = tx.scalar(select(program.c.public_id).where(program.c.id == row.program_id))
    return Claimed(
        program_id=row.program_id,
        public_program_id=public_id or 0,
        id=row.id,
        channel=row.channel,
        event=row.event,
        language=row.language,
        attempts=row.attempts + 1,
        payload=reveal(keys, wrapped, row.payload),
        expires_at=row.expires_at,
    )


def page_messages_of(
    tx: Connection, program_id: int, member_ids: Sequence[int], *, first: int, before_id: int | None
) -> Sequence[Row[Any]]:
    """The newest messages to members, without what they say."""
    columns = [one for one in table.c if one.name != "payload"]
    query = select(*columns).where(table.c.program_id == program_id, table.c.member_id.in_(member_ids))
    query = query if before_id is None else query.where(table.c.id < before_id)
    return tx.execute(query.order_by(table.c.id.desc()).limit(first)).all()


def mark_sent(tx: Connection, program_id: int, message_id: int, now: datetime) -> None:
    """A message was delivered: what it said is gone."""
    _change(tx, program_id, message_id, payload=None, next_attempt_at=None, sent_at=now)


def mark_failed(
    tx: Connection, program_id: int, message_id: int, again_at: datetime | None, outcome: str | None = None
) -> None:
    """A message was not delivered; it is tried again then, or never, and what it said is gone."""
    given_up: dict[str, Any] = {"payload": None} if again_at is None else {}
    _change(tx, program_id, message_id, next_attempt_at=again_at, outcome=outcome, **given_up)


def _change(tx: Connection, program_id: int, message_id: int, **values: Any) -> None:
    tx.execute(update(table).where(table.c.program_id == program_id, table.c.id == message_id).values(**values))


def forget_messages_of(tx: Connection, program_id: int, member_id: int) -> None:
    """Delete a member's messages."""
    tx.execute(delete(table).where(table.c.program_id == program_id, table.c.member_id == member_id))


def count_waiting(tx: Connection, program_id: int, limit: int) -> int:
    """How many messages of the program wait to be delivered; at most `limit` are counted."""
    waiting = table.c.program_id == program_id, table.c.next_attempt_at.is_not(None)
    return tx.scalar(select(func.count()).select_from(select(table.c.id).where(*waiting).limit(limit).subquery())) or 0


def page_undelivered(tx: Connection, program_id: int, *, first: int, before_id: int | None) -> Sequence[Row[Any]]:
    """The newest messages that failed and were not delivered since: those that are tried again, and those given up."""
    query = select(table).where(table.c.program_id == program_id, *_UNDELIVERED)
    query = query if before_id is None else query.where(table.c.id < before_id)
    return tx.execute(query.order_by(table.c.id.desc()).limit(first)).all()


def count_undelivered(tx: Connection, program_id: int) -> int:
    """How many they are."""
    query = select(func.count()).select_from(table).where(table.c.program_id == program_id, *_UNDELIVERED)
    return tx.scalar(query) or 0


_UNDELIVERED = (table.c.sent_at.is_(None), table.c.attempts > 0)


def forget_old_messages(tx: Connection, before: datetime, failed_before: datetime, limit: int) -> int:
    """Delete messages that were written before and are done with, those that failed a while later; how many."""
    is_old = or_(table.c.created_at < failed_before, table.c.sent_at.is_not(None), table.c.attempts == 0)
    query = select(table.c.program_id, table.c.id).where(
        table.c.created_at < before, table.c.next_attempt_at.is_(None), is_old
    )
    rows: Sequence[Any] = tx.execute(query.limit(limit)).all()
    for row in rows:
        tx.execute(delete(table).where(table.c.program_id == row.program_id, table.c.id == row.id))
    return len(rows)
