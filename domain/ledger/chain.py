"""The hash chain over an account's postings: any later change of a digit shows, and shows where.

`redeem_points_4.sql` computes the same text inside PostgreSQL; the tests of the state machine hold both equal.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.clock import to_micros
from domain.record import record

GENESIS = bytes(32)
"""The hash before an account's first posting."""

_SEPARATOR = "\x1f"


@record
class Trace:
    """What a posting does to one lot: signed smallest units, and the lot's expiry after it.

    The trace that makes a lot has the terms that the posting itself does not tell.
    """

    lot_id: int
    points: int
    expires_at: datetime
    available_at: datetime | None = None
    earned_at: datetime | None = None


@record
class Posting:
    """Everything that the chain covers of one entry; `points` and `balance_after` in smallest units."""

    program_id: int
    entry_id: int
    account_id: int
    seq: int
    kind: str
    contra: str
    bucket: str
    points: int
    balance_after: int
    loyalty_txn_type: int
    external_reference: UUID
    transaction_date: datetime
    processed_at: datetime
    expires_at: datetime | None
    merchant: str | None
    amount: Decimal | None
    narration: bytes | None
    detail: str | None
    config_version: int
    source: str
    actor: str
    transaction_ref: int | None
    reverses_id: int | None
    traces: tuple[Trace, ...]
    arrears: int = 0
    related_id: int | None = None


def entry_hash(previous: bytes, posting: Posting) -> bytes:
    """SHA-256 over the hash before and the posting with its traces, ordered by lot id."""
    return hashlib.sha256(previous + chain_text(posting).encode()).digest()


def chain_text(posting: Posting) -> str:
    """The posting as the one line of text that is hashed; an absent value is empty.

    Arrears and the related entry, which few postings have, stand behind the rest with a letter each.
    """
    one, amount, narration = posting, posting.amount, posting.narration
    parts = [
        # Written in one go: a call for each number takes twice as long.
        f"{one.program_id}{_SEPARATOR}{one.entry_id}{_SEPARATOR}{one.account_id}{_SEPARATOR}{one.seq}",
        one.kind,
        one.contra,
        one.bucket,
        f"{one.points}{_SEPARATOR}{one.balance_after}{_SEPARATOR}{one.loyalty_txn_type}",
        one.external_reference.hex,
        f"{to_micros(one.transaction_date)}{_SEPARATOR}{to_micros(one.processed_at)}",
        "" if one.expires_at is None else str(to_micros(one.expires_at)),
        one.merchant or "",
        "" if amount is None else format(amount, "f"),
        "" if narration is None else narration.hex(),
        one.detail or "",
        str(one.config_version),
        one.source,
        one.actor,
        "" if one.transaction_ref is None else str(one.transaction_ref),
        "" if one.reverses_id is None else str(one.reverses_id),
        _traces_text(one.traces),
    ]
    if one.arrears:
        parts.append(f"A{one.arrears}")
    if one.related_id is not None:
        parts.append(f"R{one.related_id}")
    return _SEPARATOR.join(parts)


def _traces_text(traces: Sequence[Trace]) -> str:
    if len(traces) == 1:
        return _trace_text(traces[0])
    return ",".join(map(_trace_text, sorted(traces, key=lambda trace: trace.lot_id)))


def _trace_text(trace: Trace) -> str:
    text = f"{trace.lot_id}:{trace.points}:{to_micros(trace.expires_at)}"
    if trace.available_at is None and trace.earned_at is None:
        return text
    terms = (trace.available_at, trace.earned_at)
    return ":".join((text, *("" if one is None else str(to_micros(one)) for one in terms)))
