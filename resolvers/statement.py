"""Use cases that read the ledger: statements, balances of many members, expiry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from domain.clock import NEVER
from domain.errors import InvalidRequest, NoTransactions
from domain.ledger.posting import EXPIRY, HOLD
from domain.points import from_minor
from domain.program_zone import start_of_day, to_instant
from domain.store import entry as store
from domain.store.balance import Figures, read_figures
from domain.store.hold import unbooked_lapses
from domain.store.program import ProgramState
from resolvers.balance import Balance, balance_of
from resolvers.context import Context
from resolvers.entry import CATEGORY_ORDER, LedgerEntry, category_of, known_types
from resolvers.expiry_schedule import ExpiryPeriod, ExpirySchedule, get_expiry_schedule, list_expiring
from resolvers.holder import Holder, find_holder, own_reference
from resolvers.ledger import (
    EntryCursor,
    EntryFilter,
    EntryLot,
    count_entries,
    list_balances,
    list_entries_by_id,
    list_entries_of_transactions,
    list_entry_lots,
    page_entries,
)

__all__ = [
    "Balance",
    "CategoryRow",
    "EntryCursor",
    "EntryFilter",
    "EntryLot",
    "ExpiryPeriod",
    "ExpirySchedule",
    "LedgerEntry",
    "StatementPage",
    "StatementQuery",
    "StatementSummary",
    "count_entries",
    "get_categorized_statement",
    "get_expiry_schedule",
    "get_statement_summary",
    "list_balances",
    "list_entries_by_id",
    "list_entries_of_transactions",
    "list_entry_lots",
    "list_expiring",
    "list_statement",
    "page_entries",
]

MAX_PAGE = 500
MAX_TYPES = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class StatementSummary:
    """The published buckets; `point_balance` is their sum."""

    point_balance: Decimal
    bonus: Decimal
    spend: Decimal
    redeem: Decimal
    partner: Decimal
    purchased: Decimal
    other_accrued: Decimal
    expired_points: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class StatementQuery:
    """A range of a member's postings by transaction date, inclusive, in the program's zone.

    `date_from` and `date_to` are dates or date-times without zone (program's) or aware.
    `refuse_reversed`: one that ends before it begins is an error; else nothing is in it.
    `types` None: all; else at most 100 different ones. `skip` is 0-based, `limit` at most 500.
    """

    relation_reference: str | None
    date_from: date | datetime | None = None
    date_to: date | datetime | None = None
    types: Sequence[int] | None = None
    skip: int = 0
    limit: int = MAX_PAGE
    currency: str = "DEFAULT"
    refuse_reversed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StatementPage:
    """The entries of one page, newest first, and how many match in all."""

    entries: Sequence[LedgerEntry]
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CategoryRow:
    """One row of the categorised statement; `loyalty_txn_type` None on balances."""

    category: str
    loyalty_txn_type: int | None
    points: Decimal
    transactions: int


async def get_statement_summary(
    ctx: Context, relation_reference: str | None, currency: str = "DEFAULT"
) -> StatementSummary:
    """The published buckets of a member. Raises BadRequest, Forbidden, MemberNotFound."""
    reference, now = own_reference(ctx, relation_reference), ctx.services.clock()

    def body(tx: Connection) -> StatementSummary:
        holder = find_holder(tx, ctx, reference, currency)
        figures = read_figures(tx, holder.state.id, [holder.member_id], now, currency)
        empty = Figures(0, holder.member_id, 0, 0, 0, 0, 0, NEVER)
        balance = balance_of(figures[0] if figures else empty, holder.state)
        return StatementSummary(
            point_balance=balance.total,
            bonus=balance.bonus,
            spend=balance.spend,
            redeem=balance.redeemed,
            partner=balance.partner,
            purchased=balance.purchased,
            other_accrued=balance.other,
            expired_points=balance.expired,
        )

    return await ctx.read(body)


def _range(query: StatementQuery, state: ProgramState) -> tuple[datetime | None, datetime | None]:
    """[start, end) in UTC: a date alone means its whole day, a time its whole millisecond. Raises InvalidRequest."""
    start = None if query.date_from is None else to_instant(query.date_from, state.zone)
    if query.date_to is None:
        return start, None
    if isinstance(query.date_to, datetime):
        end = to_instant(query.date_to, state.zone) + timedelta(milliseconds=1)
    else:
        end = start_of_day(query.date_to + timedelta(days=1), state.zone)
    if query.refuse_reversed and start is not None and end <= start:
        raise InvalidRequest("to: lies before from", field="to")
    return start, end


async def list_statement(ctx: Context, query: StatementQuery) -> StatementPage:
    """The postings of a range, newest first.

    Raises BadRequest, Forbidden, InvalidRequest (page, types), MemberNotFound, NoTransactions (unknown types),
    InvalidRequest (a reversed range).
    """
    reference = own_reference(ctx, query.relation_reference)
    if query.skip < 0:
        raise InvalidRequest("MinimumRange: must be 0 or more", field="skip")
    if query.limit < 1:
        raise InvalidRequest("MaximumRange: must be 1 or more", field="limit")
    types = None if query.types is None else set(query.types)
    if types is not None and len(types) > MAX_TYPES:
        raise InvalidRequest(f"types: at most {MAX_TYPES}", field="types")

    def body(tx: Connection) -> StatementPage:
        holder = find_holder(tx, ctx, reference, query.currency)
        if types is not None and not types <= known_types(holder.state):
            raise NoTransactions
        start, end = _range(query, holder.state)
        if holder.account_id is None:
            return StatementPage(entries=[], count=0)
        entries, count = store.read_statement(
            tx,
            holder.state.id,
            holder.account_id,
            start=start,
            end=end,
            types=None if types is None else sorted(types),
            skip=query.skip,
            limit=min(query.limit, MAX_PAGE),
        )
        return StatementPage(
            entries=[LedgerEntry(one, holder.state, ctx.services.keys) for one in entries], count=count
        )

    return await ctx.read(body)


async def get_categorized_statement(ctx: Context, query: StatementQuery) -> Sequence[CategoryRow]:
    """Opening balance, a row a category, closing balance; the rows add up.

    Raises BadRequest, Forbidden, MemberNotFound, InvalidRequest (a reversed range).
    """
    reference, now = own_reference(ctx, query.relation_reference), ctx.services.clock()

    def body(tx: Connection) -> Sequence[CategoryRow]:
        holder = find_holder(tx, ctx, reference, query.currency)
        start, end = _range(query, holder.state)
        return _categorized(tx, holder, start, end, now)

    return await ctx.read(body)


def _categorized(
    tx: Connection, holder: Holder, start: datetime | None, end: datetime | None, now: datetime
) -> Sequence[CategoryRow]:
    state = holder.state
    before = [] if start is None else store.read_totals(tx, state.id, holder.account_id or 0, None, start)
    totals = store.read_totals(tx, state.id, holder.account_id or 0, start, end)
    unbooked = _unbooked(tx, state, holder.account_id or 0, now)
    opening = sum(one.points for one in before)
    sums: dict[tuple[str, int], tuple[int, int]] = {}
    for at, key, points in unbooked:
        if start is not None and at < start:
            opening += points
        elif end is None or at < end:
            sums[key] = (sums.get(key, (0, 0))[0] + points, 0)
    for one in totals:
        key = (category_of(one.kind, one.bucket), one.loyalty_txn_type)
        points, count = sums.get(key, (0, 0))
        sums[key] = (points + one.points, count + one.count)
    closing = opening + sum(points for points, _ in sums.values())
    ordered = sorted(sums.items(), key=lambda item: (CATEGORY_ORDER.index(item[0][0]), item[0][1]))
    return [
        _row(state, "OpeningBalance", None, opening, 0),
        *(_row(state, category, kind, points, count) for (category, kind), (points, count) in ordered),
        _row(state, "ClosingBalance", None, closing, 0),
    ]


def _unbooked(
    tx: Connection, state: ProgramState, account_id: int, now: datetime
) -> list[tuple[datetime, tuple[str, int], int]]:
    """What has expired or lapsed and will be booked later: when, under which category and type, signed points."""
    expired, released = ("Expired", EXPIRY), ("Held", HOLD)
    found = [(at, expired, -points) for at, points in store.unbooked_due(tx, state.id, account_id, now)]
    for lapsed_at, expires_at, points in unbooked_lapses(tx, state.id, account_id, now):
        found.append((lapsed_at, released, points))
        if expires_at <= now:
            found.append((max(lapsed_at, expires_at), expired, -points))
    return found


def _row(state: ProgramState, category: str, txn_type: int | None, points: int, count: int) -> CategoryRow:
    return CategoryRow(
        category=category,
        loyalty_txn_type=txn_type,
        points=from_minor(points, state.places),
        transactions=count,
    )
