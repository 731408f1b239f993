"""Members with a past, as rows: what the product itself would have written, made without it.

Every figure, trace and hash is real, so that `tessera ledger verify` holds before a run and after it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.clock import NEVER
from domain.crypto import KeyRing, encrypt
from domain.ledger.chain import GENESIS, Posting, Trace, entry_hash
from domain.member import ACTIVE
from domain.models import account, ledger_entry, lot, lot_trace, member, member_transaction
from domain.models.types import to_json

LOT_POINTS = 1000
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
LIFE = timedelta(days=3650)
"""Long enough that nothing falls due while we measure."""

TABLES = (member, account, member_transaction, ledger_entry, lot, lot_trace)
"""In the order in which their rows refer to each other."""

_STEP = timedelta(seconds=1)
_PROFILE = to_json(
    dict.fromkeys(("full_name", "email_id", "mobile_number", "gender", "address", "dob")) | {"attributes": {}}
)

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """What a member has been through: lots earned and redeemed again, and lots that are open still."""

    reference: str
    open_lots: int = 6
    spent_lots: int = 0
    lot_points: int = LOT_POINTS


@dataclass(slots=True)
class Population:
    """Turns pasts into rows of each table; ids go on from one past to the next."""

    program_id: int
    config_version: int
    keys: KeyRing
    members: int = 0
    entries: int = 0
    lots: int = 0
    rows: dict[str, list[Row]] = field(default_factory=lambda: {table.name: [] for table in TABLES})

    def add(self, past: Past) -> None:
        """Add the rows of one member."""
        self.members += 1
        self._add_member(past.reference)
        book = _Book(self, past.lot_points)
        for _ in range(past.spent_lots):
            book.earn(is_open=False)
            book.redeem()
        for _ in range(past.open_lots):
            book.earn(is_open=True)
        book.close()

    def portions(self, pasts: Iterable[Past], entries: int = 20_000) -> Iterator[dict[str, list[Row]]]:
        """The rows of all members by table, in portions that fit into memory."""
        for past in pasts:
            self.add(past)
            if len(self.rows[ledger_entry.name]) >= entries:
                yield self._taken()
        yield self._taken()

    def _taken(self) -> dict[str, list[Row]]:
        taken, self.rows = self.rows, {table.name: [] for table in TABLES}
        return taken

    def _add_member(self, reference: str) -> None:
        [(key, wrapped)] = self.keys.new_data_keys(1)
        profile = encrypt(key, _PROFILE)
        self.rows["member"].append(
            (self.program_id, self.members, reference, ACTIVE, True, None, wrapped, profile)
            # Neither e-mail nor mobile number, no attributes of the program's own, never logged in, not erased.
            + (None, None, {}, FIRST_DAY, FIRST_DAY, None, None, 1)
            # No tier, no referral, not merged.
            + (None,) * 7
        )


@dataclass(slots=True)
class _Book:
    """One account while its past is written."""

    population: Population
    lot_points: int
    seq: int = 0
    available: int = 0
    earned: int = 0
    head: bytes = GENESIS
    next_expiry: datetime = NEVER
    last_lot: int = 0

    def earn(self, *, is_open: bool) -> None:
        """A purchase, the credit for it, and the credit's lot; purchases and lots share their numbers."""
        people = self.population
        people.lots += 1
        self.last_lot = people.lots
        now = FIRST_DAY + self.seq * _STEP
        number = f"T-{people.lots}"
        people.rows["member_transaction"].append(
            (people.program_id, people.lots, people.members, number, number, "DR", Decimal(self.lot_points), now)
            + (None, None, {}, self.lot_points, people.config_version, "bench", "bench", now, "POSTED", Decimal(0))
        )
        expires_at = now + LIFE
        entry_id = self._post("earn", "issued", "spend", self.lot_points, 1, now, expires_at, expires_at)
        left = self.lot_points if is_open else 0
        people.rows["lot"].append(
            (people.program_id, people.lots, people.members, entry_id, now, expires_at, self.lot_points, left, is_open)
            + (None,)
        )
        self.earned += self.lot_points
        if is_open:
            self.next_expiry = min(self.next_expiry, expires_at)

    def redeem(self) -> None:
        """A redemption of the whole lot that was earned last."""
        now = FIRST_DAY + self.seq * _STEP
        lot_expiry = now - _STEP + LIFE
        self._post("redemption", "redeemed", "redeem", -self.lot_points, 30, now, None, lot_expiry)

    def close(self) -> None:
        """The account row."""
        people = self.population
        redeemed = self.earned - self.available
        people.rows["account"].append(
            (people.program_id, people.members, people.members, "DEFAULT", self.seq, self.available)
            + (self.earned, 0, redeemed, 0, self.next_expiry, self.head)
            # Nothing pending, held or in arrears, and no other buckets.
            + (0, 0, 0, 0, 0, 0, NEVER)
        )

    def _post(
        self,
        kind: str,
        contra: str,
        bucket: str,
        points: int,
        txn_type: int,
        now: datetime,
        expires_at: datetime | None,
        lot_expiry: datetime,
    ) -> int:
        people = self.population
        people.entries += 1
        self.seq += 1
        self.available += points
        posting = Posting(
            program_id=people.program_id,
            entry_id=people.entries,
            account_id=people.members,
            seq=self.seq,
            kind=kind,
            contra=contra,
            bucket=bucket,
            points=points,
            balance_after=self.available,
            loyalty_txn_type=txn_type,
            # A number in place of randomness: the loader is as fast as its slowest line.
            external_reference=UUID(int=people.entries | 4 << 76 | 2 << 62),
            transaction_date=now,
            processed_at=now,
            expires_at=expires_at,
            merchant=None,
            amount=None,
            narration=None,
            detail=None,
            config_version=people.config_version,
            source="bench",
            actor="bench",
            transaction_ref=self.last_lot if kind == "earn" else None,
            reverses_id=None,
            traces=(Trace(lot_id=self.last_lot, points=points, expires_at=lot_expiry),),
        )
        self.head = entry_hash(self.head, posting)
        people.rows["ledger_entry"].append(_entry_row(posting, self.head))
        people.rows["lot_trace"].append(
            (people.program_id, posting.entry_id, self.last_lot, points, lot_expiry, None, None),
        )
        return posting.entry_id


def _entry_row(posting: Posting, digest: bytes) -> Row:
    """The columns of `ledger_entry` in their order, which is that of the posting."""
    return (
        posting.program_id,
        posting.entry_id,
        posting.account_id,
        posting.seq,
        posting.kind,
        posting.contra,
        posting.bucket,
        posting.points,
        posting.balance_after,
        posting.loyalty_txn_type,
        posting.external_reference,
        posting.transaction_date,
        posting.processed_at,
        posting.expires_at,
        posting.merchant,
        posting.amount,
        posting.narration,
        posting.detail,
        posting.config_version,
        posting.source,
        posting.actor,
        posting.transaction_ref,
        posting.reverses_id,
        digest,
        posting.arrears,
        posting.related_id,
    )
