"""Orders as callers see them, and the use cases that read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection

from domain.access import Permission, PrincipalKind
from domain.catalog_errors import OrderNotFound
from domain.errors import Forbidden, InvalidRequest, MemberNotFound
from domain.models.types import to_json
from domain.points import from_minor
from domain.store.member import find_members
from domain.store.merge import merged_ids
from domain.store.order import (
    STATUSES,
    OrderFilter,
    StoredOrder,
    count_all,
    find_order_id,
    find_orders,
    page_orders,
    page_orders_of,
)
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.movement import Moved


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An order. `status`: PLACED, FULFILLED or REVERSED; `points` is positive.

    `failure`: why it was reversed: REFUSED, CANCELLED or NO_ANSWER. `has_code`: there is a code, which
    `get_order_code` tells. Who placed and ended it, and how it is fulfilled, is None for members.
    """

    id: int
    member_id: int
    external_reference: UUID
    item: str
    item_name: str
    kind: str
    status: str
    points: Decimal
    amount: Decimal | None
    entry_id: int
    reversal_id: int | None
    failure: str | None
    has_code: bool
    placed_at: datetime
    ended_at: datetime | None
    answer_by: datetime | None
    fulfilment: str | None
    partner: str | None
    partner_reference: str | None
    placed_by: str | None
    ended_by: str | None
    attempts: int | None
    replayed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderDetail:
    """What of an order is under the member's key: where it goes, and why it failed. None for an erased member."""

    delivery: str | None
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListOrders:
    """Which orders, None for all: of a member by reference, in a status, of an item, placed in a span of time."""

    relation_reference: str | None = None
    status: str | None = None
    item: str | None = None
    fulfilment: str | None = None
    placed_from: datetime | None = None
    placed_before: datetime | None = None


async def get_order(ctx: Context, order: int | UUID) -> Order:
    """An order by its id or its external reference. Raises Forbidden, OrderNotFound."""
    ctx.principal.require(Permission.ORDER_READ)

    def body(tx: Connection) -> Order:
        state = ctx.program(tx)
        return order_of(visible_order(tx, ctx, state.id, order), state, ctx)

    return await ctx.read(body)


async def list_orders_by_id(ctx: Context, order_ids: Sequence[int]) -> dict[int, Order]:
    """Orders of the caller's program by id; a member sees its own only. Raises Forbidden."""
    ctx.principal.require(Permission.ORDER_READ)

    def body(tx: Connection) -> dict[int, Order]:
        state = ctx.program(tx)
        return {one.id: order_of(one, state, ctx) for one in _visible(tx, ctx, state, order_ids)}

    return await ctx.read(body)


async def list_orders(ctx: Context, query: ListOrders, *, first: int, before_id: int | None = None) -> list[Order]:
    """The newest orders that fit, at most `first`. Raises Forbidden, InvalidRequest, MemberNotFound."""
    wanted = _wanted(ctx, query)

    def body(tx: Connection) -> list[Order]:
        state = ctx.program(tx)
        fitting = _of_member(tx, ctx, state, query, wanted)
        found = page_orders(tx, state.id, fitting, limit=first, before_id=before_id)
        return [order_of(one, state, ctx) for one in found]

    return await ctx.read(body)


async def count_listed_orders(ctx: Context, query: ListOrders) -> int:
    """How many orders fit. Raises as `list_orders` does."""
    wanted = _wanted(ctx, query)
    return await ctx.read(
        lambda tx: count_all(tx, ctx.program(tx).id, _of_member(tx, ctx, ctx.program(tx), query, wanted))
    )


async def page_orders_of_members(
    ctx: Context, member_ids: Sequence[int], *, first: int, status: str | None = None, before_id: int | None = None
) -> dict[int, list[Order]]:
    """At most `first` orders of each member, newest first, with those of whom it answers for since a merge.

    In a fixed number of statements. Raises Forbidden, InvalidRequest.
    """
    ctx.principal.require(Permission.ORDER_READ)
    _check_status(status)

    def body(tx: Connection) -> dict[int, list[Order]]:
        state = ctx.program(tx)
        visible = ctx.visible_members(tx, member_ids)
        owner = {one: one for one in visible} | {
            victim: survivor for victim, survivor in merged_ids(tx, state.id, visible).items() if victim not in visible
        }
        groups = [[one for one, owned in owner.items() if owned == member] for member in visible]
        found = page_orders_of(tx, state.id, groups, OrderFilter(status=status), limit=first, before_id=before_id)
        pages: dict[int, list[Order]] = {one: [] for one in visible}
        for one in found:
            pages[owner[one.member_id]].append(order_of(one, state, ctx))
        return pages

    return await ctx.read(body)


async def list_order_details(ctx: Context, order_ids: Sequence[int]) -> dict[int, OrderDetail]:
    """What is under the members' keys, but for codes; where to only for who may see that of a member.

    Raises Forbidden.
    """
    ctx.principal.require(Permission.ORDER_READ)
    sees_person = Permission.PERSONAL_INFORMATION in ctx.principal.permissions
    keys = ctx.services.keys

    def body(tx: Connection) -> dict[int, OrderDetail]:
        state = ctx.program(tx)
        orders = _visible(tx, ctx, state, order_ids)
        wrapped = _wrapped_keys(tx, ctx, state, orders)
        return {
            one.id: OrderDetail(
                delivery=keys.reveal(wrapped[one.member_id], one.delivery) if sees_person else None,
                reason=keys.reveal(wrapped[one.member_id], one.reason),
            )
            for one in orders
        }

    return await ctx.read(body)


