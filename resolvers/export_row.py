"""Rows of exports, kind by kind: what is known of some members, or of some events, at the instant of the read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from sqlalchemy import Connection

from domain.clock import NEVER
from domain.crypto import reveal
from domain.ledger.posting import ADJUSTMENT, BONUS, PARTNER, PURCHASED, SPEND, Lot
from domain.member import Member
from domain.points import from_minor
from domain.program_zone import local_instant
from domain.store.balance import expiry_dates, read_figures
from domain.store.entry import find_entries
from domain.store.export_source import PeriodSums, arrears_of, load_transactions, open_lots_of, sum_arrears, sum_lots
from domain.store.feed import StoredEvent
from domain.store.member import find_members
from domain.store.program import ProgramState
from domain.store.sub_relation import page_of_members
from domain.sub_relation import SubRelation
from resolvers.balance import Balance, balance_of
from resolvers.batch_record import Batch
from resolvers.context import Context
from resolvers.entry import LedgerEntry

MONTHS_APART = 36
"""So many months, this one included, are told apart by the liability."""
_MOST_LINKS = 10_000
"""Links of one member: more than anybody has."""


@dataclass(frozen=True, slots=True)
class ExportedLink:
    """A sub-relation of a member."""

    reference: str
    link: SubRelation


@dataclass(frozen=True, slots=True)
class ExportedPosting:
    """A posting with its number in the feed. `transaction` is what was submitted, None: it is no purchase's.

    `note` None: there is none, or it is not for the reader of the file.
    """

    seq: int
    entry: LedgerEntry
    transaction: Any
    note: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedLot:
    """What is left in a lot, or, where `points` are negative, what an account owes.

    `type` is the `LoyaltyTxnType` of its bucket, `key` is its own for ever. `expires_at` None: never.
    """

    reference: str
    points: Decimal
    type: int
    earned_at: datetime | None
    available_at: datetime | None
    expires_at: datetime | None
    note: str | None
    key: str


@dataclass(frozen=True, slots=True)
class ExportedBalance:
    """The figures of a member."""

    reference: str
    balance: Balance


@dataclass(frozen=True, slots=True)
class ExportedDate:
    """Points of a member that expire at one instant; `held` of them more are on hold."""

    reference: str
    expires_at: datetime
    points: Decimal
    held: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedLiability:
    """What is left, over all members, of points with expiry dates in a month, and their worth in money.

    `month` is `2026-12`, or LATER, NEVER or ARREARS, where `points` are negative. `pending` is part of `points`, `held`
    is not.
    """

    month: str
    points: Decimal
    pending: Decimal
    held: Decimal
    worth: Decimal
    currency: str


ExportRow: TypeAlias = (
    Member | ExportedLink | ExportedPosting | ExportedLot | ExportedBalance | ExportedDate | ExportedLiability | Batch
)
Rows: TypeAlias = tuple[Sequence[ExportRow], int]
"""Rows, and how many that cannot stand in a file were left out."""

TYPES: Mapping[str, int] = {"spend": SPEND, "bonus": BONUS, "partner": PARTNER, "purchased": PURCHASED}
"""What the points of a bucket come back in as; those of the others are adjustments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One read for an export in its database transaction. `personal`: what is about the person may be told."""

    tx: Connection
    ctx: Context
    state: ProgramState
    now: datetime
    personal: bool

    def members(self, references: Mapping[int, str]) -> Rows:
        """Profiles."""
        found = find_members(self.tx, self.ctx.services.keys, self.state.id, ids=list(references))
        by_id = {one.member.id: one.member for one in found}
        return [by_id[one] for one in references if one in by_id], 0

    def links(self, references: Mapping[int, str]) -> Rows:
        """Links, oldest first; of a payment card that stands alone nothing is stored that could be told."""
        found = page_of_members(self.tx, self.state.id, list(references), first=_MOST_LINKS, after_id=None)
        rows: dict[int, list[ExportRow]] = {one: [] for one in references}
        left_out = 0
        for link in found:
            if link.card_hash is not None and link.card_number is None:
                left_out += 1
            else:
                rows[link.member_id].append(ExportedLink(references[link.member_id], link))
        return [row for own in rows.values() for row in own], left_out

    def lots(self, references: Mapping[int, str]) -> Rows:
        """What is left in each open lot, soonest expiry first, then what the account owes."""
        lots = open_lots_of(self.tx, self.state.id, list(references))
        arrears = arrears_of(self.tx, self.state.id, list(references))
        rows: list[ExportRow] = []
        for member_id, reference in references.items():
            rows += [self._lot(reference, *one) for one in lots[member_id] if one[0].expires_at > self.now]
            if member_id in arrears:
                rows.append(self._arrears(reference, member_id, arrears[member_id]))
        return rows, 0

    def _lot(self, reference: str, lot: Lot, posting: Any) -> ExportedLot:
        note = reveal(self.ctx.services.keys, posting.data_key, posting.narration) if self.personal else None
        return ExportedLot(
            reference=reference,
            points=from_minor(lot.remaining, self.state.places),
            type=TYPES.get(posting.bucket, ADJUSTMENT),
            earned_at=lot.earned_at,
            available_at=lot.available_at,
            expires_at=None if lot.expires_at >= NEVER else lot.expires_at,
            note=note,
            key=self._key("lot", lot.id),
        )

    def _arrears(self, reference: str, member_id: int, points: int) -> ExportedLot:
        return ExportedLot(
            reference=reference,
            points=from_minor(-points, self.state.places),
            type=ADJUSTMENT,
            # As whoever reads it in: the same arrears are told by the same row.
            earned_at=None,
            available_at=None,
            expires_at=None,
            note=None,
            key=self._key("arrears", member_id),
        )

    def _key(self, kind: str, number: int | None) -> str:
        return f"{kind}-{self.state.public_id}-{self.state.environment}-{number}"

    def balances(self, references: Mapping[int, str]) -> Rows:
        """Figures, what is due left out."""
        figures = read_figures(self.tx, self.state.id, list(references), self.now)
        by_member = {one.member_id: balance_of(one, self.state) for one in figures}
        return [ExportedBalance(reference, by_member[one]) for one, reference in references.items()], 0

    def dates(self, references: Mapping[int, str]) -> Rows:
        """What is still to expire, soonest first."""
        start, places = self.now + timedelta(microseconds=1), self.state.places
        rows: dict[int, list[ExportRow]] = {one: [] for one in references}
        for due in expiry_dates(self.tx, self.state.id, list(references), start, NEVER, self.now):
            if due.remaining or due.held:
                left, held = from_minor(due.remaining, places), from_minor(due.held, places)
                reference = references[due.member_id]
                rows[due.member_id].append(ExportedDate(reference, due.expires_at, left, held))
        return [row for own in rows.values() for row in own], 0

    def liability(self) -> Rows:
        """What all members' points are worth, by the month in which they expire; months without any are left out."""
        first = self.now.astimezone(self.state.zone).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=None
        )
        starts = [_months_later(first, number) for number in range(MONTHS_APART + 1)]
        bounds = [*(local_instant(one, self.state.zone) for one in starts[1:]), NEVER - timedelta(microseconds=1)]
        names = [*(f"{one:%Y-%m}" for one in starts[:-1]), "LATER", "NEVER"]
        sums = sum_lots(self.tx, self.state.id, bounds, self.now)
        rows = [self._worth(*one) for one in zip(names, sums, strict=True) if one[1].left or one[1].held]
        if arrears := sum_arrears(self.tx, self.state.id):
            rows.append(self._worth("ARREARS", PeriodSums(left=-arrears, pending=0, held=0)))
        return rows, 0

    def _worth(self, month: str, sums: PeriodSums) -> ExportedLiability:
        points, pending, held = (from_minor(one, self.state.places) for one in (sums.left, sums.pending, sums.held))
        return ExportedLiability(
            month=month,
            points=points,
            pending=pending,
            held=held,
            worth=self.state.terms.worth(points),
            currency=self.state.terms.currency,
        )

    def postings(self, events: Sequence[StoredEvent]) -> Rows:
        """The postings that events are about, in the order of the events."""
        numbers = {one.seq: entry_id for one in events if (entry_id := one.told.get("entry_id")) is not None}
        entries = {one.id: one for one in find_entries(self.tx, self.state.id, list(numbers.values()))}
        submitted = {one.transaction_ref for one in entries.values() if one.transaction_ref is not None}
        transactions = load_transactions(self.tx, self.state.id, sorted(submitted))
        rows = []
        for seq, entry_id in numbers.items():
            stored = entries[entry_id]
            entry = LedgerEntry(stored, self.state, self.ctx.services.keys)
            note = entry.note if self.personal else None
            submission = None if stored.transaction_ref is None else transactions.get(stored.transaction_ref)
            rows.append(ExportedPosting(seq, entry, submission, note))
        return rows, 0


def _months_later(first: datetime, months: int) -> datetime:
    """The first of the month that is so many after another's first."""
    number = first.year * 12 + first.month - 1 + months
    return first.replace(year=number // 12, month=number % 12 + 1)
