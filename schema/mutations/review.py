"""Mutations that decide about held transactions."""

import strawberry

from domain.errors import RedemptionNotFound
from resolvers.review import approve_transaction, reject_transaction
from schema.context import Info, RequestContext
from schema.field import mutation
from schema.global_id import HELD, decode
from schema.mutations.idempotency import read_key
from schema.types.held import HeldTransaction, to_held


@strawberry.input(description="A held transaction to post.")
class TransactionApproveInput:
    held_id: strawberry.ID = strawberry.field(description="The held transaction's id.")
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.input(description="A held transaction to turn down.")
class TransactionRejectInput:
    held_id: strawberry.ID = strawberry.field(description="The held transaction's id.")
    reason: str = strawberry.field(description="Why: up to 500 characters.")
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.type(description="A held transaction that was decided about.")
class TransactionReviewPayload:
    held: HeldTransaction = strawberry.field(description="The held transaction.")
    replayed: bool = strawberry.field(description="The key had run before: nothing was done again.")


@strawberry.type
class ReviewMutation:
    @mutation("Post a transaction that was held, or the rest of it. Refunds that waited for it are applied.")
    async def transaction_approve(self, info: Info, input: TransactionApproveInput) -> TransactionReviewPayload | None:
        number, key = _held_id(input.held_id, info.context), read_key(input.idempotency_key, info.context)
        row = await approve_transaction(info.context.changing(), number, key)
        return TransactionReviewPayload(held=to_held(row, info.context), replayed=row.replayed)

    @mutation("Turn down a transaction that was held, or the rest of it: it is never posted.")
    async def transaction_reject(self, info: Info, input: TransactionRejectInput) -> TransactionReviewPayload | None:
        number, key = _held_id(input.held_id, info.context), read_key(input.idempotency_key, info.context)
        row = await reject_transaction(info.context.changing(), number, input.reason, key)
        return TransactionReviewPayload(held=to_held(row, info.context), replayed=row.replayed)


def _held_id(given: str, context: RequestContext) -> int:
    """The number of a held transaction. Raises BadRequest, RedemptionNotFound (those of other programs)."""
    number = decode(given, "heldId").number(HELD, context.ctx.principal.program)
    if number is None:
        raise RedemptionNotFound
    return number
