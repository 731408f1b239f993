"""What a program says about the things that members order for points: plain frozen values."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

ItemKind = Literal["voucher", "gift_card", "code_pool", "donation", "merchandise", "cashback"]
Fulfilment = Literal["pool", "webhook", "manual"]
LimitPeriod = Literal["day", "month", "year", "lifetime"]
StockPolicy = Literal["unlimited", "counted"]

TYPE_OF_KIND = {"donation": 19, "voucher": 30, "gift_card": 30, "code_pool": 30}
"""The published `LoyaltyTxnType` of what an order of a kind takes; other kinds have the program's default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogItem:
    """A thing that members order. It costs `points`, or the points that `money` is worth by the redemption rate.

    `pool`: of which voucher codes are given, None: that of its own code. `partner`: who fulfils by webhook. `limit`:
    orders of one member in the `limit_period`, None for any number; those that were reversed do not count.
    `valid_from` and `valid_to` are inclusive, as those of a rule. `tiers` and `segments`: a member is to have one of
    the tiers and be in one of the segments, where any are named. `answer_days`: an order that is not fulfilled by then
    fails, None: it waits. `low_stock`: so few pieces or codes are few.
    """

    code: str
    name: str
    kind: ItemKind
    fulfilment: Fulfilment
    points: Decimal | None = None
    money: Decimal | None = None
    description: str | None = None
    stock: StockPolicy = "unlimited"
    low_stock: int = 0
    pool: str | None = None
    partner: str | None = None
    limit: int | None = None
    limit_period: LimitPeriod = "lifetime"
    valid_from: date | datetime | None = None
    valid_to: date | datetime | None = None
    tiers: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    loyalty_txn_type: int | None = None
    answer_days: int | None = None
    enabled: bool = True

    @property
    def pool_name(self) -> str:
        """Of which pool its codes are."""
        return self.pool or self.code
