"""Sessions of members in the database: begun, gone on with, ended; the links that begin them."""

import os
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from domain.models import member, session_link
from domain.models import member_session as table
from domain.session import ENDING_STATUSES, LONGEST_LIFE, REFRESH_LIFE, End, Method
from domain.store.upsert import upsert

_SALT_BYTES = 16


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Session:
    """A session as stored. `expires_at` is when its refresh token in force lapses, and the session with it."""

    id: int
    member_id: int
    method: Method
    salt: bytes
    number: int
    refresh_key: bytes | None
    started_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


def insert_session(tx: Connection, program_id: int, member_id: int, method: Method, now: datetime) -> Session:
    """Begin a session of a member, who is locked."""
    session = Session(
        # Drawn, not counted, of 18 digits at most: an id that was a deleted session's must never be another's.
        id=secrets.randbelow(2**59) + 1,
        member_id=member_id,
        method=method,
        salt=os.urandom(_SALT_BYTES),
        number=0,
        refresh_key=None,
        started_at=now,
        refreshed_at=now,
        expires_at=now + REFRESH_LIFE,
    )
    values = {name: getattr(session, name) for name in Session.__dataclass_fields__}
    tx.execute(insert(table).values(program_id=program_id, **values | {"method": method.value}))
    return session


def find_session(tx: Connection, program_id: int, session_id: int, *, lock: bool = False) -> Session | None:
    """A session, ended or not; nobody changes it meanwhile if it is locked."""
    query = select(table).where(table.c.program_id == program_id, table.c.id == session_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _session(row)


def is_good(tx: Connection, program_id: int, session_id: int, now: datetime) -> bool:
    """Whether a session goes on: it has not ended, and its member is somebody who may be signed in.

    The member is looked at as well, so that no way of changing one can leave a session behind.
    """
    query = (
        select(table.c.id)
        .join(member, and_(member.c.program_id == table.c.program_id, member.c.id == table.c.member_id))
        .where(table.c.program_id == program_id, table.c.id == session_id, *_live(now))
        .where(member.c.erased_at.is_(None), member.c.merged_into.is_(None), member.c.status.not_in(ENDING_STATUSES))
    )
    return tx.execute(query).first() is not None


def list_live(tx: Connection, program_id: int, member_ids: Collection[int], now: datetime) -> list[Session]:
    """The sessions of these members that go on, newest first."""
    query = select(table).where(table.c.program_id == program_id, table.c.member_id.in_(member_ids), *_live(now))
    return [_session(row) for row in tx.execute(query.order_by(table.c.started_at.desc(), table.c.id.desc()))]


def rotate(tx: Connection, program_id: int, session: Session, refresh_key: bytes | None, now: datetime) -> Session:
    """Put the next refresh token of a session, which is locked, in force."""
    expires_at = min(now + REFRESH_LIFE, session.started_at + LONGEST_LIFE)
    changed = {
        "number": session.number + 1,
        "refresh_key": refresh_key,
        "refreshed_at": now,
        "expires_at": expires_at,
    }
    own = update(table).where(table.c.program_id == program_id, table.c.id == session.id)
    return _session(tx.execute(own.values(**changed).returning(table)).one())


def end_sessions(tx: Connection, program_id: int, ids: Collection[int], by: End, now: datetime) -> list[int]:
    """End these sessions: those that had not ended before."""
    return _end(tx, program_id, table.c.id.in_(ids), by, now) if ids else []


def end_sessions_of(
    tx: Connection, program_id: int, member_ids: Collection[int], by: End, now: datetime, *, spared: int | None = None
) -> list[int]:
    """End all sessions of these members but the one that is spared: those that had not ended before."""
    theirs = table.c.member_id.in_(member_ids)
    which = theirs if spared is None else and_(theirs, table.c.id != spared)
    return _end(tx, program_id, which, by, now) if member_ids else []


def _end(tx: Connection, program_id: int, which: ColumnElement[bool], by: End, now: datetime) -> list[int]:
    going = update(table).where(table.c.program_id == program_id, which, table.c.ended_at.is_(None))
    ended = tx.scalars(going.values(ended_at=now, ended_by=by.value).returning(table.c.id))
    return list(ended)


def end_oldest(tx: Connection, program_id: int, member_id: int, most: int, now: datetime) -> None:
    """Leave a member, who is locked, its `most` newest sessions."""
    going = select(table.c.id).where(
        table.c.program_id == program_id, table.c.member_id == member_id, table.c.ended_at.is_(None)
    )
    newest = going.order_by(table.c.started_at.desc(), table.c.id.desc())
    end_sessions(tx, program_id, list(tx.scalars(newest))[most:], End.CROWDED, now)


def _live(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return table.c.ended_at.is_(None), table.c.expires_at > now


def _session(row: Any) -> Session:
    values = {name: getattr(row, name) for name in Session.__dataclass_fields__}
    return Session(**values | {"method": Method(row.method)})


@dataclass(frozen=True, slots=True)
class Link:
    """A link that has not been used, and whose it is; of one that leads nowhere, nobody's."""

    subject: bytes
    member_id: int | None


def replace_link(
    tx: Connection,
    program_id: int,
    subject: bytes,
    member_id: int | None,
    token_hash: bytes,
    now: datetime,
    expires_at: datetime,
) -> None:
    """A new link, which kills the old."""
    values = {
        "member_id": member_id,
        "token_hash": token_hash,
        "created_at": now,
        "expires_at": expires_at,
        "used_at": None,
    }
    upsert(tx, session_link, {"program_id": program_id, "subject": subject, **values}, list(values))


def find_link(tx: Connection, program_id: int, token_hash: bytes, now: datetime) -> Link | None:
    """The link with this token, if it can still be used."""
    row = tx.execute(select(session_link).where(*_usable(program_id, token_hash, now))).one_or_none()
    return None if row is None else Link(row.subject, row.member_id)


def use_link(tx: Connection, program_id: int, token_hash: bytes, now: datetime) -> bool:
    """Use up a link; False where somebody else has just done so."""
    used = update(session_link).where(*_usable(program_id, token_hash, now)).values(used_at=now)
    return tx.execute(used).rowcount > 0


def _usable(program_id: int, token_hash: bytes, now: datetime) -> tuple[ColumnElement[bool], ...]:
    link = session_link.c
    return link.program_id == program_id, link.token_hash == token_hash, link.used_at.is_(None), link.expires_at > now


def forget_links_of(tx: Connection, program_id: int, member_ids: Collection[int]) -> None:
    """Delete these members' links."""
    if member_ids:
        own = (session_link.c.program_id == program_id, session_link.c.member_id.in_(member_ids))
        tx.execute(delete(session_link).where(*own))


def forget_sessions_of(tx: Connection, program_id: int, member_ids: Collection[int]) -> None:
    """Delete all that is known of these members' sessions and links."""
    if member_ids:
        tx.execute(delete(table).where(table.c.program_id == program_id, table.c.member_id.in_(member_ids)))
    forget_links_of(tx, program_id, member_ids)


def forget_old_sessions(tx: Connection, before: datetime, limit: int) -> int:
    """Delete sessions and links that lapsed before; how many rows."""
    sessions = select(table.c.program_id, table.c.id).where(table.c.expires_at < before)
    rows: Sequence[Any] = tx.execute(sessions.limit(limit)).all()
    for row in rows:
        tx.execute(delete(table).where(table.c.program_id == row.program_id, table.c.id == row.id))
    lapsed = session_link.c.expires_at < before
    links = tx.execute(select(session_link.c.program_id, session_link.c.subject).where(lapsed).limit(limit)).all()
    for link in links:
        own = (session_link.c.program_id == link.program_id, session_link.c.subject == link.subject)
        tx.execute(delete(session_link).where(*own, lapsed))
    return len(rows) + len(links)