async def get_order_code(ctx: Context, order_id: int) -> str | None:
    """The code that an order gave its member; None where there is none, or the member was erased.

    Raises Forbidden, OrderNotFound.
    """
    ctx.principal.require(Permission.ORDER_READ)
    ctx.principal.require(Permission.ORDER_CODE_READ)

    def body(tx: Connection) -> str | None:
        state = ctx.program(tx)
        orders = _visible(tx, ctx, state, [order_id])
        if not orders:
            raise OrderNotFound
        wrapped = _wrapped_keys(tx, ctx, state, orders)
        return ctx.services.keys.reveal(wrapped[orders[0].member_id], orders[0].code)

    return await ctx.read(body)


def _visible(tx: Connection, ctx: Context, state: ProgramState, order_ids: Sequence[int]) -> list[StoredOrder]:
    found = find_orders(tx, state.id, order_ids)
    visible = set(ctx.visible_members(tx, [one.member_id for one in found.values()]))
    return [one for one in found.values() if one.member_id in visible]


def _wrapped_keys(
    tx: Connection, ctx: Context, state: ProgramState, orders: Sequence[StoredOrder]
) -> Mapping[int, bytes]:
    ids = sorted({one.member_id for one in orders})
    found = find_members(tx, ctx.services.keys, state.id, ids=ids, with_person=False)
    return {one.member.id: one.wrapped_key for one in found}


def visible_order(tx: Connection, ctx: Context, program_id: int, order: int | UUID) -> StoredOrder:
    """The order of this id or external reference, if the caller may see it. Raises OrderNotFound."""
    order_id = find_order_id(tx, program_id, order) if isinstance(order, UUID) else order
    found = None if order_id is None else find_orders(tx, program_id, [order_id]).get(order_id)
    if found is None or not ctx.visible_members(tx, [found.member_id]):
        raise OrderNotFound
    return found


def read_order(tx: Connection, ctx: Context, moved: Moved) -> Order:
    """The order of an outcome as it is now: a repeat tells the first order's state of today."""
    order_id = moved.outcome["order_id"]
    stored = find_orders(tx, moved.state.id, [order_id])[order_id]
    return replace(order_of(stored, moved.state, ctx), replayed=moved.replayed)


def order_of(one: StoredOrder, state: ProgramState, ctx: Context) -> Order:
    """A stored order in points, as the caller may see it."""
    is_told = ctx.principal.kind is not PrincipalKind.MEMBER
    return Order(
        id=one.id,
        member_id=one.member_id,
        external_reference=one.external_reference,
        item=one.item,
        item_name=one.item_name,
        kind=one.kind,
        status=one.status,
        points=from_minor(one.points, state.places),
        amount=one.amount,
        entry_id=one.entry_id,
        reversal_id=one.reversal_id,
        failure=one.failure,
        has_code=one.code is not None,
        placed_at=one.placed_at,
        ended_at=one.ended_at,
        answer_by=one.answer_by,
        fulfilment=one.fulfilment if is_told else None,
        partner=one.partner if is_told else None,
        partner_reference=one.partner_reference,
        placed_by=one.placed_by if is_told else None,
        ended_by=one.ended_by if is_told else None,
        attempts=one.attempts if is_told else None,
    )


def order_event(topic: str, order: StoredOrder, now: datetime) -> dict[str, object]:
    """An event of an order, which names it and says nothing of it."""
    payload = to_json({"order_id": order.id, "order": str(order.external_reference)})
    return {"topic": topic, "member_id": order.member_id, "payload": payload, "created_at": now}


def _wanted(ctx: Context, query: ListOrders) -> OrderFilter:
    """What is asked for, without whose. Raises Forbidden, InvalidRequest."""
    ctx.principal.require(Permission.ORDER_READ)
    if ctx.principal.kind is PrincipalKind.MEMBER:
        raise Forbidden("the token is bound to one member")
    _check_status(query.status)
    return OrderFilter(
        status=query.status,
        item=query.item,
        fulfilment=query.fulfilment,
        placed_from=query.placed_from,
        placed_before=query.placed_before,
    )


def _of_member(
    tx: Connection, ctx: Context, state: ProgramState, query: ListOrders, wanted: OrderFilter
) -> OrderFilter:
    if query.relation_reference is None:
        return wanted
    found = find_members(tx, ctx.services.keys, state.id, references=[query.relation_reference], with_person=False)
    if not found:
        raise MemberNotFound(field="relation_reference")
    member_id = found[0].member.id
    return replace(wanted, member_ids=[member_id, *merged_ids(tx, state.id, [member_id])])


def _check_status(status: str | None) -> None:
    if status is not None and status not in STATUSES:
        raise InvalidRequest(f"status: one of {', '.join(STATUSES)}", field="status")
