"""An account as it moves: the running figures, and the drafts of postings that moved them.

Pure. `domain.store.journal` locks the stored account, hands it here, and stores what came of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.clock import NEVER
from domain.errors import InvalidRequest
from domain.ledger.chain import Posting, Trace
from domain.ledger.posting import CONTRA, EXPIRY, Draft, Lot, Move, lot_order
from domain.ledger.redemption import take
from domain.points import MAX_POINTS

FIGURES: dict[str, tuple[str, int]] = {
    "spend": ("spend", 1),
    "bonus": ("bonus", 1),
    "partner": ("partner", 1),
    "purchased": ("purchased", 1),
    "other": ("other", 1),
    "redeem": ("redeemed", -1),
    "expired": ("expired", -1),
}
"""The running figure of each statement bucket, and its sign: debits are kept as positive sums."""


@dataclass(slots=True, kw_only=True)
class Account:
    """The running figures of one account, and the drafts that moved them so far.

    `available` is what the released lots hold, less `arrears`; `held` is part of `redeemed` as well.
    """

    program_id: int
    id: int
    member_id: int
    version: int
    available: int
    head_hash: bytes
    next_expiry: datetime = NEVER
    next_release: datetime = NEVER
    pending: int = 0
    held: int = 0
    arrears: int = 0
    spend: int = 0
    bonus: int = 0
    partner: int = 0
    purchased: int = 0
    other: int = 0
    redeemed: int = 0
    expired: int = 0
    drafts: list[Draft] = field(default_factory=list)
    lots_changed: bool = False

    @property
    def balance(self) -> int:
        """The sum of all postings: available and pending points, less arrears."""
        return self.available + self.pending

    def post(self, draft: Draft) -> Draft:
        """Apply a draft: figures, lots, running balance. Its moves and its arrears sum to its points."""
        self.version += 1
        name, sign = FIGURES[draft.bucket]
        setattr(self, name, getattr(self, name) + sign * draft.points)
        if draft.kind in {"hold", "release"}:
            self.held -= draft.points
        self.arrears -= draft.arrears
        self.available += draft.arrears
        for move in draft.moves:
            if move.lot.is_pending(self.next_release):
                self.pending += move.points
            else:
                self.available += move.points
            move.lot.remaining += move.points
            move.lot.expires_at = move.expires_at
        draft.balance_after, draft.seq = self.balance, self.version
        self.drafts.append(draft)
        return draft

    def check_room(self, points: int) -> None:
        """Raise InvalidRequest where so many points more would pass what a balance may be."""
        if points > 0 and self.balance + points > MAX_POINTS:
            raise InvalidRequest("the balance would pass what an account may hold", field="points")

    def credit(self, draft: Draft, now: datetime) -> Draft:
        """Post a credit with new lots. Arrears are repaid from it first, and that part never becomes a lot.

        A lot that is past its date already is expired in the same step. Raises InvalidRequest (see `check_room`).
        """
        self.check_room(draft.points)
        if self.arrears and (repaid := min(self.arrears, draft.points)):
            draft.arrears, draft.moves = repaid, _less(draft.moves, repaid)
        self.await_release(draft.moves, now)
        self.post(draft)
        past = []
        for move in draft.moves:
            if move.expires_at <= now:
                past.append(move.lot)
            elif move.expires_at < self.next_expiry:
                self.next_expiry = move.expires_at
        if past:
            self.write_off(past)
        return draft

    def await_release(self, moves: Iterable[Move], now: datetime) -> None:
        """Before moves that bring pending points in: their release may come before all that is awaited so far."""
        for move in moves:
            if move.lot.available_at is not None and now < move.lot.available_at < self.next_release:
                self.next_release = move.lot.available_at

    def debit(self, draft: Draft, lots: Iterable[Lot]) -> Draft:
        """Post a debit of `-draft.points` from lots that come in `lot_order`; the caller has checked `available`."""
        draft.moves, self.next_expiry = take(lots, -draft.points, pending_from=self.next_release)
        return self.post(draft)

    def write_off(self, lots: Sequence[Lot]) -> None:
        """Expire what is left in these lots: one posting for each expiry instant, dated at that instant."""
        due: dict[datetime, list[Lot]] = {}
        for lot in sorted(lots, key=lot_order):
            if lot.remaining:
                due.setdefault(lot.expires_at, []).append(lot)
        for instant, expiring in due.items():
            self._expire([Move(lot, -lot.remaining, lot.expires_at) for lot in expiring], instant)

    def forfeit(self, returned: Iterable[tuple[Lot, int]], at: datetime) -> None:
        """Expire points that came back to lots past their date: one posting, dated at their return.

        Whatever else is in such a lot expired at the lot's own date, and is not touched here.
        """
        late = [Move(lot, -points, lot.expires_at) for lot, points in returned if points and lot.expires_at <= at]
        if late:
            self._expire(sorted(late, key=lambda move: lot_order(move.lot)), at)

    def redate(self, draft: Draft, dates: Iterable[tuple[Lot, datetime]], at: datetime) -> None:
        """Let the newest posting also move the dates of these lots. What is past by that expires in the same step."""
        moves, dated = {id(move.lot): move for move in draft.moves}, list(dates)
        for lot, date in dated:
            moved = moves.get(id(lot))
            moves[id(lot)] = Move(lot, moved.points if moved else 0, date)
            lot.expires_at = date
        draft.moves, self.lots_changed = list(moves.values()), True
        self.forfeit([(lot, lot.remaining) for lot, _ in dated], at)

    def _expire(self, moves: list[Move], instant: datetime) -> None:
        self.lots_changed = True
        self.post(Draft("expiry", "expired", sum(move.points for move in moves), EXPIRY, instant, moves))

    def mature(self, pending: int) -> None:
        """Take notice of what became available since the last posting: `pending` points still wait."""
        self.available, self.pending = self.balance - pending, pending


def _less(moves: Sequence[Move], points: int) -> list[Move]:
    """The moves of new lots without the first points: the lots become smaller, or are not made at all.

    A move of no points, which only changes a date, stays.
    """
    left: list[Move] = []
    for move in moves:
        if not move.points:
            left.append(move)
            continue
        cut = min(points, move.points)
        points -= cut
        if kept := move.points - cut:
            left.append(Move(replace(move.lot, points=kept), kept, move.expires_at))
    return left


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
        narration=draft.narration,
        detail=draft.detail,
        config_version=config_version,
        source=draft.source or source,
        actor=actor,
        transaction_ref=draft.transaction_ref,
        reverses_id=draft.reverses_id,
        traces=tuple([_trace(draft, move) for move in draft.moves]),
        arrears=draft.arrears,
        related_id=draft.related.id if isinstance(draft.related, Draft) else draft.related,
    )


def _trace(draft: Draft, move: Move) -> Trace:
    """The trace of a move; the one that makes a lot carries the terms that the posting does not tell."""
    lot = move.lot
    if lot.entry_id != draft.id:
        return Trace(lot_id=lot.id or 0, points=move.points, expires_at=move.expires_at)
    return Trace(
        lot_id=lot.id or 0,
        points=move.points,
        expires_at=move.expires_at,
        available_at=lot.available_at,
        earned_at=None if lot.earned_at == draft.transaction_date else lot.earned_at,
    )
