"""Postings before they are stored: the account as it moves, its lots, and the drafts of entries.

Pure: figures in the smallest unit, instants aware in UTC. `domain.store.journal` gives ids and writes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from domain.clock import NEVER
from domain.ids import new_reference
from domain.ledger.chain import Posting, Trace

Kind = Literal["earn", "redemption", "reversal", "expiry"]
Bucket = Literal["spend", "bonus", "redeem", "expired"]

CONTRA: dict[str, str] = {
    "earn": "issued",
    "redemption": "redeemed",
    "reversal": "redeemed",
    "expiry": "expired",
}
"""The program's side of each kind of posting; the whole sums to zero by a GROUP BY over both."""

SPEND, BONUS, EXPIRY, REVERSAL = 1, 2, 10, 11
"""Types of the statement that are not redemptions (`docs/statements.md`)."""


@dataclass(slots=True)
class Lot:
    """What is left of a credit. `id` is None until it is stored."""

    earned_at: datetime
    expires_at: datetime
    points: int
    remaining: int
    id: int | None = None
    entry_id: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """What a draft does to one lot: signed points, and the lot's expiry after it."""

    lot: Lot
    points: int
    expires_at: datetime


@dataclass(slots=True)
class Draft:
    """A posting in the making. `points` is signed, as seen by the member."""

    kind: Kind
    bucket: Bucket
    points: int
    loyalty_txn_type: int
    transaction_date: datetime
    moves: list[Move]
    expires_at: datetime | None = None
    merchant: str | None = None
    amount: Decimal | None = None
    detail: str | None = None
    transaction_ref: int | None = None
    reverses_id: int | None = None
    external_reference: UUID = field(default_factory=new_reference)
    source: str | None = None
    balance_after: int = 0
    seq: int = 0
    id: int | None = None


@dataclass(slots=True)
class Account:
    """The running figures of one account, and the drafts that moved them so far."""

    program_id: int
    id: int
    member_id: int
    version: int
    available: int
    spend: int
    bonus: int
    redeemed: int
    expired: int
    next_expiry: datetime
    head_hash: bytes
    drafts: list[Draft] = field(default_factory=list)
    lots_changed: bool = False

    def post(self, draft: Draft) -> Draft:
        """Apply a draft: figures, lots, running balance. The sum of its moves is its points."""
        self.version += 1
        self.available += draft.points
        if draft.bucket == "spend":
            self.spend += draft.points
        elif draft.bucket == "bonus":
            self.bonus += draft.points
        elif draft.bucket == "redeem":
            self.redeemed -= draft.points
        else:
            self.expired -= draft.points
        for move in draft.moves:
            move.lot.remaining += move.points
            move.lot.expires_at = move.expires_at
        draft.balance_after, draft.seq = self.available, self.version
        self.drafts.append(draft)
        return draft

    def earn(self, draft: Draft, now: datetime) -> None:
        """Post a credit with its lots; a lot that is past its date already is expired in the same step."""
        self.post(draft)
        past = [move.lot for move in draft.moves if move.expires_at <= now]
        for move in draft.moves:
            if move.expires_at > now:
                self.next_expiry = min(self.next_expiry, move.expires_at)
        self.write_off(past)

    def write_off(self, lots: list[Lot], at: datetime | None = None) -> None:
        """Expire what is left in these lots: one posting for each expiry instant, dated at that instant.

        With `at` one posting for all, dated then: points that came back after their date.
        """
        due: dict[datetime, list[Lot]] = {}
        for lot in sorted(lots, key=lot_order):
            if lot.remaining:
                due.setdefault(at or lot.expires_at, []).append(lot)
        for instant, expiring in due.items():
            moves = [Move(lot, -lot.remaining, lot.expires_at) for lot in expiring]
            self.lots_changed = True
            self.post(
                Draft(
                    kind="expiry",
                    bucket="expired",
                    points=sum(move.points for move in moves),
                    loyalty_txn_type=EXPIRY,
                    transaction_date=instant,
                    moves=moves,
                )
            )


def lot_order(lot: Lot) -> tuple[datetime, datetime, int]:
    """The order in which debits take lots: first expiring, then first earned, then id."""
    return lot.expires_at, lot.earned_at, lot.id or 0


def new_lot(points: int, earned_at: datetime, expires_at: datetime) -> Move:
    """The move that creates a lot with everything still in it."""
    return Move(Lot(earned_at, expires_at, points, 0), points, expires_at)


def expiry_of(moves: list[Move]) -> datetime | None:
    """The earliest expiry that a credit's lots have, None where none of them expires."""
    soonest = min(move.expires_at for move in moves)
    return None if soonest >= NEVER else soonest


def posting_of(
    account: Account, draft: Draft, *, processed_at: datetime, config_version: int, source: str, actor: str
) -> Posting:
    """What the chain covers of a draft that has its id. Raises ValueError where it has none."""
    if draft.id is None:
        raise ValueError("a draft without id cannot be posted")
    return Posting(
        program_id=account.program_id,
        entry_id=draft.id,
        account_id=account.id,
        seq=draft.seq,
        kind=draft.kind,
        contra=CONTRA[draft.kind],
        bucket=draft.bucket,
        points=draft.points,
        balance_after=draft.balance_after,
        loyalty_txn_type=draft.loyalty_txn_type,
        external_reference=draft.external_reference,
        transaction_date=draft.transaction_date,
        processed_at=processed_at,
        expires_at=draft.expires_at,
        merchant=draft.merchant,
        amount=draft.amount,
        narration=None,
        detail=draft.detail,
        config_version=config_version,
        source=draft.source or source,
        actor=actor,
        transaction_ref=draft.transaction_ref,
        reverses_id=draft.reverses_id,
        traces=tuple(
            Trace(lot_id=move.lot.id or 0, points=move.points, expires_at=move.expires_at) for move in draft.moves
        ),
    )
