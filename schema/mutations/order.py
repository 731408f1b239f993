"""Mutations that place orders, and end them."""

from uuid import UUID

import strawberry

from domain.catalog_errors import OrderNotFound
from domain.errors import BadRequest
from resolvers.order import PlaceOrder, place_order
from resolvers.order_end import CancelOrder, FailOrder, FulfilOrder, cancel_order, fail_order, fulfil_order
from resolvers.order_record import Order as OrderRow
from resolvers.order_record import get_order_code
from schema.context import Info, RequestContext
from schema.field import field, mutation
from schema.global_id import ORDER, decode
from schema.mutations.idempotency import read_key
from schema.scalar import Points
from schema.types.member import Member, load_answering
from schema.types.order import Order, to_order

_REPEATED = "Makes a repetition harmless: it gives the first answer again."
_NEEDED = f"{_REPEATED} Up to 100 characters; needed with a member's token."


@strawberry.input(description="An item to order: one piece of it.")
class OrderPlaceInput:
    item: str = strawberry.field(description="The item's code.")
    relation_reference: str | None = strawberry.field(
        default=None, description="The member's reference; may be left out with a member's token."
    )
    points: Points | None = strawberry.field(
        default=None, description="The price that was shown: another one by now is refused. Null: whatever it is."
    )
    delivery: str | None = strawberry.field(
        default=None, description="Where it goes to, if that is needed: up to 500 characters."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_NEEDED)


@strawberry.input(description="An order to cancel, before anybody has begun to fulfil it.")
class OrderCancelInput:
    order_id: strawberry.ID | None = strawberry.field(
        default=None, description="The order's global id; this, or `externalReference`."
    )
    external_reference: UUID | None = strawberry.field(
        default=None, description="The order's reference, as partners and webhooks know it."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_NEEDED)


@strawberry.input(description="An order that was given to its member.")
class OrderFulfilInput:
    order_id: strawberry.ID | None = strawberry.field(
        default=None, description="The order's global id; this, or `externalReference`."
    )
    external_reference: UUID | None = strawberry.field(
        default=None, description="The order's reference, as partners and webhooks know it."
    )
    code: str | None = strawberry.field(
        default=None, description="The code that the member gets, if it is one: up to 500 characters."
    )
    reference: str | None = strawberry.field(
        default=None, description="What the order is called by who fulfilled it: up to 500 characters."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_REPEATED)


@strawberry.input(description="An order that cannot be fulfilled: its points come back.")
class OrderFailInput:
    reason: str = strawberry.field(description="Why: up to 500 characters, which the member reads.")
    order_id: strawberry.ID | None = strawberry.field(
        default=None, description="The order's global id; this, or `externalReference`."
    )
    external_reference: UUID | None = strawberry.field(
        default=None, description="The order's reference, as partners and webhooks know it."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_REPEATED)


@strawberry.type(description="An order as it is now.")
class OrderPayload:
    order: Order = strawberry.field(description="The order.")
    replayed: bool = strawberry.field(description="The key had run before: nothing was done again.")
    row_id: strawberry.Private[int]
    member_id: strawberry.Private[int]

    @field("The code, for whoever may see it; null where the order has none, or the member was erased.")
    async def code(self, info: Info) -> str | None:
        return await get_order_code(info.context.ctx, self.row_id)

    @field("The member, as the order left them.")
    async def member(self, info: Info) -> Member | None:
        return await load_answering(self.member_id, info.context)


@strawberry.type
class OrderMutation:
    @mutation("Order an item: exactly once for each key. Points, stock and code go together, or nothing does.")
    async def order_place(self, info: Info, input: OrderPlaceInput) -> OrderPayload | None:
        command = PlaceOrder(
            relation_reference=input.relation_reference,
            item=input.item,
            points=input.points,
            delivery=input.delivery,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        return _payload(await place_order(info.context.moving(), command), info.context)

    @mutation("Cancel an order that nobody has begun to fulfil; its points come back. Members cancel their own.")
    async def order_cancel(self, info: Info, input: OrderCancelInput) -> OrderPayload | None:
        command = CancelOrder(
            order=_order(input, info.context),
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        return _payload(await cancel_order(info.context.changing(), command), info.context)

    @mutation("Say that an order was given: by hand, or by a partner who took it and answers later.")
    async def order_fulfil(self, info: Info, input: OrderFulfilInput) -> OrderPayload | None:
        command = FulfilOrder(
            order=_order(input, info.context),
            code=input.code,
            reference=input.reference,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        return _payload(await fulfil_order(info.context.changing(), command), info.context)

    @mutation("Let an order fail: its points go back to where they came from, in the same step.")
    async def order_fail(self, info: Info, input: OrderFailInput) -> OrderPayload | None:
        command = FailOrder(
            order=_order(input, info.context),
            reason=input.reason,
            idempotency_key=read_key(input.idempotency_key, info.context),
        )
        return _payload(await fail_order(info.context.changing(), command), info.context)


def _payload(row: OrderRow, context: RequestContext) -> OrderPayload:
    return OrderPayload(order=to_order(row, context), replayed=row.replayed, row_id=row.id, member_id=row.member_id)


def _order(given: OrderCancelInput | OrderFulfilInput | OrderFailInput, context: RequestContext) -> int | UUID:
    """The order's number or reference. Raises BadRequest, OrderNotFound (somebody else's orders do not exist)."""
    if (given.order_id is None) == (given.external_reference is None):
        raise BadRequest("either orderId or externalReference", field="orderId")
    if given.external_reference is not None:
        return given.external_reference
    number = decode(given.order_id or "", "orderId").number(ORDER, context.ctx.principal.program)
    if number is None:
        raise OrderNotFound
    return number
