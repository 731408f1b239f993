"""The catalogue: what members order for points."""

from datetime import datetime
from decimal import Decimal
from enum import Enum

import strawberry

from domain.access import PrincipalKind
from domain.store.voucher import PoolFigures
from resolvers.catalog import MemberOffer, Offer
from resolvers.fulfilment_partner import Partner
from schema.context import RequestContext
from schema.scalar import Points


@strawberry.enum(description="What an item of the catalogue is.")
class CatalogKind(Enum):
    VOUCHER = strawberry.enum_value("voucher", description="A voucher.")
    GIFT_CARD = strawberry.enum_value("gift_card", description="A gift card.")
    CODE_POOL = strawberry.enum_value("code_pool", description="A code of a pool.")
    DONATION = strawberry.enum_value("donation", description="A donation.")
    MERCHANDISE = strawberry.enum_value("merchandise", description="A thing.")
    CASHBACK = strawberry.enum_value("cashback", description="Money.")


@strawberry.enum(description="How orders of an item are fulfilled.")
class Fulfilment(Enum):
    POOL = strawberry.enum_value("pool", description="By a voucher code of a pool, at once.")
    WEBHOOK = strawberry.enum_value("webhook", description="By a partner's server.")
    MANUAL = strawberry.enum_value("manual", description="By hand.")


@strawberry.enum(description="The period of a limit, on the program's clocks.")
class LimitPeriod(Enum):
    DAY = strawberry.enum_value("day", description="The day.")
    MONTH = strawberry.enum_value("month", description="The month.")
    YEAR = strawberry.enum_value("year", description="The year.")
    LIFETIME = strawberry.enum_value("lifetime", description="All of the member's life.")


@strawberry.type(description="What an item is to a member now.")
class CatalogOffer:
    affordable: bool = strawberry.field(description="Whether the available points are enough.")
    missing: Points = strawberry.field(description="What is missing to the price, 0 where it is affordable.")
    ordered: int = strawberry.field(
        description="How many orders the member has of it in the period of its limit; 0 where it has no limit."
    )
    refusal: str | None = strawberry.field(
        description="The `reason` with which `orderPlace` would refuse it now; null: it would not."
    )


@strawberry.type(description="An item of the catalogue.")
class CatalogItem:
    code: str = strawberry.field(description="Its code, unique in the program: what is ordered by it.")
    name: str = strawberry.field(description="Its name.")
    description: str | None = strawberry.field(description="A longer text.")
    kind: CatalogKind = strawberry.field(description="What it is.")
    points: Points = strawberry.field(description="What it costs.")
    amount: Decimal | None = strawberry.field(
        description="The money that its price comes from, in the program's currency; null where that is in points."
    )
    in_stock: bool = strawberry.field(description="Whether anything is left of it.")
    stock: int | None = strawberry.field(
        description="How much is left; null where there is any number of it, and with a member's token."
    )
    low_stock: bool = strawberry.field(description="Whether there is little left of it, by its `low_stock`.")
    limit: int | None = strawberry.field(description="Most orders of a member in the period; null: any number.")
    limit_period: LimitPeriod = strawberry.field(description="The period of the limit.")
    valid_from: datetime | None = strawberry.field(description="The first instant at which it is on offer.")
    valid_until: datetime | None = strawberry.field(description="The first instant at which it is so no longer.")
    is_open: bool = strawberry.field(description="Whether it is on offer at the instant of the request.")
    offer: CatalogOffer | None = strawberry.field(
        description="What it is to the member that is asked for, or whose token it is; null where there is none."
    )
    tiers: list[str] | None = strawberry.field(
        description="Whose members may order it; none: all. Null with a member's token, as what follows."
    )
    segments: list[str] | None = strawberry.field(description="Who may order it; none: all members.")
    fulfilment: Fulfilment | None = strawberry.field(description="How orders are fulfilled.")
    pool: str | None = strawberry.field(description="With a pool: whose codes are given.")
    partner: str | None = strawberry.field(description="With a webhook: which partner fulfils.")
    answer_days: int | None = strawberry.field(description="After how many days without an answer an order fails.")
    enabled: bool | None = strawberry.field(description="Whether it is switched on.")


@strawberry.type(description="A pool of voucher codes. Codes themselves are told by `orderCode` alone.")
class VoucherPool:
    pool: str = strawberry.field(description="Its name.")
    free: int = strawberry.field(description="How many codes can be given.")
    given: int = strawberry.field(description="How many were given.")
    withdrawn: int = strawberry.field(description="How many were withdrawn.")
    expired: int = strawberry.field(description="How many lapsed before they were given.")


@strawberry.type(description="A partner who fulfils orders. Its secret is shown once, when it is made.")
class FulfilmentPartner:
    name: str = strawberry.field(description="Its name in the program.")
    url: str = strawberry.field(description="Where orders are posted to.")
    enabled: bool = strawberry.field(description="Whether orders are posted; where not, they wait.")


def to_catalog_item(row: Offer, context: RequestContext) -> CatalogItem:
    """An item as callers see it."""
    item, is_told = row.item, context.ctx.principal.kind is not PrincipalKind.MEMBER
    return CatalogItem(
        code=item.code,
        name=item.name,
        description=item.description,
        kind=CatalogKind(item.kind),
        points=Points(row.points),
        amount=item.money,
        in_stock=row.in_stock,
        stock=row.stock,
        low_stock=row.is_low,
        limit=item.limit,
        limit_period=LimitPeriod(item.limit_period),
        valid_from=context.local_or_none(row.opens_at),
        valid_until=context.local_or_none(row.closes_at),
        is_open=row.is_open,
        offer=None if row.member is None else _offer(row.member),
        tiers=list(item.tiers) if is_told else None,
        segments=list(item.segments) if is_told else None,
        fulfilment=Fulfilment(item.fulfilment) if is_told else None,
        pool=item.pool_name if is_told and item.fulfilment == "pool" else None,
        partner=item.partner if is_told else None,
        answer_days=item.answer_days if is_told else None,
        enabled=item.enabled if is_told else None,
    )


def to_pool(row: PoolFigures) -> VoucherPool:
    """A pool as callers see it."""
    return VoucherPool(pool=row.pool, free=row.free, given=row.given, withdrawn=row.withdrawn, expired=row.expired)


def to_partner(row: Partner) -> FulfilmentPartner:
    """A partner as callers see it."""
    return FulfilmentPartner(name=row.name, url=row.url, enabled=row.enabled)


def _offer(row: MemberOffer) -> CatalogOffer:
    return CatalogOffer(
        affordable=row.affordable, missing=Points(row.missing), ordered=row.ordered, refusal=row.refusal
    )
