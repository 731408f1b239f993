"""The audit trail: who changed what, append-only, hash-chained per program."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text

from domain.access import Principal
from domain.clock import to_micros
from domain.ledger.chain import GENESIS
from domain.models import audit_entry
from domain.models.types import to_json

DEPLOYMENT = 0
"""The chain of changes that belong to no program."""


def record(
    tx: Connection,
    program_id: int,
    *,
    now: datetime,
    actor: Principal | str,
    action: str,
    subject: str,
    before: Any = None,
    after: Any = None,
    address: str | None = None,
    browser: str | None = None,
) -> None:
    """Append one change, by a principal or by whom it is called. Secrets never belong in `before` or `after`."""
    if isinstance(actor, Principal):
        address, browser, actor = actor.address, actor.browser, actor.actor
    seq, previous = _next(tx, program_id)
    tx.execute(
        insert(audit_entry).values(
            program_id=program_id,
            seq=seq,
            at=now,
            actor=actor,
            action=action,
            subject=subject,
            before=before,
            after=after,
            previous_hash=previous,
            hash=audit_hash(previous, program_id, seq, now, actor, action, subject, before, after, address, browser),
            address=address,
            browser=browser,
        )
    )


def _next(tx: Connection, program_id: int) -> tuple[int, bytes]:
    """The number of the next entry, and the hash that it follows; nobody else appends until this is over."""
    if tx.dialect.name == "postgresql":
        # The chain has one end; without a lock two entries would follow the same one.
        tx.execute(text("SELECT pg_advisory_xact_lock(7411, :program)"), {"program": program_id % 2**31})
    query = select(audit_entry.c.seq, audit_entry.c.hash).where(audit_entry.c.program_id == program_id)
    last = tx.execute(query.order_by(audit_entry.c.seq.desc()).limit(1)).one_or_none()
    return (last.seq + 1, last.hash) if last else (1, GENESIS)


def audit_hash(
    previous: bytes,
    program_id: int,
    seq: int,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    before: Any,
    after: Any,
    address: str | None = None,
    browser: str | None = None,
) -> bytes:
    """SHA-256 over the entry before and this one."""
    told = [program_id, seq, to_micros(at), actor, action, subject, before, after]
    # As it was before entries said from where.
    content = to_json(told if address is None and browser is None else [*told, address, browser])
    return hashlib.sha256(previous + content.encode()).digest()


def hash_of(row: Row[Any]) -> bytes:
    """The hash that an entry has to have, by what it says."""
    told = (row.program_id, row.seq, row.at, row.actor, row.action, row.subject, row.before, row.after)
    return audit_hash(row.previous_hash, *told, row.address, row.browser)


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditFilter:
    """Which entries are wanted: of an action, by somebody, about something, in a time. None: all."""

    action: str | None = None
    actor: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def page_entries(
    tx: Connection, program_id: int, only: AuditFilter, *, first: int, before_seq: int | None
) -> list[Row[Any]]:
    """Entries of a chain, newest first."""
    query = select(audit_entry).where(audit_entry.c.program_id == program_id)
    for name in ("action", "actor", "subject"):
        if (wanted := getattr(only, name)) is not None:
            query = query.where(audit_entry.c[name] == wanted)
    if only.since is not None:
        query = query.where(audit_entry.c.at >= only.since)
    if only.until is not None:
        query = query.where(audit_entry.c.at < only.until)
    if before_seq is not None:
        query = query.where(audit_entry.c.seq < before_seq)
    return list(tx.execute(query.order_by(audit_entry.c.seq.desc()).limit(first)))


def find_entry(tx: Connection, program_id: int, seq: int) -> Row[Any] | None:
    """One entry of a chain."""
    query = select(audit_entry).where(audit_entry.c.program_id == program_id, audit_entry.c.seq == seq)
    return tx.execute(query).one_or_none()


def page_about(
    tx: Connection, program_id: int, subjects: Sequence[str], *, first: int, before_seq: int | None
) -> Sequence[Row[Any]]:
    """The newest entries about any of these subjects."""
    query = select(audit_entry).where(audit_entry.c.program_id == program_id, audit_entry.c.subject.in_(subjects))
    query = query if before_seq is None else query.where(audit_entry.c.seq < before_seq)
    return tx.execute(query.order_by(audit_entry.c.seq.desc()).limit(first)).all()


def chain_page(tx: Connection, program_id: int, *, after_seq: int, limit: int) -> list[Row[Any]]:
    """Entries of a chain in their order."""
    query = select(audit_entry).where(audit_entry.c.program_id == program_id, audit_entry.c.seq > after_seq)
    return list(tx.execute(query.order_by(audit_entry.c.seq).limit(limit)))


def list_actions(tx: Connection, program_id: int) -> list[str]:
    """The names of what was done in a chain."""
    query = select(audit_entry.c.action).where(audit_entry.c.program_id == program_id).distinct()
    return sorted(tx.scalars(query))
