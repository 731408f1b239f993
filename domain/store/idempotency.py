"""Idempotency keys: one outcome per (program, use case, key), stored with what it is the outcome of."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select

from domain.clock import NEVER
from domain.errors import BY_CODE, KeyReused, TesseraError
from domain.models import idempotency
from domain.models.types import to_json

REFUSAL_TTL = timedelta(hours=24)
"""How long a business refusal binds its key, so that a late retry does not suddenly debit."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a key stands for."""

    fingerprint: bytes
    outcome: dict[str, Any]

    def replay(self, fingerprint: bytes) -> dict[str, Any]:
        """The first outcome again. Raises KeyReused for another request, or the refusal that was bound."""
        if fingerprint != self.fingerprint:
            raise KeyReused
        if "refusal" in self.outcome:
            refusal = BY_CODE[self.outcome["refusal"]](self.outcome.get("detail"))
            refusal.is_replay = True
            raise refusal
        return self.outcome


def fingerprint_of(*parts: object) -> bytes:
    """SHA-256 of the canonical request: after aliases and defaults, without ignored fields."""
    return hashlib.sha256(to_json([None if part is None else str(part) for part in parts]).encode()).digest()


def find_keys(tx: Connection, program_id: int, use_case: str, keys: Sequence[str], now: datetime) -> dict[str, Bound]:
    """What these keys stand for, those that lapsed left out."""
    if not keys:
        return {}
    rows = tx.execute(
        select(idempotency.c.key, idempotency.c.fingerprint, idempotency.c.outcome).where(
            idempotency.c.program_id == program_id,
            idempotency.c.use_case == use_case,
            idempotency.c.key.in_(keys),
            idempotency.c.expires_at > now,
        )
    )
    return {row.key: Bound(row.fingerprint, orjson.loads(row.outcome)) for row in rows}


def bind_key(
    tx: Connection,
    program_id: int,
    use_case: str,
    key: str,
    fingerprint: bytes,
    outcome: dict[str, Any],
    now: datetime,
) -> None:
    """Bind a key for ever to a success, or for 24 hours to a refusal.

    Raises IntegrityError where another database transaction bound it first: the whole body runs again then.
    """
    tx.execute(
        delete(idempotency).where(
            idempotency.c.program_id == program_id,
            idempotency.c.use_case == use_case,
            idempotency.c.key == key,
            idempotency.c.expires_at <= now,
        )
    )
    tx.execute(
        insert(idempotency).values(
            program_id=program_id,
            use_case=use_case,
            key=key,
            fingerprint=fingerprint,
            outcome=to_json(outcome),
            created_at=now,
            expires_at=now + REFUSAL_TTL if "refusal" in outcome else NEVER,
        )
    )


def refusal_outcome(error: TesseraError) -> dict[str, Any]:
    """The stored form of a business refusal."""
    return {"refusal": error.code, "detail": error.detail}
