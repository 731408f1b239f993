"""An account as its journal makes it, and what does not hold when the stored rows are held against it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from domain.clock import NEVER
from domain.ledger.chain import GENESIS, Posting, Trace, entry_hash
from domain.ledger.posting import CONTRA
from domain.store.finding import Finding

_BUCKET_SIGN = {"spend": 1, "bonus": 1, "partner": 1, "purchased": 1, "other": 1, "redeem": -1, "expired": -1}
_FIGURE = {bucket: bucket for bucket in ("spend", "bonus", "partner", "purchased", "other", "expired")} | {
    "redeem": "redeemed"
}
_RETURNS = {"reversal": "redemption", "release": "hold"}
"""The kind of posting that each kind gives back, whole."""
RELATED = frozenset({"refund", "transfer"})
"""The kinds that name another entry, perhaps of another account; a redemption does where it settles a hold."""
_GIVES_BACK = frozenset({*_RETURNS, "transfer"})
_LIVE_ONLY = frozenset({"redemption", "hold", "adjustment", "transfer"})
"""The kinds whose debits take from no lot that has expired."""

_HOLD_STATUSES = {
    (False, False): {"PENDING"},
    (True, False): {"CANCELLED", "LAPSED"},
    (True, True): {"SETTLED"},
    (False, True): set[str](),
}
"""What a hold may be, by whether its points were given back, and whether they were spent then."""


@dataclass(slots=True)
class _Lot:
    """A lot as its traces make it."""

    entry_id: int
    earned_at: datetime
    points: int
    available_at: datetime | None
    remaining: int = 0
    expires_at: datetime = NEVER


@dataclass(slots=True)
class Fold:
    """An account as its journal makes it."""

    program_id: int
    account_id: int
    findings: list[Finding] = field(default_factory=list)
    balance: int = 0
    arrears: int = 0
    held: int = 0
    head: bytes = GENESIS
    figures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_FIGURE.values(), 0))
    lots: dict[int, _Lot] = field(default_factory=dict)
    entries: dict[int, Any] = field(default_factory=dict)
    returned: dict[int, Any] = field(default_factory=dict)
    settled: dict[int, Any] = field(default_factory=dict)
    seq: int = 0

    def find(self, where: str, what: str) -> None:
        self.findings.append(Finding(self.program_id, where, what))

    def add(self, row: Row[Any], traces: Sequence[Row[Any]]) -> None:
        """Follow one posting."""
        where = f"account {self.account_id}, entry {row.id}"
        self.seq += 1
        if row.seq != self.seq:
            self.find(where, f"sequence {row.seq} where {self.seq} was due")
            self.seq = row.seq
        self.balance += row.points
        self.arrears -= row.arrears
        self.held -= row.points if row.kind in {"hold", "release"} else 0
        if row.balance_after != self.balance:
            self.find(where, f"balance after is {row.balance_after}, the postings give {self.balance}")
        if self.arrears < 0:
            self.find(where, f"repays {-self.arrears} points more than were in arrears")
        if row.bucket in _FIGURE:
            self.figures[_FIGURE[row.bucket]] += _BUCKET_SIGN[row.bucket] * row.points
        if CONTRA.get(row.kind) != row.contra:
            self.find(where, f"contra account {row.contra} does not fit a posting of kind {row.kind}")
        if sum(trace.points for trace in traces) + row.arrears != row.points:
            self.find(where, "its traces do not add up to its points")
        for trace in traces:
            self._trace(row, trace, where)
        self._reversal(row, where)
        if row.kind == "redemption" and row.related_id is not None:
            self.settled[row.related_id] = row
        self.entries[row.id] = row
        digest = entry_hash(self.head, posting_of_row(row, traces))
        if digest != row.hash:
            self.find(where, "its hash does not follow from the posting before and its own content")
        self.head = row.hash

    def _trace(self, row: Row[Any], trace: Row[Any], where: str) -> None:
        one = self.lots.get(trace.lot_id)
        if one is None:
            earned_at = trace.earned_at or row.transaction_date
            one = self.lots[trace.lot_id] = _Lot(row.id, earned_at, trace.points, trace.available_at)
        elif trace.points > 0 and row.kind not in _GIVES_BACK:
            self.find(where, f"gives points to lot {trace.lot_id}, which was there already")
        if row.kind in _LIVE_ONLY and trace.expires_at <= row.processed_at and not self._settles(row):
            self.find(where, f"takes points from lot {trace.lot_id} after it expired")
        one.remaining += trace.points
        one.expires_at = trace.expires_at
        if not 0 <= one.remaining <= one.points:
            self.find(where, f"leaves {one.remaining} of {one.points} points in lot {trace.lot_id}")

    def _settles(self, row: Row[Any]) -> bool:
        """Whether a redemption spends a hold, whose lots may have expired since."""
        held = self.entries.get(row.related_id)
        return held is not None and held.kind == "hold" and held.id in self.returned

    def _reversal(self, row: Row[Any], where: str) -> None:
        if (row.reverses_id is None) != (row.kind not in _RETURNS):
            self.find(where, "names a posting that it reverses, or lacks one")
        elif row.reverses_id is not None:
            first = self.entries.get(row.reverses_id)
            if first is None or first.kind != _RETURNS[row.kind] or first.points != -row.points:
                self.find(where, f"does not give back what entry {row.reverses_id} took")
            self.returned[row.reverses_id] = row
        if (row.related_id is None) != (row.kind not in RELATED) and row.kind != "redemption":
            self.find(where, "names an entry that it belongs to, or lacks one")

    def close(self, row: Row[Any], lots: Sequence[Row[Any]], holds: Sequence[Row[Any]]) -> None:
        """Hold the account row and its lots against the fold."""
        where = f"account {self.account_id}"
        for name, expected in {
            "version": self.seq,
            "head_hash": self.head,
            "arrears": self.arrears,
            "held": self.held,
            **self.figures,
        }.items():
            if getattr(row, name) != expected:
                self.find(where, f"{name} is {_shown(getattr(row, name))}, the journal gives {_shown(expected)}")
        stored = {one.id: one for one in lots}
        for lot_id in self.lots.keys() | stored.keys():
            self._lot(lot_id, stored.get(lot_id))
        soonest = min((one.expires_at for one in lots if one.is_open), default=NEVER)
        if row.next_expiry != soonest:
            self.find(where, f"next_expiry is {row.next_expiry}, its open lots give {soonest}")
        if row.available + row.pending != self.balance:
            self.find(where, f"available and pending are {row.available} and {row.pending}, not {self.balance}")
        pending = [one for one in holds if one.status == "PENDING"]
        self._pending(row, [one for one in lots if one.is_open], pending, where)
        for one in holds:
            self._hold(row, one)
        unknown = {one.id for one in self.entries.values() if one.kind == "hold"} - {one.entry_id for one in holds}
        if unknown:
            self.find(where, f"entries {sorted(unknown)} hold points for no hold")

    def _pending(self, row: Row[Any], lots: Sequence[Row[Any]], holds: Sequence[Row[Any]], where: str) -> None:
        """What waits is what becomes available at `next_release` or later: that instant is one of the dates."""
        waits = [one for one in lots if one.available_at is not None and one.available_at >= row.next_release]
        if sum(one.remaining for one in waits) != row.pending:
            self.find(where, f"pending is {row.pending}, its lots give {sum(one.remaining for one in waits)}")
        soonest = min([one.available_at for one in waits] + [one.expires_at for one in holds], default=NEVER)
        if row.next_release != soonest:
            self.find(where, f"next_release is {row.next_release}, its lots and holds give {soonest}")
        if sum(one.remaining for one in lots) - row.arrears != self.balance:
            self.find(where, "its open lots, less the arrears, do not add up to its balance")

    def _hold(self, row: Row[Any], one: Row[Any]) -> None:
        """A hold's row follows from its posting, from the one that ended it, and from its redemption."""
        entry, ended, spent = (by.get(one.entry_id) for by in (self.entries, self.returned, self.settled))
        where = f"account {self.account_id}, hold {one.id}"
        if entry is None or entry.kind != "hold":
            self.find(where, f"its entry {one.entry_id} holds nothing")
            return
        expected = {
            "member_id": row.member_id,
            "points": -entry.points,
            "amount": entry.amount,
            "merchant": entry.merchant,
            "created_at": entry.transaction_date,
            "expires_at": entry.expires_at,
            "processed_at": None if ended is None else ended.transaction_date,
            "settled_points": None if spent is None else -spent.points,
            "external_reference": one.external_reference if spent is None else spent.external_reference,
        }
        for name, value in expected.items():
            if getattr(one, name) != value:
                self.find(where, f"{name} is {getattr(one, name)}, its postings give {value}")
        if one.status not in _HOLD_STATUSES[ended is not None, spent is not None]:
            self.find(where, f"status {one.status} does not follow from its postings")

    def _lot(self, lot_id: int, stored: Row[Any] | None) -> None:
        where = f"account {self.account_id}, lot {lot_id}"
        expected = self.lots.get(lot_id)
        if stored is None or expected is None:
            self.find(where, "has no row" if stored is None else "has no trace")
            return
        for name in ("entry_id", "earned_at", "points", "remaining", "expires_at", "available_at"):
            if getattr(stored, name) != getattr(expected, name):
                told = f"{name} is {getattr(stored, name)}, its traces give {getattr(expected, name)}"
                self.find(where, told)


def _shown(value: Any) -> str:
    return value.hex()[:16] if isinstance(value, bytes) else str(value)


def posting_of_row(row: Row[Any], traces: Sequence[Row[Any]]) -> Posting:
    return Posting(
        program_id=row.program_id,
        entry_id=row.id,
        account_id=row.account_id,
        seq=row.seq,
        kind=row.kind,
        contra=row.contra,
        bucket=row.bucket,
        points=row.points,
        balance_after=row.balance_after,
        loyalty_txn_type=row.loyalty_txn_type,
        external_reference=row.external_reference,
        transaction_date=row.transaction_date,
        processed_at=row.processed_at,
        expires_at=row.expires_at,
        merchant=row.merchant,
        amount=row.amount,
        narration=row.narration,
        detail=row.detail,
        config_version=row.config_version,
        source=row.source,
        actor=row.actor,
        transaction_ref=row.transaction_ref,
        reverses_id=row.reverses_id,
        traces=tuple(
            Trace(
                lot_id=one.lot_id,
                points=one.points,
                expires_at=one.expires_at,
                available_at=one.available_at,
                earned_at=one.earned_at,
            )
            for one in traces
        ),
        arrears=row.arrears,
        related_id=row.related_id,
    )
