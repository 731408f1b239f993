"""Orders: found, looked at, given or failed by hand, cancelled; one is placed for a member on its own page."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response

from domain.access import Permission
from domain.errors import BadRequest, TesseraError
from resolvers.catalog import list_catalog
from resolvers.member import list_members_by_id
from resolvers.order import PlaceOrder, place_order
from resolvers.order_end import CancelOrder, FailOrder, FulfilOrder, cancel_order, fail_order, fulfil_order
from resolvers.order_record import ListOrders, get_order, get_order_code, list_order_details, list_orders
from tessera.portal.pager import PAGE_SIZE, asked_id, page_of
from tessera.portal.route import Page, action, page
from tessera.portal.visit import Visit

STATUSES = ("PLACED", "FULFILLED", "REVERSED")
_MOST_ITEMS = 100


async def show(visit: Visit, error: TesseraError | None = None) -> Response:
    """The newest orders that fit, and the form for one more."""
    orders: list[Any] = []
    query = ListOrders(
        relation_reference=visit.asked("member") or None,
        status=visit.asked("status") or None,
        item=visit.asked("item") or None,
    )
    try:
        orders = await list_orders(visit.ctx, query, first=PAGE_SIZE + 1, before_id=asked_id(visit))
    except TesseraError as refused:
        error = error or refused
    paged = page_of(visit, orders, lambda one: one.id)
    return visit.page(
        "orders.html",
        error=error,
        paged=paged,
        members=await list_members_by_id(visit.ctx, sorted({one.member_id for one in paged.rows})),
        asked={name: visit.asked(name) for name in ("member", "status", "item")},
        statuses=STATUSES,
        offers=(await list_catalog(visit.ctx, first=_MOST_ITEMS)).offers,
    )


async def place(visit: Visit) -> Response:
    """Order something for a member."""
    command = PlaceOrder(
        relation_reference=visit.given("relation_reference"),
        item=visit.given("item"),
        delivery=visit.optional("delivery"),
        idempotency_key=visit.optional("key"),
    )
    try:
        visit.ctx.principal.require_proof()
        order = await place_order(visit.ctx, command)
    except TesseraError as error:
        return await show(visit, error)
    return visit.go(visit.url(f"orders/{order.id}"), f"{order.item_name} is ordered.")


async def show_one(visit: Visit, error: TesseraError | None = None, code: str | None = None) -> Response:
    """An order, with what is to be done about it."""
    order = await get_order(visit.ctx, visit.path["order"])
    members = await list_members_by_id(visit.ctx, [order.member_id])
    details = await list_order_details(visit.ctx, [order.id])
    return visit.page(
        "order.html",
        error=error,
        order=order,
        member=members.get(order.member_id),
        detail=details.get(order.id),
        code=code,
    )


async def decide(visit: Visit) -> Response:
    """Give it, let it fail, or cancel it."""
    number, what = visit.path["order"], visit.given("what")
    doing = _ENDINGS.get(what)
    try:
        if doing is None:
            raise BadRequest("what: unknown", field="what")
        await doing[0](visit, number)
    except TesseraError as error:
        return await show_one(visit, error)
    return visit.go(visit.url(f"orders/{number}"), doing[1])


async def show_code(visit: Visit) -> Response:
    """The code that was given; never in an address or a list."""
    try:
        return await show_one(visit, code=await get_order_code(visit.ctx, visit.path["order"]))
    except TesseraError as error:
        return await show_one(visit, error)


def _fulfil(visit: Visit, number: int) -> Awaitable[Any]:
    command = FulfilOrder(
        order=number,
        code=visit.optional("code"),
        reference=visit.optional("reference"),
        idempotency_key=visit.optional("key"),
    )
    return fulfil_order(visit.ctx, command)


def _fail(visit: Visit, number: int) -> Awaitable[Any]:
    key = visit.optional("key")
    return fail_order(visit.ctx, FailOrder(order=number, reason=visit.optional("reason"), idempotency_key=key))


def _cancel(visit: Visit, number: int) -> Awaitable[Any]:
    return cancel_order(visit.ctx, CancelOrder(order=number, idempotency_key=visit.optional("key")))


_ENDINGS: Mapping[str, tuple[Callable[[Visit, int], Awaitable[Any]], str]] = {
    "fulfil": (_fulfil, "The order is fulfilled."),
    "fail": (_fail, "The order failed, and the points are back."),
    "cancel": (_cancel, "The order is cancelled, and the points are back."),
}

PAGES: tuple[Page, ...] = (
    page("orders", show, Permission.ORDER_READ),
    action("orders", place, Permission.ORDER_PLACE),
    page("orders/{order:int}", show_one, Permission.ORDER_READ),
    action("orders/{order:int}", decide, Permission.ORDER_DECIDE),
    action("orders/{order:int}/code", show_code, Permission.ORDER_CODE_READ),
)
