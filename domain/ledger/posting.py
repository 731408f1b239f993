"""Postings before they are stored: lots, what moves in them, and the drafts of entries.

Pure: figures in the smallest unit, instants aware in UTC. `domain.store.journal` gives ids and writes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from domain.clock import NEVER
from domain.ids import new_reference

Kind = Literal[
    "earn", "bonus", "refund", "redemption", "reversal", "expiry", "hold", "release", "transfer", "adjustment"
]
Bucket = Literal["spend", "bonus", "partner", "purchased", "other", "redeem", "expired"]

CONTRA: dict[str, str] = {
    "earn": "issued",
    "bonus": "issued",
    "refund": "issued",
    "redemption": "redeemed",
    "reversal": "redeemed",
    "expiry": "expired",
    "hold": "held",
    "release": "held",
    "transfer": "transferred",
    "adjustment": "adjusted",
}
"""The program's side of each kind of posting; the whole sums to zero by a GROUP BY over both."""

SPEND, BONUS, TRANSFER_IN, TRANSFER_OUT, ADJUSTMENT = 1, 2, 7, 8, 9
EXPIRY, REVERSAL, PARTNER, PURCHASED, PENDING, HOLD = 10, 11, 12, 13, 14, 15
"""Types of the statement that are not redemptions (`docs/statements.md`)."""


@dataclass(slots=True)
class Lot:
    """What is left of a credit. `id` is None until it is stored; `available_at` None: from the start."""

    earned_at: datetime
    expires_at: datetime
    points: int
    remaining: int
    id: int | None = None
    entry_id: int | None = None
    available_at: datetime | None = None

    def is_pending(self, pending_from: datetime) -> bool:
        """Whether its points wait: what becomes available before `pending_from` has done so."""
        return self.available_at is not None and self.available_at >= pending_from


@dataclass(slots=True)
class Move:
    """What a draft does to one lot: signed points, and the lot's expiry after it.

    Nobody changes one; it is not frozen because that takes three times as long to make.
    """

    lot: Lot
    points: int
    expires_at: datetime


@dataclass(slots=True)
class Draft:
    """A posting in the making. `points` is signed, as seen by the member.

    `arrears` is the part of `points` that its moves do not have. `related` is another draft of the same
    database transaction, or the id of a stored entry. A `narration` is encrypted already.
    """

    kind: Kind
    bucket: Bucket
    points: int
    loyalty_txn_type: int
    transaction_date: datetime
    moves: list[Move]
    expires_at: datetime | None = None
    merchant: str | None = None
    amount: Decimal | None = None
    narration: bytes | None = None
    detail: str | None = None
    transaction_ref: int | None = None
    reverses_id: int | None = None
    related: "Draft | int | None" = None
    arrears: int = 0
    external_reference: UUID = field(default_factory=new_reference)
    source: str | None = None
    balance_after: int = 0
    seq: int = 0
    id: int | None = None


_NEWEST = 2**63


def lot_order(lot: Lot) -> tuple[datetime, datetime, int]:
    """The order in which debits take lots: first expiring, then first earned, then id; a lot without one is newest."""
    return lot.expires_at, lot.earned_at, _NEWEST if lot.id is None else lot.id


def new_lot(points: int, earned_at: datetime, expires_at: datetime, available_at: datetime | None = None) -> Move:
    """The move that creates a lot with everything still in it."""
    return Move(Lot(earned_at, expires_at, points, 0, available_at=available_at), points, expires_at)


def expiry_of(moves: Iterable[Move]) -> datetime | None:
    """The earliest expiry that a credit's lots have, None where none of them expires."""
    soonest = min([move.expires_at for move in moves], default=NEVER)
    return None if soonest >= NEVER else soonest
