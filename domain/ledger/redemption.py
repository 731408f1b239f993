"""Redeeming: which lots a debit takes."""

from collections.abc import Iterable
from datetime import datetime

from domain.clock import NEVER
from domain.ledger.posting import Lot, Move


def take(lots: Iterable[Lot], points: int) -> tuple[list[Move], datetime]:
    """Take points from lots that come in `lot_order`; the moves, and the earliest expiry that remains.

    Reads no more lots than it needs. Raises ValueError where the lots hold less than the account says,
    which would be a broken invariant, not a refusal.
    """
    moves: list[Move] = []
    needed = points
    for lot in lots:
        if needed == 0:
            return moves, lot.expires_at
        taken = min(lot.remaining, needed)
        moves.append(Move(lot, -taken, lot.expires_at))
        needed -= taken
        if taken < lot.remaining:
            return moves, lot.expires_at
    if needed:
        raise ValueError(f"the lots lack {needed} of {points} points")
    return moves, NEVER
