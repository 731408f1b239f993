"""Cards, accounts, devices and external ids of members."""

from datetime import date, datetime
from enum import Enum

import strawberry

from resolvers.sub_relation import SubRelation as SubRelationRow
from schema.context import RequestContext
from schema.global_id import SUB_RELATION, encode
from schema.types.node import Node


@strawberry.enum(description="What a sub-relation is.")
class SubRelationType(Enum):
    CARD = strawberry.enum_value("CARD", description="A payment, gift or loyalty card.")
    ACCOUNT = strawberry.enum_value("ACCOUNT", description="An account.")
    DEVICE = strawberry.enum_value("DEVICE", description="A device.")
    EXTERNAL_ID = strawberry.enum_value("EXTERNAL_ID", description="An id in another system.")
    LOAN = strawberry.enum_value("LOAN", description="A loan.")


@strawberry.type(description="A card, account, device or external id that is linked to a member.")
class SubRelation(Node):
    type: SubRelationType = strawberry.field(description="What it is.")
    card_number: str | None = strawberry.field(
        description="The card number; null for a payment card, of which only the last digits are kept."
    )
    card_last_four: str | None = strawberry.field(description="The last four digits of the card number.")
    sub_relation_identifier: str | None = strawberry.field(description="The program's own name of it.")
    last_six_digits: str | None = strawberry.field(description="The last six digits, if the program sent them.")
    product_code: str | None = strawberry.field(description="Which product it is, in the program's words.")
    expiry_date: date | None = strawberry.field(description="The last day it is good for.")
    status: str | None = strawberry.field(description="Its status, in the program's words. It stops nothing by itself.")
    created_at: datetime = strawberry.field(description="When it was linked.")


def to_sub_relation(row: SubRelationRow, context: RequestContext) -> SubRelation:
    """A sub-relation as callers see it."""
    return SubRelation(
        id=encode(SUB_RELATION, context.ctx.principal.program, row.id),
        type=SubRelationType(row.type),
        card_number=row.card_number,
        card_last_four=row.card_last_four,
        sub_relation_identifier=row.identifier,
        last_six_digits=row.last_six_digits,
        product_code=row.product_code,
        expiry_date=row.expiry_date,
        status=row.status,
        created_at=context.local(row.created_at),
    )


async def load_sub_relation(link_id: int, context: RequestContext) -> SubRelation | None:
    """A sub-relation of the caller's program, if the caller may see it."""
    row = await context.loaders.sub_relation.load(link_id)
    return None if row is None else to_sub_relation(row, context)
