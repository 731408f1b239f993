"""A ledger posting as callers see it: its category, its words, its points."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from domain.clock import NEVER
from domain.crypto import KeyRing, reveal
from domain.ledger.posting import (
    ADJUSTMENT,
    BONUS,
    EXPIRY,
    HOLD,
    PARTNER,
    PENDING,
    PURCHASED,
    REVERSAL,
    SPEND,
    TRANSFER_IN,
    TRANSFER_OUT,
    Lot,
)
from domain.points import from_minor
from domain.rules.explanation import Explanation, explain
from domain.store.entry import StoredEntry
from domain.store.program import ProgramState

CATEGORY_ORDER = (
    "Spend",
    "Bonus",
    "Partner",
    "Purchased",
    "Transfer",
    "Redeem",
    "Reversal",
    "Held",
    "Expired",
    "Adjustment",
)
"""The categories of the categorised statement, in the order of its rows."""

RESERVED_TYPES = frozenset(
    {
        SPEND,
        BONUS,
        TRANSFER_IN,
        TRANSFER_OUT,
        ADJUSTMENT,
        EXPIRY,
        REVERSAL,
        PARTNER,
        PURCHASED,
        PENDING,
        HOLD,
    }
)
"""`LoyaltyTxnType`s of the statement map that are not redemptions (`docs/statements.md`)."""


class LedgerEntry(NamedTuple):
    """One posting, the `sequence`-th of its account; a tuple, because pages of them are made all the time.

    `points` is signed; `expires_at` None: does not expire; `is_active` False: reversed.

    `note` is the free text that came with it (the narration of a transfer or bonus, the reason of an
    adjustment), None where there was none or the member was erased; `narration` is that or a sentence of ours.
    `related_id`: the other side of a transfer, the earning of a refund, the hold of a settled redemption.
    """

    id: int
    sequence: int
    member_id: int
    relation_reference: str
    kind: str
    bucket: str
    category: str
    points: Decimal
    balance_after: Decimal
    loyalty_txn_type: int
    external_reference: UUID
    transaction_date: datetime
    processed_at: datetime
    expires_at: datetime | None
    merchant: str | None
    amount: Decimal | None
    narration: str
    note: str | None
    detail: Mapping[str, Any]
    config_version: int
    reverses_id: int | None
    related_id: int | None
    transaction_row_id: int | None
    is_active: bool

    @property
    def explanation(self) -> Explanation | None:
        """Why it has its points; None where nothing beside the posting itself says so."""
        return explain(self.detail, self.config_version)


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryLot:
    """What a credit made, less what repaid arrears. `expires_at` None: never; `available_at` None: from the start."""

    points: Decimal
    expires_at: datetime | None
    available_at: datetime | None


def entry_lot(lot: Lot, state: ProgramState) -> EntryLot:
    """A lot as callers see it."""
    return EntryLot(
        points=from_minor(lot.points, state.places),
        expires_at=None if lot.expires_at >= NEVER else lot.expires_at,
        available_at=lot.available_at,
    )


def category_of(kind: str, bucket: str) -> str:
    """The row of the categorised statement that a posting counts in."""
    return _CATEGORIES.get(kind) or bucket.capitalize()


_CATEGORIES = {
    "redemption": "Redeem",
    "reversal": "Reversal",
    "expiry": "Expired",
    "hold": "Held",
    "release": "Held",
    "transfer": "Transfer",
    "adjustment": "Adjustment",
}
"""What is not a credit of a bucket, or the refund of one."""


def known_types(state: ProgramState) -> frozenset[int]:
    """Every `LoyaltyTxnType` that a statement of the program may be narrowed to."""
    return RESERVED_TYPES | frozenset(state.terms.redemption_types)


def entry_of(stored: StoredEntry, state: ProgramState, keys: KeyRing) -> LedgerEntry:
    """A stored posting in points and words."""
    note = reveal(keys, stored.data_key, stored.narration)
    detail = orjson.loads(stored.detail) if stored.detail else {}
    return LedgerEntry(
        id=stored.id,
        sequence=stored.seq,
        member_id=stored.member_id,
        relation_reference=stored.relation_reference,
        kind=stored.kind,
        bucket=stored.bucket,
        category=category_of(stored.kind, stored.bucket),
        points=from_minor(stored.points, state.places),
        balance_after=from_minor(stored.balance_after, state.places),
        loyalty_txn_type=stored.loyalty_txn_type,
        external_reference=stored.external_reference,
        transaction_date=stored.transaction_date,
        processed_at=stored.processed_at,
        expires_at=stored.expires_at,
        merchant=stored.merchant,
        amount=stored.amount,
        narration=note or _narration(stored, detail, state),
        note=note,
        detail=detail,
        config_version=stored.config_version,
        reverses_id=stored.reverses_id,
        related_id=stored.related_id,
        transaction_row_id=stored.transaction_ref,
        is_active=stored.reversed_by is None,
    )


def _narration(stored: StoredEntry, detail: Mapping[str, Any], state: ProgramState) -> str:
    if stored.kind == "earn":
        group = detail.get("group", "Earned")
        # The rule of a campaign is named as the campaign is.
        said = {group, group.removeprefix("Campaign ")}
        rules = [one["rule"] for one in detail.get("rules", [])]
        more = "; ".join(rule for rule in rules if rule not in said)
        if not rules:
            return "Earned"
        return f"{group}: {more}" if more else str(group)
    if stored.kind == "redemption":
        return f"Redeemed: {state.terms.redemption_types.get(stored.loyalty_txn_type, 'redemption')}"
    if stored.kind == "transfer":
        return "Points transferred in" if stored.points > 0 else "Points transferred out"
    if "referral" in detail:
        return "Referral bonus"
    if stored.kind == "bonus" and "tier" in detail:
        return f"Bonus for the tier {detail['tier']}"
    return _NARRATIONS[stored.kind]


_NARRATIONS = {
    "bonus": "Bonus",
    "refund": "Purchase refunded",
    "reversal": "Redemption reversed",
    "expiry": "Points expired",
    "hold": "Points held",
    "release": "Hold released",
    "adjustment": "Adjusted",
}
