"""Idempotency keys: one outcome per (program, use case, key), stored with what it is the outcome of."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, delete, select

from domain.clock import NEVER
from domain.errors import BY_CODE, KeyReused, TesseraError
from domain.models import idempotency
from domain.models.types import to_json
from domain.store.among import among
from domain.store.bulk import Bulk
from domain.store.reading import Reading, Values, read

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


_FIND = select(idempotency.c.key, idempotency.c.fingerprint, idempotency.c.outcome, idempotency.c.expires_at).where(
    idempotency.c.program_id == bindparam("program_id"),
    idempotency.c.use_case == bindparam("use_case"),
    among(idempotency.c.key, "idempotency_keys"),
)


def known_keys(
    program_id: int, use_case: str, keys: Sequence[str], now: datetime
) -> Reading[tuple[dict[str, Bound], list[str]]]:
    """What these keys stand for, and those that stood for something until they lapsed."""
    given = {"program_id": program_id, "use_case": use_case, "idempotency_keys": keys}

    def take(rows: Iterable[Values]) -> tuple[dict[str, Bound], list[str]]:
        bound: dict[str, Bound] = {}
        lapsed = []
        for key, fingerprint, outcome, expires_at in rows:
            if expires_at > now:
                bound[key] = Bound(fingerprint, orjson.loads(outcome))
            else:
                lapsed.append(key)
        return bound, lapsed

    return Reading(_FIND, given, take)


def find_keys(tx: Connection, program_id: int, use_case: str, keys: Sequence[str], now: datetime) -> dict[str, Bound]:
    """What these keys stand for, those that lapsed left out."""
    return read(tx, known_keys(program_id, use_case, keys, now))[0] if keys else {}


def bind_key(
    tx: Connection,
    program_id: int,
    use_case: str,
    key: str,
    fingerprint: bytes,
    outcome: dict[str, Any],
    now: datetime,
) -> None:
    """Bind one key: see `bind_keys`."""
    bulk = Bulk(tx)
    forget_keys(tx, program_id, use_case, [key], now)
    bind_keys(bulk, program_id, use_case, {key: Bound(fingerprint, outcome)}, now)
    bulk.store()


def forget_keys(tx: Connection, program_id: int, use_case: str, keys: Sequence[str], now: datetime) -> None:
    """Delete those of these keys that have lapsed, so that they can be bound again."""
    tx.execute(_FORGET_LAPSED, {"program_id": program_id, "use_case": use_case, "idempotency_keys": keys, "at": now})


def bind_keys(bulk: Bulk, program_id: int, use_case: str, bound: Mapping[str, Bound], now: datetime) -> None:
    """Bind keys, each for ever to a success, or for 24 hours to a refusal.

    Storing raises IntegrityError where another database transaction bound one first: the whole body runs again then.
    """
    rows = [
        {
            "program_id": program_id,
            "use_case": use_case,
            "key": key,
            "fingerprint": one.fingerprint,
            "outcome": to_json(one.outcome),
            "created_at": now,
            "expires_at": now + REFUSAL_TTL if "refusal" in one.outcome else NEVER,
        }
        for key, one in bound.items()
    ]
    bulk.insert(idempotency, rows)


_FORGET_LAPSED = delete(idempotency).where(
    idempotency.c.program_id == bindparam("program_id"),
    idempotency.c.use_case == bindparam("use_case"),
    among(idempotency.c.key, "idempotency_keys"),
    idempotency.c.expires_at <= bindparam("at"),
)


def refusal_outcome(error: TesseraError) -> dict[str, Any]:
    """The stored form of a business refusal."""
    return {"refusal": error.code, "detail": error.detail}
