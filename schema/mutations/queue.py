"""The mutation that queues transactions."""

from uuid import UUID

import strawberry

from domain.errors import BadRequest
from resolvers.queue import submit_queue
from schema.context import Info
from schema.field import mutation
from schema.mutations.transaction import TransactionSubmitInput, read_command

MAX_QUEUED = 5000


@strawberry.input(description="Transactions to queue.")
class TransactionsQueueInput:
    transactions: list[TransactionSubmitInput] = strawberry.field(
        description="The transactions, 1 to 5000; they are posted in their order."
    )


@strawberry.type(description="What was queued.")
class TransactionsQueuePayload:
    batch_id: UUID = strawberry.field(description="What to ask `transactionBatch` for.")
    request_ids: list[UUID] = strawberry.field(description="What each transaction is called there, in their order.")


@strawberry.type
class QueueMutation:
    @mutation(
        "Queue transactions: they are stored durably when this answers, and posted soon after. A fault of one is told "
        "by `transactionBatch`, and leaves the others untouched."
    )
    async def transactions_queue(self, info: Info, input: TransactionsQueueInput) -> TransactionsQueuePayload | None:
        if len(input.transactions) > MAX_QUEUED:
            raise BadRequest(f"transactions: at most {MAX_QUEUED}", field="transactions")
        commands = [read_command(one, info.context) for one in input.transactions]
        batch = await submit_queue(info.context.changing(), commands)
        return TransactionsQueuePayload(batch_id=batch.batch_id, request_ids=list(batch.request_ids))
