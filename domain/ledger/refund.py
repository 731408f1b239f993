"""Taking back what a purchase earned: how much of it, and from which lots."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from domain.errors import InsufficientPoints
from domain.ledger.account import Account
from domain.ledger.posting import Bucket, Draft, Lot, Move, lot_order

Policy = Literal["negative", "floor", "refuse"]

_HALF = Fraction(1, 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What of one earning is to be taken back, in smallest units; the earning may be a draft still."""

    earning: Draft | int
    bucket: Bucket
    loyalty_txn_type: int
    points: int


def share(earned: int, amount: Decimal, before: Decimal, now: Decimal) -> int:
    """The part of `earned` that a refund of `now` takes back after refunds of `before`, of `amount` in all.

    It is the step between two rounded shares, so that any sequence of partial refunds that ends with the
    whole amount takes back exactly what was earned.
    """
    return _share(earned, amount, before + now) - _share(earned, amount, before)


def is_taken_back(earned: int, amount: Decimal, refunded: Decimal) -> bool:
    """Whether refunds of so much of an amount took all that it earned; any refund of an amount of nothing does."""
    return _share(earned, amount or Decimal(1), refunded) >= earned


def _share(earned: int, amount: Decimal, refunded: Decimal) -> int:
    if refunded >= amount:
        return earned
    exact = earned * Fraction(refunded) / Fraction(amount)
    return (exact + _HALF).__floor__()


def refundable(account: Account, own: Sequence[Lot]) -> int:
    """What can be taken back without going below zero: what is available, and the purchase's own pending points."""
    pending = sum(lot.remaining for lot in own if lot.is_pending(account.next_release))
    return max(0, account.available) + pending


def refund(
    account: Account,
    claim: Claim,
    own: Sequence[Lot],
    others: Sequence[Lot],
    *,
    policy: Policy,
    dated: datetime,
) -> tuple[Draft | None, int]:
    """Post what is taken back: from `own`, pending first, then from `others`, first expiring first, then arrears.

    `own` are the lots of the whole purchase, of which the earning may be one of several.
    The second figure is the loss: what `floor` leaves with the member. Raises InsufficientPoints under `refuse`.
    """
    possible = refundable(account, own)
    if policy == "refuse" and claim.points > possible:
        raise InsufficientPoints
    points = min(claim.points, possible) if policy == "floor" else claim.points
    if not points:
        return None, claim.points
    moves = _moves(account, points, own, others)
    account.lots_changed = True
    draft = Draft(
        kind="refund",
        bucket=claim.bucket,
        points=-points,
        loyalty_txn_type=claim.loyalty_txn_type,
        transaction_date=dated,
        moves=moves,
        related=claim.earning,
        arrears=-(points + sum(move.points for move in moves)),
    )
    return account.post(draft), claim.points - points


def _moves(account: Account, points: int, own: Sequence[Lot], others: Sequence[Lot]) -> list[Move]:
    waits = [lot for lot in own if lot.is_pending(account.next_release)]
    ready = [lot for lot in own if not lot.is_pending(account.next_release)]
    rest = [lot for lot in others if not lot.is_pending(account.next_release)]
    moves: list[Move] = []
    for lot in (*sorted(waits, key=lot_order), *sorted(ready, key=lot_order), *sorted(rest, key=lot_order)):
        taken = min(lot.remaining, points)
        if taken:
            moves.append(Move(lot, -taken, lot.expires_at))
            points -= taken
    return moves
