"""Purchases as refunds see them, and refunds that wait for theirs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import orjson

from domain.ledger.posting import Bucket, Draft, Lot
from domain.ledger.refund import is_taken_back, share
from domain.store.transaction import StoredTransaction
from resolvers.fact import Counted

_ONE = Decimal(1)


@dataclass(slots=True, kw_only=True)
class Award:
    """What one rule group gave for a purchase: stored already, or a draft of this run."""

    earning: Draft | int
    group: str
    bucket: Bucket
    loyalty_txn_type: int
    points: int
    lots: Sequence[Lot]


@dataclass(slots=True, kw_only=True)
class Purchase:
    """A `DR` that refunds may take back: stored already, or of this run."""

    amount: Decimal
    at: datetime
    awards: Sequence[Award]
    refunded: Decimal = Decimal(0)
    stored: StoredTransaction | None = None
    counted: Counted | None = None

    @property
    def lots(self) -> list[Lot]:
        """Every lot that it made, whichever rule group gave it: a refund takes them before any other."""
        return [lot for award in self.awards for lot in award.lots]

    @property
    def whole(self) -> Decimal:
        """What counts as all of it: a purchase of nothing is refunded at once by any refund."""
        return self.amount or _ONE

    def has_lost(self, award: Award) -> bool:
        """Whether refunds took all that a rule group gave."""
        return is_taken_back(award.points, self.amount, self.refunded)

    def taken_by(self, part: Decimal) -> dict[str, int]:
        """What a refund of this part takes back next, by rule group."""
        points: dict[str, int] = {}
        for award in self.awards:
            taken = share(award.points, self.whole, self.refunded, part)
            points[award.group] = points.get(award.group, 0) + taken
        return points


@dataclass(slots=True, kw_only=True)
class Waiting:
    """A refund that waits for its purchase: parked in the database, or of this run."""

    amount: Decimal
    dated: datetime
    stored: StoredTransaction | None = None
    drafts: list[Draft] = field(default_factory=list)
    is_parked: bool = True


def parts_of(purchases: Iterable[Purchase], amount: Decimal) -> Iterator[tuple[Purchase, Decimal]]:
    """How a refund is spread over purchases, oldest first; what is over is nobody's."""
    left = amount
    for one in purchases:
        rest = one.whole - one.refunded
        part = min(rest, left) if one.amount else rest
        left -= part if one.amount else 0
        yield one, part


def group_of(detail: str | None) -> str:
    """The rule group that an earning is of."""
    return str(orjson.loads(detail).get("group", "")) if detail else ""
