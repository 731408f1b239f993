"""The queries of the catalogue and of orders."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.catalog_errors import OrderNotFound
from resolvers.catalog import find_catalog_item, list_catalog
from resolvers.catalog_stock import list_pools
from resolvers.fulfilment_partner import list_partners
from resolvers.order_record import ListOrders, count_listed_orders, get_order_code, list_orders
from schema.connection import (
    MAX_PAGE,
    After,
    Connection,
    CountedConnection,
    First,
    counted,
    cut,
    edges_of,
    number_cursor,
    page_info,
    read_number_cursor,
    read_page,
)
from schema.context import Info
from schema.field import field
from schema.global_id import ORDER, Id, decode
from schema.types.catalog import (
    CatalogItem,
    CatalogKind,
    Fulfilment,
    FulfilmentPartner,
    VoucherPool,
    to_catalog_item,
    to_partner,
    to_pool,
)
from schema.types.order import Order, OrderStatus, load_order, to_order

Reference = Annotated[
    str | None,
    strawberry.argument(description="The member that it is asked for; with a member's token it is its own."),
]


@strawberry.input(description="Which orders: what is given has to hold at once.")
class OrdersFilter:
    status: OrderStatus | None = strawberry.field(default=None, description="In this status; null: in any.")
    relation_reference: str | None = strawberry.field(default=None, description="Of this member; null: of any.")
    item: str | None = strawberry.field(default=None, description="Of the item of this code; null: of any.")
    fulfilment: Fulfilment | None = strawberry.field(default=None, description="Fulfilled so; null: in any way.")
    placed_from: datetime | None = strawberry.field(default=None, description="Placed then or later.")
    placed_before: datetime | None = strawberry.field(default=None, description="Placed before then.")


@strawberry.type
class CatalogQuery:
    """What `Query` has of the catalogue and of orders."""

    @field(
        "The catalogue, in the order of the configuration: for a member what is on offer now and for its tier and "
        "segments, whether it can afford it or not; where no member is named, all items."
    )
    async def catalog(
        self,
        info: Info,
        relation_reference: Reference = None,
        kind: Annotated[CatalogKind | None, strawberry.argument(description="Only these; null: all.")] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[CatalogItem] | None:
        context, page = info.context, read_page(first, after)
        found = await list_catalog(
            context.ctx,
            relation_reference=relation_reference,
            kind=None if kind is None else kind.name.lower(),
            first=page.size,
            after=read_number_cursor("catalog", page),
        )
        edges = edges_of(
            found.offers,
            lambda row: to_catalog_item(row, context),
            lambda row: number_cursor("catalog", row.position),
        )
        return Connection(edges=edges, page_info=page_info(edges, page, found.has_more))

    @field("An item of the catalogue; null if there is none of this code, or it is not on offer to the member.")
    async def catalog_item(
        self,
        info: Info,
        code: Annotated[str, strawberry.argument(description="The item's code.")],
        relation_reference: Reference = None,
    ) -> CatalogItem | None:
        row = await find_catalog_item(info.context.ctx, code, relation_reference)
        return None if row is None else to_catalog_item(row, info.context)

    @field("An order; null if the caller may see none of this id.")
    async def order(self, info: Info, id: Id) -> Order | None:
        number = decode(id).number(ORDER, info.context.ctx.principal.program)
        return None if number is None else await load_order(number, info.context)

    @field("The program's orders, newest first. A member reads `Member.orders`.")
    async def orders(
        self,
        info: Info,
        filter: Annotated[OrdersFilter | None, strawberry.argument(description="Only these; null: all.")] = None,
        first: First = None,
        after: After = None,
    ) -> CountedConnection[Order] | None:
        context, page, only = info.context, read_page(first, after), filter or OrdersFilter()
        query = ListOrders(
            relation_reference=only.relation_reference,
            status=None if only.status is None else only.status.name,
            item=only.item,
            fulfilment=None if only.fulfilment is None else only.fulfilment.name.lower(),
            placed_from=only.placed_from,
            placed_before=only.placed_before,
        )
        before_id = read_number_cursor("orders", page)
        found, count = await counted(
            list_orders(context.ctx, query, first=page.size + 1, before_id=before_id),
            lambda: count_listed_orders(context.ctx, query),
            wanted=context.counts,
        )
        rows, has_more = cut(found, page)
        edges = edges_of(rows, lambda row: to_order(row, context), lambda row: number_cursor("orders", row.id))
        return CountedConnection(edges=edges, page_info=page_info(edges, page, has_more), count=count)

    @field(
        "The code that an order gave its member; null where it has none, or the member was erased. For the member "
        "itself, and for those who may see codes."
    )
    async def order_code(self, info: Info, id: Id) -> str | None:
        number = decode(id).number(ORDER, info.context.ctx.principal.program)
        if number is None:
            raise OrderNotFound
        return await get_order_code(info.context.ctx, number)

    @field("The pools of voucher codes with what is in them, by name. Not with a member's token.")
    async def voucher_pools(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most so many: 1 to 100.")] = MAX_PAGE,
    ) -> list[VoucherPool] | None:
        rows = await list_pools(info.context.ctx)
        return [to_pool(row) for row in rows[: read_page(first, None).size]]

    @field("The partners who fulfil orders, by name. For administrators of credentials.")
    async def fulfilment_partners(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most so many: 1 to 100.")] = MAX_PAGE,
    ) -> list[FulfilmentPartner] | None:
        rows = await list_partners(info.context.ctx)
        return [to_partner(row) for row in rows[: read_page(first, None).size]]
