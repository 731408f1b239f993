"""A ledger posting as callers see it: its category, its words, its points."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

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
    """One posting as it is stored, in points and words, which are worked out when they are looked at.

    Pages of them are made all the time, and most who ask look at little.
    """

    stored: StoredEntry
    state: ProgramState
    keys: KeyRing

    @property
    def category(self) -> str:
        """The row of the categorised statement that it counts in."""
        return category_of(self.stored.kind, self.stored.bucket)

    @property
    def points(self) -> Decimal:
        """Signed."""
        return from_minor(self.stored.points, self.state.places)

    @property
    def balance_after(self) -> Decimal:
        """Available and pending points right after it."""
        return from_minor(self.stored.balance_after, self.state.places)

    @property
    def is_active(self) -> bool:
        """False for a redemption that was reversed."""
        return self.stored.reversed_by is None

    @property
    def detail(self) -> Mapping[str, Any]:
        """How its points came about."""
        return orjson.loads(self.stored.detail) if self.stored.detail else {}

    @property
    def note(self) -> str | None:
        """The free text that came with it: the narration of a transfer or bonus, the reason of an adjustment.

        None where there was none, or the member was erased.
        """
        return reveal(self.keys, self.stored.data_key, self.stored.narration)

    @property
    def narration(self) -> str:
        """`note`, or a sentence of ours."""
        return self.note or _narration(self.stored, self.detail, self.state)

    @property
    def explanation(self) -> Explanation | None:
        """Why it has its points; None where nothing beside the posting itself says so."""
        return explain(self.detail, self.stored.config_version)


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
    if stored.kind == "redemption" and "item" in detail:
        return f"Ordered: {detail['item']}"
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
