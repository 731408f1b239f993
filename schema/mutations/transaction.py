"""Mutations that submit transactions."""

from uuid import UUID

import strawberry

from domain.errors import BadRequest, TesseraError
from resolvers.transaction import (
    SubmitTransaction,
    TransactionOutcome,
    submit_transaction,
    submit_transactions,
)
from schema.context import Info, RequestContext
from schema.field import field, mutation
from schema.mutations.idempotency import read_key
from schema.scalar import Points
from schema.types.entry import LedgerEntry, load_entries
from schema.types.member import Member, load_answering
from schema.types.refusal import Refusal, to_refusal
from schema.types.transaction import TransactionFields, to_command

MAX_TRANSACTIONS = 500


@strawberry.input(description="A transaction to submit.")
class TransactionSubmitInput(TransactionFields):
    transaction_id: str = strawberry.field(description="The submitter's own id: up to 100 characters.")
    idempotency_key: str | None = strawberry.field(default=None, description="Makes a repetition harmless.")


@strawberry.input(description="Many transactions to submit.")
class TransactionsSubmitInput:
    transactions: list[TransactionSubmitInput] = strawberry.field(
        description="The transactions, 1 to 500; later ones see what earlier ones did."
    )


@strawberry.type(description="What a transaction earned.")
class TransactionPayload:
    transaction_id: str = strawberry.field(description="The submitter's own id.")
    points: Points = strawberry.field(description="What all rules together gave; what a refund took back, negative.")
    is_parked: bool = strawberry.field(description="A refund whose purchase has not arrived: it is applied then.")
    taken_back: Points = strawberry.field(
        description="What refunds that had waited for this purchase took back at once, negative; not part of `points`."
    )
    is_held: bool = strawberry.field(
        description="Over a threshold of the program: it waits for a decision, whole or in part."
    )
    external_references: list[UUID] = strawberry.field(description="A reference for each posting.")
    replayed: bool = strawberry.field(description="The idempotency key had run before: nothing was done again.")
    ignored_keys: list[str] = strawberry.field(description="Attributes that nobody defined and that were left out.")
    member_id: strawberry.Private[int]
    entry_ids: strawberry.Private[list[int]]

    @field("The member, as the transaction left them.")
    async def member(self, info: Info) -> Member | None:
        return await load_answering(self.member_id, info.context)

    @field("The postings, one for each rule group that gave something; then those of refunds that had waited for it.")
    async def entries(self, info: Info) -> list[LedgerEntry] | None:
        return await load_entries(self.entry_ids, info.context)


@strawberry.type(description="What became of one transaction of many: an outcome or a refusal.")
class TransactionResult:
    outcome: TransactionPayload | None = strawberry.field(description="What it earned; null if it was refused.")
    error: Refusal | None = strawberry.field(description="Why it was refused; null if it was not.")


@strawberry.type(description="What became of each transaction.")
class TransactionsPayload:
    results: list[TransactionResult] = strawberry.field(description="One for each transaction, in their order.")


@strawberry.type
class TransactionMutation:
    @mutation("Submit one transaction: the rules run, and the ledger is written.")
    async def transaction_submit(self, info: Info, input: TransactionSubmitInput) -> TransactionPayload | None:
        command = read_command(input, info.context)
        return _payload(await submit_transaction(info.context.changing(), command))

    @mutation("Submit many transactions at once. A refused one leaves the others untouched.")
    async def transactions_submit(self, info: Info, input: TransactionsSubmitInput) -> TransactionsPayload | None:
        if not 0 < len(input.transactions) <= MAX_TRANSACTIONS:
            raise BadRequest(f"transactions: 1 to {MAX_TRANSACTIONS}", field="transactions")
        commands = [read_command(one, info.context) for one in input.transactions]
        outcomes = await submit_transactions(info.context.changing(), commands)
        return TransactionsPayload(results=[_result(outcome) for outcome in outcomes])


def read_command(input: TransactionSubmitInput, context: RequestContext) -> SubmitTransaction:
    """The command that an input stands for. Raises BadRequest, InvalidRequest (its key)."""
    return to_command(input, input.transaction_id, read_key(input.idempotency_key, context))


def _payload(outcome: TransactionOutcome) -> TransactionPayload:
    return TransactionPayload(
        transaction_id=outcome.transaction_id,
        points=Points(outcome.points),
        external_references=list(outcome.external_references),
        replayed=outcome.replayed,
        is_parked=outcome.is_parked,
        taken_back=Points(outcome.taken_back),
        is_held=outcome.hold is not None,
        ignored_keys=list(outcome.ignored_keys),
        member_id=outcome.member_id,
        entry_ids=list(outcome.entry_ids),
    )


def _result(outcome: TransactionOutcome | TesseraError) -> TransactionResult:
    if isinstance(outcome, TesseraError):
        return TransactionResult(outcome=None, error=to_refusal(outcome))
    return TransactionResult(outcome=_payload(outcome), error=None)
