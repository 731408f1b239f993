"""Reversing a redemption: what goes back to which lot, and what becomes of points past their date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from domain.ledger.account import Account
from domain.ledger.posting import REVERSAL, Draft, Lot, Move

Policy = Literal["extend", "forfeit", "original"]


@dataclass(frozen=True, slots=True)
class Restored:
    """The receipt of one lot: points that went back, its expiry now, and what expired again at once."""

    lot: Lot
    points: int
    expires_at: datetime
    expired: int


def reverse(
    account: Account,
    redemption_id: int,
    taken: Sequence[tuple[Lot, int]],
    *,
    policy: Policy,
    grace: timedelta,
    now: datetime,
    merchant: str | None = None,
    detail: str | None = None,
) -> tuple[Draft, list[Restored]]:
    """Post the reversal of a redemption that took these points from these lots.

    A lot past its date: `extend` makes it valid for `grace` from now; `forfeit` and `original` give the
    points back and expire them in the same step, shown as two postings. Other lots keep their date.
    """
    moves = [Move(lot, points, _expiry(lot, policy, grace, now)) for lot, points in taken]
    draft = account.post(
        Draft(
            kind="reversal",
            bucket="redeem",
            points=sum(points for _, points in taken),
            loyalty_txn_type=REVERSAL,
            transaction_date=now,
            moves=moves,
            merchant=merchant,
            detail=detail,
            reverses_id=redemption_id,
        )
    )
    account.lots_changed = True
    receipts = [
        Restored(move.lot, move.points, move.expires_at, move.points if move.expires_at <= now else 0) for move in moves
    ]
    account.forfeit(taken, now)
    return draft, receipts


def _expiry(lot: Lot, policy: Policy, grace: timedelta, now: datetime) -> datetime:
    return now + grace if policy == "extend" and lot.expires_at <= now else lot.expires_at
