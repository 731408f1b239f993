"""Submitted transactions."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from resolvers.transaction import Transaction as TransactionRow
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import TRANSACTION, encode
from schema.scalar import Points
from schema.types.attribute import AttributeValue, attribute_list, find_attribute

if TYPE_CHECKING:
    from schema.types.member import Member


@strawberry.enum(description="What a transaction is.")
class TransactionType(Enum):
    DR = strawberry.enum_value("DR", description="The member spent: points are earned.")
    CR = strawberry.enum_value("CR", description="The member was paid back.")


@strawberry.type(description="A transaction as it was submitted, with what it earned.")
class Transaction:
    id: strawberry.ID = strawberry.field(description="The transaction's id, opaque.")
    transaction_id: str = strawberry.field(description="The id that the submitter gave it.")
    transaction_type: TransactionType = strawberry.field(description="What it is.")
    amount: Decimal = strawberry.field(description="The money that was spent.")
    transaction_date: datetime = strawberry.field(description="When it happened.")
    product_code: str | None = strawberry.field(description="What was bought.")
    sub_product_code: str | None = strawberry.field(description="What was bought, more closely.")
    points: Points = strawberry.field(description="What all rules together gave.")
    source: str = strawberry.field(description="Where it came from: `rest`, `graphql`, or a file and its line.")
    processed_at: datetime = strawberry.field(description="When it was posted.")
    values: strawberry.Private[Mapping[str, Any]]
    member_id: strawberry.Private[int]

    @field("The custom attributes that came with it.")
    def attributes(self) -> list[AttributeValue]:
        return attribute_list(self.values)

    @field("One custom attribute; null if it was not given.")
    def attribute(
        self, key: Annotated[str, strawberry.argument(description="The attribute's key.")]
    ) -> AttributeValue | None:
        return find_attribute(self.values, key)

    @field("The member who made it.")
    async def member(self, info: Info) -> Annotated["Member", strawberry.lazy("schema.types.member")] | None:
        from schema.types.member import load_member

        return await load_member(self.member_id, info.context)


def to_transaction(row: TransactionRow, context: RequestContext) -> Transaction:
    """A transaction as callers see it."""
    return Transaction(
        id=encode(TRANSACTION, context.ctx.principal.program, row.id),
        transaction_id=row.transaction_id,
        transaction_type=TransactionType(row.transaction_type),
        amount=row.amount,
        transaction_date=context.local(row.transaction_date),
        product_code=row.product_code,
        sub_product_code=row.sub_product_code,
        points=Points(row.points),
        source=row.source,
        processed_at=context.local(row.processed_at),
        values=row.attributes,
        member_id=row.member_id,
    )
