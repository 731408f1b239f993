"""What an item of the catalogue costs a member, and whether the member may order it. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.catalog_errors import CatalogItemClosed, NotEligible, OrderLimitReached, OutOfStock
from domain.catalog_terms import CatalogItem, LimitPeriod
from domain.errors import BelowMinimum, HeldForReview, InsufficientPoints, TesseraError
from domain.points import EXACT, round_half_up, to_minor
from domain.program_zone import end_of, local_date, start_of_day, to_instant

Refusal = type[TesseraError] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """What of a member decides on its orders. `ordered`: orders of the item in its period that stand.

    `available` in smallest units. `redemptions`: those of the program's day.
    """

    available: int
    tier: str | None
    segments: Collection[str]
    ordered: int
    redemptions: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What the program says to every redemption; points in smallest units."""

    minimum: int = 0
    most_points: int | None = None
    most_a_day: int | None = None


def price_of(item: CatalogItem, rate: Decimal, places: int) -> int:
    """What an item costs, in smallest units: its points, or its money at `rate` points for a unit, rounded half up.

    ValueError where that is not exact, or beyond what may be posted.
    """
    if item.money is None:
        return to_minor(item.points or Decimal(0), places)
    return round_half_up(EXACT.multiply(item.money, rate), places)[0]


def is_open(item: CatalogItem, now: datetime, zone: ZoneInfo) -> bool:
    """Whether an item is on offer at an instant."""
    begun = item.valid_from is None or to_instant(item.valid_from, zone) <= now
    return item.enabled and begun and (item.valid_to is None or now < end_of(item.valid_to, zone))


def is_for(item: CatalogItem, tier: str | None, segments: Collection[str]) -> bool:
    """Whether an item is for members of this tier and these segments."""
    return (not item.tiers or tier in item.tiers) and (not item.segments or not set(segments).isdisjoint(item.segments))


def refusal_to_order(
    item: CatalogItem,
    price: int,
    customer: Customer,
    terms: Terms,
    *,
    stock: int | None,
    now: datetime,
    zone: ZoneInfo,
) -> Refusal:
    """What keeps a member from ordering an item now, if anything. `stock`: what is left of it, None for any number."""
    if not is_open(item, now, zone):
        return CatalogItemClosed
    if not is_for(item, customer.tier, customer.segments):
        return NotEligible
    if item.limit is not None and customer.ordered >= item.limit:
        return OrderLimitReached
    if stock is not None and stock < 1:
        return OutOfStock
    if price < terms.minimum:
        return BelowMinimum
    is_much = terms.most_points is not None and price > terms.most_points
    if is_much or (terms.most_a_day is not None and customer.redemptions >= terms.most_a_day):
        return HeldForReview
    return InsufficientPoints if customer.available < price else None


def period_start(period: LimitPeriod, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The first instant of the period that `now` is in, on the program's clocks; None: there is no beginning."""
    day = local_date(now, zone)
    first = {"day": day, "month": day.replace(day=1), "year": date(day.year, 1, 1)}.get(period)
    return None if first is None else start_of_day(first, zone)
