"""The queries of single postings, transactions, redemptions and holds."""

from typing import Annotated
from uuid import UUID

import strawberry

from domain.errors import BadRequest
from resolvers.redemption import find_redemption_by_key
from resolvers.transaction import find_transaction
from schema.context import Info
from schema.field import field
from schema.global_id import ENTRY, HOLD, TRANSACTION, Id, decode
from schema.types.entry import LedgerEntry, load_entry
from schema.types.hold import Hold, load_hold
from schema.types.redemption import Redemption, load_redemption, to_redemption
from schema.types.transaction import Transaction, TransactionType, load_transaction, to_transaction


@strawberry.type
class LedgerQuery:
    """What `Query` has of single postings and what they come from."""

    @field("One posting; null if the caller's program has none of this id.")
    async def ledger_entry(self, info: Info, id: Id) -> LedgerEntry | None:
        number = decode(id).number(ENTRY, info.context.ctx.principal.program)
        return None if number is None else await load_entry(number, info.context)

    @field(
        "A submitted transaction, by its global `id` or by the `transactionId` that its submitter gave it: where ids "
        "may repeat, the newest. Null if the caller may see none."
    )
    async def transaction(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="The global id.")] = None,
        transaction_id: Annotated[
            str | None, strawberry.argument(description="The id that the submitter gave it, exact in case.")
        ] = None,
        transaction_type: Annotated[
            TransactionType,
            strawberry.argument(description="With `transactionId`: a refund has that of its purchase."),
        ] = TransactionType.DR,
    ) -> Transaction | None:
        context = info.context
        if (id is None) == (transaction_id is None):
            raise BadRequest("transaction: either id or transactionId", field="id")
        if transaction_id is not None:
            row = await find_transaction(context.loaders.ctx, transaction_id, transaction_type.name)
            return None if row is None else to_transaction(row, context)
        number = decode(id or "").number(TRANSACTION, context.ctx.principal.program)
        return None if number is None else await load_transaction(number, context)

    @field("A redemption by its external reference; null if there is none.")
    async def redemption(
        self,
        info: Info,
        external_reference: Annotated[UUID, strawberry.argument(description="The reference of the redemption.")],
    ) -> Redemption | None:
        return await load_redemption(external_reference, info.context)

    @field("The redemption that an idempotency key made: finds the reference where the answer was lost.")
    async def redemption_by_reference(
        self,
        info: Info,
        client_reference: Annotated[
            str, strawberry.argument(description="The idempotency key, or the reference of your own choice.")
        ],
        relation_reference: Annotated[
            str | None, strawberry.argument(description="The member whose own token the key was sent with, if one was.")
        ] = None,
    ) -> Redemption | None:
        row = await find_redemption_by_key(info.context.ctx, client_reference, relation_reference)
        return None if row is None else to_redemption(row, info.context)

    @field("A hold; null if the caller's program has none of this id.")
    async def hold(self, info: Info, id: Id) -> Hold | None:
        number = decode(id).number(HOLD, info.context.ctx.principal.program)
        return None if number is None else await load_hold(number, info.context)
