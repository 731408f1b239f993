"""Submitted transactions."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from resolvers.transaction import SubmitTransaction
from resolvers.transaction import Transaction as TransactionRow
from schema.connection import DEFAULT_PAGE, read_page
from schema.context import Info, RequestContext
from schema.field import field
from schema.global_id import TRANSACTION, encode
from schema.scalar import Points
from schema.types.attribute import AttributeInput, AttributeValue, attribute_list, attribute_values, find_attribute
from schema.types.node import Node

if TYPE_CHECKING:
    from schema.types.entry import LedgerEntry
    from schema.types.member import Member


@strawberry.enum(description="What a transaction is.")
class TransactionType(Enum):
    DR = strawberry.enum_value("DR", description="The member spent: points are earned.")
    CR = strawberry.enum_value("CR", description="The member was paid back.")


@strawberry.enum(description="What became of a transaction.")
class TransactionStatus(Enum):
    POSTED = strawberry.enum_value("POSTED", description="The rules ran, and what they gave was posted.")
    PARKED = strawberry.enum_value("PARKED", description="A refund whose purchase has not arrived, or is held.")
    LAPSED = strawberry.enum_value("LAPSED", description="A refund whose purchase never came, or was rejected.")
    HELD = strawberry.enum_value("HELD", description="Over a threshold: nothing is posted until somebody decides.")
    REJECTED = strawberry.enum_value("REJECTED", description="It was held, and turned down.")


@strawberry.type(description="A transaction as it was submitted, with what it earned.")
class Transaction(Node):
    transaction_id: str = strawberry.field(description="The id that the submitter gave it.")
    transaction_type: TransactionType = strawberry.field(description="What it is.")
    amount: Decimal = strawberry.field(description="The money that was spent.")
    transaction_date: datetime = strawberry.field(description="When it happened.")
    product_code: str | None = strawberry.field(description="What was bought.")
    sub_product_code: str | None = strawberry.field(description="What was bought, more closely.")
    status: TransactionStatus = strawberry.field(description="What became of it.")
    points: Points = strawberry.field(description="What all rules together gave.")
    source: str = strawberry.field(description="Where it came from: `rest`, `graphql`, or a file and its line.")
    processed_at: datetime = strawberry.field(description="When it was posted.")
    values: strawberry.Private[Mapping[str, Any]]
    member_id: strawberry.Private[int]
    row_id: strawberry.Private[int]

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

    @field(
        "What it posted, in the order of posting: for a purchase one entry for each rule group and campaign that gave "
        "something, for a refund what it took back. None while it waits or is held."
    )
    async def entries(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most so many: 1 to 100.")] = DEFAULT_PAGE,
    ) -> list[Annotated["LedgerEntry", strawberry.lazy("schema.types.entry")]] | None:
        from schema.types.entry import to_entry

        rows = await info.context.loaders.transaction_entries.load(self.row_id) or ()
        return [to_entry(row, info.context) for row in rows[: read_page(first, None).size]]


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
        status=TransactionStatus(row.status),
        points=Points(row.points),
        source=row.source,
        processed_at=context.local(row.processed_at),
        values=row.attributes,
        member_id=row.member_id,
        row_id=row.id,
    )


async def load_transaction(row_id: int, context: RequestContext) -> Transaction | None:
    """A transaction of the caller's program, if the caller may see it."""
    row = await context.loaders.transaction.load(row_id)
    return None if row is None else to_transaction(row, context)


@strawberry.input(description="What is said of a transaction, whether it is submitted or tried out.")
class TransactionFields:
    transaction_type: TransactionType = strawberry.field(description="What it is.")
    amount: Decimal = strawberry.field(description="The money that was spent.")
    transaction_date: datetime = strawberry.field(description="When it happened.")
    member_relation_reference: str | None = strawberry.field(
        default=None, description="The reference of the member who made it; wins over card and identifier."
    )
    card_number: str | None = strawberry.field(
        default=None, description="A card of the member; names the member where no reference does."
    )
    sub_relation_identifier: str | None = strawberry.field(
        default=None, description="The identifier of a sub-relation of the member; as the card."
    )
    product_code: str | None = strawberry.field(default=None, description="What was bought.")
    sub_product_code: str | None = strawberry.field(default=None, description="What was bought, more closely.")
    attributes: list[AttributeInput] | None = strawberry.field(default=None, description="Custom attributes.")
    ignore_unknown: bool | None = strawberry.field(
        default=None, description="Leave out attributes that nobody defined; null: as the program has it."
    )


def to_command(fields: TransactionFields, transaction_id: str, key: str | None = None) -> SubmitTransaction:
    """The command that an input stands for."""
    return SubmitTransaction(
        transaction_id=transaction_id,
        transaction_type=fields.transaction_type.name,
        amount=fields.amount,
        transaction_date=fields.transaction_date,
        member_relation_reference=fields.member_relation_reference,
        card_number=fields.card_number,
        sub_relation_identifier=fields.sub_relation_identifier,
        product_code=fields.product_code,
        sub_product_code=fields.sub_product_code,
        attributes=attribute_values(fields.attributes),
        ignore_unknown=fields.ignore_unknown,
        idempotency_key=key,
    )
