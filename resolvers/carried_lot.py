"""What is left in a lot of another Tessera, as it is posted here: neither rules nor tiers make anything of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.clock import NEVER
from domain.ledger.account import Account
from domain.ledger.posting import (
    ADJUSTMENT,
    BONUS,
    PARTNER,
    PURCHASED,
    SPEND,
    Bucket,
    Draft,
    Kind,
    expiry_of,
    new_lot,
)

CARRIED: Mapping[int, tuple[Kind, Bucket]] = {
    SPEND: ("bonus", "spend"),
    BONUS: ("bonus", "bonus"),
    PARTNER: ("bonus", "partner"),
    PURCHASED: ("bonus", "purchased"),
    ADJUSTMENT: ("adjustment", "other"),
}
"""The kind and the bucket of what is carried over, by type."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CarriedTerms:
    """The terms of an open lot of another Tessera, as they were there. `expires_at` None: never."""

    expires_at: datetime | None
    available_at: datetime | None = None

    @property
    def told(self) -> tuple[datetime | None, ...]:
        """What of them a key stands for."""
        return self.expires_at, self.available_at


def post_carried(
    account: Account,
    terms: CarriedTerms,
    *,
    points: int,
    type: int,
    earned_at: datetime,
    narration: bytes | None,
    source: str | None,
    now: datetime,
) -> Draft:
    """Post a lot with what is left in it; with negative points what the account owed, of which no lot has anything.

    Raises InvalidRequest (no room).
    """
    kind, bucket = CARRIED[type]
    moves = [new_lot(points, earned_at, terms.expires_at or NEVER, terms.available_at)] if points > 0 else []
    draft = Draft(
        kind=kind if moves else "adjustment",
        bucket=bucket if moves else "redeem",
        points=points,
        loyalty_txn_type=type if moves else ADJUSTMENT,
        transaction_date=earned_at,
        moves=moves,
        expires_at=expiry_of(moves),
        narration=narration,
        source=source,
        arrears=0 if moves else points,
    )
    return account.credit(draft, now) if moves else account.post(draft)
