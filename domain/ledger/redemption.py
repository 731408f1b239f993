"""Redeeming: what is asked for, what comes of it, and which lots a debit takes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.clock import NEVER
from domain.ledger.posting import Lot, Move


@dataclass(frozen=True, kw_only=True, slots=True)
class RedemptionOrder:
    """A checked redemption. `refusal` is what the static checks found, to be given after the member's state.

    `most_a_day`: how many redemptions the account may have had since `day_start`; None is no limit.
    """

    program_id: int
    config_version: int
    reference: str
    currency: str
    points: int
    refusal: str | None
    refusal_binds: bool
    key: str | None
    fingerprint: bytes
    guid: UUID
    loyalty_txn_type: int
    merchant: str | None
    amount: Decimal | None
    source: str
    actor: str
    now: datetime
    window_s: int
    day_start: datetime = NEVER
    most_a_day: int | None = None


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The outcome; `stored` and `fingerprint` are those of the key where the outcome is `replay`."""

    outcome: str
    entry_id: int | None = None
    member_id: int | None = None
    stored: str | None = None
    fingerprint: bytes | None = None


def take(lots: Iterable[Lot], points: int, *, pending_from: datetime = NEVER) -> tuple[list[Move], datetime]:
    """Take points from lots that come in `lot_order`; the moves, and the earliest expiry that remains.

    Passes over what is pending (`Lot.is_pending`). Reads no more lots than it needs. Raises ValueError where
    the lots hold less than the account says, which would be a broken invariant, not a refusal.
    """
    moves: list[Move] = []
    needed, soonest = points, NEVER
    for lot in lots:
        if needed == 0 or lot.is_pending(pending_from):
            # The first that stays expires first, pending or not.
            soonest = min(soonest, lot.expires_at)
            if needed == 0:
                return moves, soonest
            continue
        taken = min(lot.remaining, needed)
        moves.append(Move(lot, -taken, lot.expires_at))
        needed -= taken
        if taken < lot.remaining:
            return moves, min(soonest, lot.expires_at)
    if needed:
        raise ValueError(f"the lots lack {needed} of {points} points")
    return moves, soonest
