"""Use cases that read the catalogue: the program's items, and what of them a member may order."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.catalog import Customer, Refusal, is_for, is_open, period_start, price_of, refusal_to_order
from domain.catalog_terms import CatalogItem
from domain.errors import BadRequest, Forbidden, MemberNotFound
from domain.member import Member
from domain.member_status import Operation, refusal_by_status
from domain.points import from_minor
from domain.program_zone import end_of, local_date, start_of_day, to_instant
from domain.store.catalog import read_stock
from domain.store.member import find_members
from domain.store.merge import merged_ids
from domain.store.order import count_orders, count_redemptions
from domain.store.program import ProgramState
from domain.store.voucher import count_free
from resolvers.balance import available_points
from resolvers.context import Context
from resolvers.order import redemption_terms
from resolvers.segment import memberships


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberOffer:
    """What an item is to a member now. `missing` points to its price; `refusal`: the reason why not, if any."""

    affordable: bool
    missing: Decimal
    ordered: int
    refusal: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """An item with its price. `stock`: what is left, None for any number, or, for members, never told.

    `position` is its place in the configuration. It is on offer from `opens_at` until before `closes_at`, None for no
    bound. `member`: None where nobody was named.
    """

    item: CatalogItem
    position: int
    points: Decimal
    in_stock: bool
    stock: int | None
    is_low: bool
    is_open: bool
    opens_at: datetime | None
    closes_at: datetime | None
    member: MemberOffer | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferPage:
    """Items in the order of the configuration."""

    offers: Sequence[Offer]
    has_more: bool


@dataclass(frozen=True, slots=True)
class _Shopper:
    """A member as the catalogue sees it."""

    member: Member
    available: int
    segments: Collection[str]


async def list_catalog(
    ctx: Context,
    *,
    relation_reference: str | None = None,
    kind: str | None = None,
    first: int,
    after: int | None = None,
) -> OfferPage:
    """A page of the catalogue behind the position `after`: of a member what is on offer and for it, else all items.

    Raises BadRequest, Forbidden, MemberNotFound.
    """
    reference, now = _whose(ctx, relation_reference), ctx.services.clock()

    def body(tx: Connection) -> OfferPage:
        state = ctx.program(tx)
        shopper = None if reference is None else _shopper(tx, ctx, state, reference, now)
        fitting = [
            (position, item)
            for position, item in enumerate(state.configuration.catalog)
            if (after is None or position > after)
            and kind in {None, item.kind}
            and (shopper is None or _is_shown(item, shopper, state, now))
        ]
        page = fitting[:first]
        return OfferPage(offers=_offers(tx, ctx, state, page, shopper, now), has_more=len(fitting) > len(page))

    return await ctx.read(body)


async def list_running_out(ctx: Context) -> Sequence[Offer]:
    """Items on offer of which few are left, or none, in the order of the configuration. Raises Forbidden."""
    if _whose(ctx, None) is not None:
        raise Forbidden("the token is bound to one member")
    now = ctx.services.clock()

    def body(tx: Connection) -> Sequence[Offer]:
        state = ctx.program(tx)
        bounded = [
            (position, item)
            for position, item in enumerate(state.configuration.catalog)
            if (item.stock == "counted" or item.fulfilment == "pool") and is_open(item, now, state.zone)
        ]
        return [one for one in _offers(tx, ctx, state, bounded, None, now) if one.is_low]

    return await ctx.read(body)


async def find_catalog_item(ctx: Context, code: str, relation_reference: str | None = None) -> Offer | None:
    """An item by its code; None where there is none, or it is not on offer to the member.

    Raises BadRequest, Forbidden, MemberNotFound.
    """
    reference, now = _whose(ctx, relation_reference), ctx.services.clock()

    def body(tx: Connection) -> Offer | None:
        state = ctx.program(tx)
        shopper = None if reference is None else _shopper(tx, ctx, state, reference, now)
        found = [(position, item) for position, item in enumerate(state.configuration.catalog) if item.code == code]
        if not found or (shopper is not None and not _is_shown(found[0][1], shopper, state, now)):
            return None
        return _offers(tx, ctx, state, found, shopper, now)[0]

    return await ctx.read(body)


def _whose(ctx: Context, given: str | None) -> str | None:
    ctx.principal.require(Permission.CATALOG_READ)
    reference = ctx.principal.member(given)
    if reference == "":
        raise BadRequest("RelationReference: is missing", field="relation_reference")
    return reference


def _shopper(tx: Connection, ctx: Context, state: ProgramState, reference: str, now: datetime) -> _Shopper:
    found = find_members(tx, ctx.services.keys, state.id, references=[reference])
    if not found:
        raise MemberNotFound(field="relation_reference")
    member = found[0].member
    asks = any(one.segments for one in state.configuration.catalog)
    return _Shopper(
        member=member,
        available=available_points(tx, state.id, [member.id], now, "DEFAULT").get(member.id, 0),
        segments=memberships(tx, state, [member], now)[member.id] if asks else (),
    )


def _is_shown(item: CatalogItem, shopper: _Shopper, state: ProgramState, now: datetime) -> bool:
    return is_open(item, now, state.zone) and is_for(item, shopper.member.tier, shopper.segments)


def _offers(
    tx: Connection,
    ctx: Context,
    state: ProgramState,
    page: Sequence[tuple[int, CatalogItem]],
    shopper: _Shopper | None,
    now: datetime,
) -> list[Offer]:
    items = [item for _, item in page]
    is_told = ctx.principal.kind is not PrincipalKind.MEMBER
    stock = _stock(tx, state, items, now, is_exact=is_told)
    to_members = {} if shopper is None else _to_member(tx, state, items, stock, shopper, now)
    offers = []
    for position, item in page:
        left = stock.get(item.code)
        offers.append(
            Offer(
                item=item,
                position=position,
                points=from_minor(_price(item, state), state.places),
                in_stock=left is None or left > 0,
                stock=left if is_told else None,
                is_low=left is not None and left <= item.low_stock,
                is_open=is_open(item, now, state.zone),
                opens_at=None if item.valid_from is None else to_instant(item.valid_from, state.zone),
                closes_at=None if item.valid_to is None else end_of(item.valid_to, state.zone),
                member=to_members.get(item.code),
            )
        )
    return offers


def _price(item: CatalogItem, state: ProgramState) -> int:
    return price_of(item, state.terms.redemption_rate, state.places)


def _stock(
    tx: Connection, state: ProgramState, items: Sequence[CatalogItem], now: datetime, *, is_exact: bool
) -> Mapping[str, int]:
    """What is left of what there is not any number of; not `is_exact`: no more codes are counted than tell few."""
    counted = [one.code for one in items if one.stock == "counted"]
    left = dict.fromkeys(counted, 0) | (read_stock(tx, state.id, counted) if counted else {})
    pooled = [one for one in items if one.fulfilment == "pool"]
    names = sorted({one.pool_name for one in pooled})
    up_to = None if is_exact else 1 + max((one.low_stock for one in pooled), default=0)
    free = count_free(tx, state.id, names, now, up_to=up_to) if names else {}
    return left | {one.code: free[one.pool_name] for one in pooled}


def _to_member(
    tx: Connection,
    state: ProgramState,
    items: Sequence[CatalogItem],
    stock: Mapping[str, int],
    shopper: _Shopper,
    now: datetime,
) -> dict[str, MemberOffer]:
    terms, zone, member = redemption_terms(state), state.zone, shopper.member
    stopped = refusal_by_status(Operation.REDEEM, member.status)
    ordered = _ordered(tx, state, items, member, now)
    today = start_of_day(local_date(now, zone), zone)
    redemptions = count_redemptions(tx, state.id, member.id, today) if terms.most_a_day is not None else 0
    offers = {}
    for item in items:
        price = _price(item, state)
        customer = Customer(
            available=shopper.available,
            tier=member.tier,
            segments=shopper.segments,
            ordered=ordered.get(item.code, 0),
            redemptions=redemptions,
        )
        refusal: Refusal = stopped or refusal_to_order(
            item, price, customer, terms, stock=stock.get(item.code), now=now, zone=zone
        )
        offers[item.code] = MemberOffer(
            affordable=shopper.available >= price,
            missing=from_minor(max(0, price - max(0, shopper.available)), state.places),
            ordered=customer.ordered,
            refusal=None if refusal is None else refusal.reason,
        )
    return offers


def _ordered(
    tx: Connection, state: ProgramState, items: Sequence[CatalogItem], member: Member, now: datetime
) -> dict[str, int]:
    """How many orders the member has of those items that have a limit, in the period of each."""
    ordered: dict[str, int] = {}
    own = [member.id, *merged_ids(tx, state.id, [member.id])] if any(one.limit for one in items) else []
    for period in sorted({one.limit_period for one in items if one.limit is not None}):
        codes = [one.code for one in items if one.limit is not None and one.limit_period == period]
        ordered |= count_orders(tx, state.id, own, codes, period_start(period, now, state.zone))
    return ordered
