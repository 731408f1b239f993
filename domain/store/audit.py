"""The audit trail: who changed what, append-only, hash-chained per program."""

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text

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
    actor: str,
    action: str,
    subject: str,
    before: Any = None,
    after: Any = None,
    address: str | None = None,
    browser: str | None = None,
) -> None:
    """Append one change. Secrets never belong in `before` or `after`."""
    if tx.dialect.name == "postgresql":
        # The chain has one end; without a lock two entries would follow the same one.
        tx.execute(text("SELECT pg_advisory_xact_lock(7411, :program)"), {"program": program_id % 2**31})
    last = tx.execute(
        select(audit_entry.c.seq, audit_entry.c.hash)
        .where(audit_entry.c.program_id == program_id)
        .order_by(audit_entry.c.seq.desc())
        .limit(1)
    ).one_or_none()
    seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
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
