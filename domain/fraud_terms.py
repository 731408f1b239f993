"""What holds a transaction for review: thresholds on points and on how often, as a program sets them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from domain.points import to_minor

HoldAction = Literal["hold", "hold_excess"]
HoldWindow = Literal["day", "month"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EarningThreshold:
    """What an earning may have of a product code (None: of any) before it is held.

    `max_points` of one transaction, `max_transactions` of a member in the window of its date. Beyond
    `max_points` `hold_excess` holds the rest alone; too many transactions are always held whole.
    """

    product_code: str | None = None
    max_points: Decimal | None = None
    max_transactions: int | None = None
    per: HoldWindow = "day"
    action: HoldAction = "hold"


@dataclass(frozen=True, kw_only=True, slots=True)
class RedemptionThreshold:
    """What a redemption may have before it is refused for review: points of one, redemptions of a member in a day."""

    max_points: Decimal | None = None
    max_per_day: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FraudTerms:
    """All thresholds of a program; by default none."""

    earning: tuple[EarningThreshold, ...] = ()
    redemption: RedemptionThreshold = RedemptionThreshold()


Seen = tuple[str | None, date]
"""A transaction of a member before: its product code and its day on the program's clocks."""


def postable(
    thresholds: Iterable[EarningThreshold],
    *,
    product_code: str | None,
    day: date,
    points: int,
    places: int,
    before: Sequence[Seen],
) -> int | None:
    """How many of the points may be posted now, in smallest units: None all, 0 nothing of the transaction."""
    allowed: int | None = None
    for one in thresholds:
        if one.product_code not in {None, product_code}:
            continue
        if one.max_transactions is not None and _count(one, day, before) >= one.max_transactions:
            return 0
        if one.max_points is None:
            continue
        most = to_minor(one.max_points, places)
        if points > most:
            most = most if one.action == "hold_excess" else 0
            allowed = most if allowed is None else min(allowed, most)
    return allowed


def _count(threshold: EarningThreshold, day: date, before: Sequence[Seen]) -> int:
    """The transactions of the window that the threshold is about."""
    return sum(
        1
        for product_code, other in before
        if threshold.product_code in {None, product_code}
        and (other == day if threshold.per == "day" else (other.year, other.month) == (day.year, day.month))
    )
