"""Orders: what members got, or are to get, for points."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from resolvers.order_record import Order as OrderRow
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import ORDER, encode
from schema.scalar import Points
from schema.types.catalog import CatalogKind, Fulfilment
from schema.types.entry import LedgerEntry, load_entry
from schema.types.node import Node

if TYPE_CHECKING:
    from schema.types.member import Member


@strawberry.enum(description="How far an order is.")
class OrderStatus(Enum):
    PLACED = strawberry.enum_value("PLACED", description="It is paid and waits for who fulfils it.")
    FULFILLED = strawberry.enum_value("FULFILLED", description="It was given. That is final.")
    REVERSED = strawberry.enum_value("REVERSED", description="It failed or was cancelled, and the points are back.")


@strawberry.enum(description="Why an order was reversed.")
class OrderFailure(Enum):
    REFUSED = strawberry.enum_value("REFUSED", description="Whoever fulfils it cannot.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="It was cancelled.")
    NO_ANSWER = strawberry.enum_value("NO_ANSWER", description="Nobody fulfilled it in time.")


@strawberry.type(description="An order of an item of the catalogue.")
class Order(Node):
    status: OrderStatus = strawberry.field(description="How far it is.")
    external_reference: UUID = strawberry.field(description="Its reference, which its redemption has as well.")
    item: str = strawberry.field(description="The code of the item.")
    item_name: str = strawberry.field(description="What the item was called when it was ordered.")
    kind: CatalogKind = strawberry.field(description="What the item is.")
    points: Points = strawberry.field(description="What it cost, positive.")
    amount: Decimal | None = strawberry.field(description="The money that the price came from, if it did.")
    placed_at: datetime = strawberry.field(description="When it was placed.")
    ended_at: datetime | None = strawberry.field(description="When it was fulfilled or reversed; null until then.")
    answer_by: datetime | None = strawberry.field(
        description="When it fails by itself, if nobody fulfils it before; null: it waits."
    )
    failure: OrderFailure | None = strawberry.field(description="Why it was reversed; null unless it was.")
    has_code: bool = strawberry.field(description="Whether it has a code: `orderCode` tells it.")
    partner_reference: str | None = strawberry.field(description="What it is called by who fulfilled it.")
    fulfilment: Fulfilment | None = strawberry.field(
        description="How it is fulfilled. Null with a member's token, as what follows."
    )
    partner: str | None = strawberry.field(description="The partner who fulfils it.")
    attempts: int | None = strawberry.field(description="How often the partner was asked.")
    placed_by: str | None = strawberry.field(description="Who placed it.")
    ended_by: str | None = strawberry.field(description="Who ended it.")
    row_id: strawberry.Private[int]
    member_id: strawberry.Private[int]
    entry_id: strawberry.Private[int]
    reversal_id: strawberry.Private[int | None]

    @field("The member who ordered it.")
    async def member(self, info: Info) -> Annotated["Member", strawberry.lazy("schema.types.member")] | None:
        from schema.types.member import load_member

        return await load_member(self.member_id, info.context)

    @field("The posting that paid for it.")
    async def entry(self, info: Info) -> LedgerEntry | None:
        return await load_entry(self.entry_id, info.context)

    @field("The posting that gave the points back; null unless it was reversed.")
    async def reversal(self, info: Info) -> LedgerEntry | None:
        return None if self.reversal_id is None else await load_entry(self.reversal_id, info.context)

    @field("Where it goes; null where nobody said, for an erased member, and without leave to see personal data.")
    async def delivery(self, info: Info) -> str | None:
        found = await info.context.loaders.order_detail.load(self.row_id)
        return None if found is None else found.delivery

    @field("Why it failed, in the words of who said so; null where nobody did, and for an erased member.")
    async def reason(self, info: Info) -> str | None:
        found = await info.context.loaders.order_detail.load(self.row_id)
        return None if found is None else found.reason


def to_order(row: OrderRow, context: RequestContext) -> Order:
    """An order as callers see it."""
    return Order(
        id=encode(ORDER, context.ctx.principal.program, row.id),
        status=OrderStatus(row.status),
        external_reference=row.external_reference,
        item=row.item,
        item_name=row.item_name,
        kind=CatalogKind(row.kind),
        points=Points(row.points),
        amount=row.amount,
        placed_at=context.local(row.placed_at),
        ended_at=context.local_or_none(row.ended_at),
        answer_by=context.local_or_none(row.answer_by),
        failure=None if row.failure is None else OrderFailure(row.failure),
        has_code=row.has_code,
        partner_reference=row.partner_reference,
        fulfilment=None if row.fulfilment is None else Fulfilment(row.fulfilment),
        partner=row.partner,
        attempts=row.attempts,
        placed_by=row.placed_by,
        ended_by=row.ended_by,
        row_id=row.id,
        member_id=row.member_id,
        entry_id=row.entry_id,
        reversal_id=row.reversal_id,
    )


async def load_order(order_id: int, context: RequestContext) -> Order | None:
    """An order of the caller's program, if the caller may see it."""
    row = await context.loaders.order.load(order_id)
    return None if row is None else to_order(row, context)
