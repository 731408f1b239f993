"""One-time codes in the database: one live code a type, tries and limits taken under a lock."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, or_, select, update

from domain.clock import from_micros, to_micros
from domain.models import otp as table
from domain.models import otp_subject
from domain.otp import TRIES, WINDOW
from domain.store.upsert import upsert


@dataclass(slots=True)
class Recent:
    """When, within the last hour, codes were sent to a subject and guesses at them were made."""

    sends: list[datetime] = field(default_factory=list)
    guesses: list[datetime] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Code:
    """A code whose try was taken."""

    otp_type: str
    channel: str
    mac: bytes
    expires_at: datetime


def hold_recent(tx: Connection, program_id: int, subject: bytes, member_id: int | None, now: datetime) -> Recent:
    """What the last hour of a subject has; it is locked, so that everything about its codes goes one by one."""
    fresh = {"program_id": program_id, "subject": subject, "sends": [], "guesses": [], "updated_at": now}
    row = upsert(tx, otp_subject, {**fresh, "member_id": member_id}, ["member_id"])
    return Recent(_within(row.sends, now), _within(row.guesses, now))


def store_recent(tx: Connection, program_id: int, subject: bytes, recent: Recent, now: datetime) -> None:
    """Write down what became of it."""
    tx.execute(
        update(otp_subject)
        .where(otp_subject.c.program_id == program_id, otp_subject.c.subject == subject)
        .values(
            sends=[to_micros(one) for one in recent.sends],
            guesses=[to_micros(one) for one in recent.guesses],
            updated_at=now,
        )
    )


def _within(micros: list[int], now: datetime) -> list[datetime]:
    return [at for one in micros if (at := from_micros(one)) > now - WINDOW]


def replace_code(
    tx: Connection, program_id: int, subject: bytes, member_id: int | None, code: Code, now: datetime
) -> None:
    """A new code, which kills the old of its type."""
    values = {
        "member_id": member_id,
        "channel": code.channel,
        "code_mac": code.mac,
        "created_at": now,
        "expires_at": code.expires_at,
        "tries_left": TRIES,
        "used_at": None,
        "grant_until": None,
    }
    named = {"program_id": program_id, "subject": subject, "otp_type": code.otp_type}
    upsert(tx, table, {**named, **values}, list(values))


def take_try(tx: Connection, program_id: int, subject: bytes, otp_type: str, now: datetime) -> list[Code]:
    """Take a try, before anything is compared, off the live code of this type: that code.

    Where none of this type is live the guess costs a try of every live code of another: those.
    """
    rows = tx.execute(
        update(table)
        .where(_live(program_id, subject, now), table.c.tries_left > 0, _meant(program_id, subject, otp_type, now))
        .values(tries_left=table.c.tries_left - 1)
        .returning(table.c.otp_type, table.c.channel, table.c.code_mac, table.c.expires_at)
    ).all()
    return [Code(row.otp_type, row.channel, row.code_mac, row.expires_at) for row in rows]


def has_spent(tx: Connection, program_id: int, subject: bytes, otp_type: str, now: datetime) -> bool:
    """Whether a code that such a guess is about has no try left."""
    query = select(table.c.otp_type).where(
        _live(program_id, subject, now), table.c.tries_left == 0, _meant(program_id, subject, otp_type, now)
    )
    return tx.execute(query.limit(1)).first() is not None


def _live(program_id: int, subject: bytes, now: datetime, of: Any = table) -> ColumnElement[bool]:
    return and_(of.c.program_id == program_id, of.c.subject == subject, of.c.used_at.is_(None), of.c.expires_at > now)


def _meant(program_id: int, subject: bytes, otp_type: str, now: datetime) -> ColumnElement[bool]:
    """A guess is about the code of its type, or about all others where there is none."""
    same = table.alias("same")
    has_own = exists().where(_live(program_id, subject, now, same), same.c.otp_type == otp_type)
    return or_(table.c.otp_type == otp_type, ~has_own)


def use_code(
    tx: Connection, program_id: int, subject: bytes, otp_type: str, now: datetime, grant_until: datetime | None
) -> None:
    """A code was guessed right: it is used, and may allow one change of what its type is for."""
    tx.execute(
        update(table)
        .where(table.c.program_id == program_id, table.c.subject == subject, table.c.otp_type == otp_type)
        .values(used_at=now, grant_until=grant_until)
    )


def has_grant(tx: Connection, program_id: int, subject: bytes, types: Collection[str], now: datetime) -> bool:
    """Whether a change that codes of these types are for is allowed."""
    granted = select(table.c.otp_type).where(*_granted(program_id, subject, types, now))
    return tx.execute(granted.limit(1)).first() is not None


def take_grants(tx: Connection, program_id: int, subject: bytes, types: Collection[str], now: datetime) -> bool:
    """Take the allowance of one change, and any other of these types, which would outlive the change."""
    granted = update(table).where(*_granted(program_id, subject, types, now)).values(grant_until=None)
    return tx.execute(granted).rowcount > 0


def _granted(program_id: int, subject: bytes, types: Collection[str], now: datetime) -> tuple[ColumnElement[bool], ...]:
    own = (table.c.program_id == program_id, table.c.subject == subject, table.c.otp_type.in_(types))
    return *own, table.c.grant_until > now


def kill_codes_of(tx: Connection, program_id: int, member_ids: Collection[int]) -> None:
    """Delete these members' codes, used or not, and what they allow; how many the hour had stays counted."""
    if member_ids:
        tx.execute(delete(table).where(table.c.program_id == program_id, table.c.member_id.in_(member_ids)))


def forget_codes_of(tx: Connection, program_id: int, member_ids: Collection[int]) -> None:
    """Delete all that is known of these members' codes."""
    for one in (table, otp_subject):
        tx.execute(delete(one).where(one.c.program_id == program_id, one.c.member_id.in_(member_ids)))


def forget_old_codes(tx: Connection, before: datetime, limit: int) -> int:
    """Delete codes that lapsed before, and subjects that nobody counts any more; how many rows."""
    codes = select(table.c.program_id, table.c.subject, table.c.otp_type).where(table.c.expires_at < before)
    lapsed = tx.execute(codes.limit(limit)).all()
    for code in lapsed:
        same = and_(table.c.program_id == code.program_id, table.c.subject == code.subject)
        tx.execute(delete(table).where(same, table.c.otp_type == code.otp_type, table.c.expires_at < before))
    counted = otp_subject.c.updated_at < before
    subjects = tx.execute(select(otp_subject.c.program_id, otp_subject.c.subject).where(counted).limit(limit)).all()
    for row in subjects:
        same = and_(otp_subject.c.program_id == row.program_id, otp_subject.c.subject == row.subject)
        tx.execute(delete(otp_subject).where(same, counted))
    return len(lapsed) + len(subjects)
