"""Use cases of submitted transactions: the rules decide, the ledger is written."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import AwardFailed, InsertFailed, TesseraError
from domain.points import from_minor
from domain.store.program import ProgramState
from domain.store.transaction import Narrowing, StoredTransaction, find_transactions, newest_transaction
from domain.store.transaction import page_transactions as page_stored
from resolvers.context import Context
from resolvers.days import ANY_DAY, Days
from resolvers.earning import ConfigurationMoved, Earnings
from resolvers.submission import TransactionOutcome
from resolvers.submission_order import SubmitTransaction
from resolvers.surprise import told_as

__all__ = [
    "SubmitTransaction",
    "Transaction",
    "TransactionFilter",
    "TransactionOutcome",
    "find_transaction",
    "list_transactions_by_id",
    "page_transactions",
    "post_transactions",
    "submit_transaction",
    "submit_transactions",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Transaction:
    """A submitted transaction as stored."""

    id: int
    member_id: int
    transaction_id: str
    transaction_type: str
    amount: Decimal
    transaction_date: datetime
    product_code: str | None
    sub_product_code: str | None
    attributes: Mapping[str, Any]
    status: str
    points: Decimal
    source: str
    processed_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TransactionFilter:
    """Which transactions are asked for: of these statuses (None: all), of this type, dated on these days."""

    statuses: frozenset[str] | None = None
    transaction_type: str | None = None
    days: Days = ANY_DAY


ALL_TRANSACTIONS = TransactionFilter()


async def submit_transaction(ctx: Context, command: SubmitTransaction) -> TransactionOutcome:
    """Submit one transaction; the rules have run and the ledger is written when this returns.

    Raises BadRequest, Forbidden, InvalidRequest, KeyReused, InvalidAttribute, InvalidProductCode,
    SubRelationAmbiguous, MemberNotFound, MemberCancelled, MemberSuspended, MembershipBlocked,
    AccrualNotAllowed, DuplicateRecord, AwardFailed (the rules or the ledger failed), InsertFailed (the database did).
    """
    ctx.principal.require(Permission.TRANSACTION_SUBMIT)
    with told_as(InsertFailed, AwardFailed):
        outcome = await ctx.write_together(_post, command, command.member_relation_reference)
    if isinstance(outcome, TesseraError):
        raise outcome
    return outcome


async def submit_transactions(
    ctx: Context, commands: Sequence[SubmitTransaction]
) -> list[TransactionOutcome | TesseraError]:
    """Submit many in one database transaction: an outcome or a refusal each, in order. Raises Forbidden."""
    ctx.principal.require(Permission.TRANSACTION_SUBMIT)
    return await ctx.write(lambda tx: _post(tx, ctx, commands))


def _post(
    tx: Connection, ctx: Context, commands: Sequence[SubmitTransaction]
) -> list[TransactionOutcome | TesseraError]:
    """With the configuration that the process knows, which saves round trips; it hardly ever changes."""
    state = ctx.services.programs.peek(ctx.principal.program)
    if state is not None and _is_plain(state, commands):
        with suppress(ConfigurationMoved):
            return Earnings(tx, ctx, state, ctx.services.clock(), is_peeked=True).post(commands)
    return post_transactions(tx, ctx, ctx.program_in_force(tx), commands)


def _is_plain(state: ProgramState, commands: Sequence[SubmitTransaction]) -> bool:
    referrals = state.configuration.referrals
    return not (referrals.enabled and referrals.reward_on == "first_transaction") and all(
        one.member_relation_reference and one.card_number is None and one.sub_relation_identifier is None
        for one in commands
    )


def post_transactions(
    tx: Connection, ctx: Context, state: ProgramState, commands: Sequence[SubmitTransaction]
) -> list[TransactionOutcome | TesseraError]:
    """Post many transactions in this database transaction: an outcome or a refusal each, in order."""
    ctx.principal.require(Permission.TRANSACTION_SUBMIT)
    return Earnings(tx, ctx, state, ctx.services.clock(), is_peeked=_is_plain(state, commands)).post(commands)


async def page_transactions(
    ctx: Context,
    member_ids: Sequence[int],
    *,
    first: int,
    before_id: int | None = None,
    only: TransactionFilter = ALL_TRANSACTIONS,
) -> dict[int, list[Transaction]]:
    """The newest transactions of each member (by id, descending), at most `first` each.

    Raises Forbidden, InvalidRequest (a reversed range).
    """
    ctx.principal.require(Permission.LEDGER_READ)

    def body(tx: Connection) -> dict[int, list[Transaction]]:
        state = ctx.program(tx)
        visible = ctx.visible_members(tx, member_ids)
        start, end = only.days.instants(state.zone)
        narrowed = Narrowing(statuses=only.statuses, kind=only.transaction_type, start=start, end=end)
        rows = page_stored(tx, state.id, visible, first=first, before_id=before_id, only=narrowed)
        pages: dict[int, list[Transaction]] = {one: [] for one in visible}
        for row in rows:
            pages[row.member_id].append(_transaction(row, state))
        return pages

    return await ctx.read(body)


async def list_transactions_by_id(ctx: Context, row_ids: Sequence[int]) -> dict[int, Transaction]:
    """Transactions of the caller's program by row id; a member sees its own only. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)

    def body(tx: Connection) -> dict[int, Transaction]:
        state, found = ctx.program(tx), find_transactions(tx, ctx.principal.program, row_ids)
        visible = set(ctx.visible_members(tx, sorted({one.member_id for one in found.values()})))
        return {one.id: _transaction(one, state) for one in found.values() if one.member_id in visible}

    return await ctx.read(body)


async def find_transaction(ctx: Context, transaction_id: str, transaction_type: str) -> Transaction | None:
    """The newest transaction of this type that was submitted under this id; a member's token finds its own only.

    None where there is none. Raises Forbidden.
    """
    ctx.principal.require(Permission.LEDGER_READ)

    def body(tx: Connection) -> Transaction | None:
        state, own = ctx.program(tx), ctx.own_members(tx)
        row = newest_transaction(tx, state.id, transaction_id, transaction_type, own)
        return None if row is None else _transaction(row, state)

    return await ctx.read(body)


def _transaction(row: StoredTransaction, state: ProgramState) -> Transaction:
    return Transaction(
        id=row.id,
        member_id=row.member_id,
        transaction_id=row.transaction_id,
        transaction_type=row.type,
        amount=row.amount,
        transaction_date=row.transaction_date,
        product_code=row.product_code,
        sub_product_code=row.sub_product_code,
        attributes=row.attributes,
        status=row.status,
        points=from_minor(row.points, state.places),
        source=row.source,
        processed_at=row.processed_at,
    )
