"""Use cases that read the ledger: statements, balances of many members, expiry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from domain.access import Permission
from domain.clock import NEVER
from domain.errors import BadRequest, InvalidRequest, MemberNotFound, NoTransactions
from domain.points import from_minor
from domain.program_zone import start_of_day, to_instant
from domain.store import entry as store
from domain.store.balance import Figures, accounts_of, expiry_dates, read_figures
from domain.store.member import find_members
from domain.store.program import ProgramState
from resolvers.balance import Balance, balance_of
from resolvers.context import Context
from resolvers.entry import CATEGORY_ORDER, LedgerEntry, category_of, entry_of, known_types

__all__ = [
    "Balance",
    "CategoryRow",
    "EntryCursor",
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
    "list_expiring",
    "list_statement",
    "page_entries",
]

MAX_PAGE = 500
_PERIODS = {"quarter": "Quarterly", "year": "Annually"}


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
    `types` None: all. `skip` is 0-based, `limit` at most 500.
    """

    relation_reference: str | None
    date_from: date | datetime | None = None
    date_to: date | datetime | None = None
    types: Sequence[int] | None = None
    skip: int = 0
    limit: int = MAX_PAGE
    currency: str = "DEFAULT"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpiryPeriod:
    """What is good until one date: `available` = accrual - redeemed - blocked - expired.

    `schedule_date` is the last millisecond in which the points can be spent, in UTC.
    """

    schedule_date: datetime
    accrual: Decimal
    redeemed: Decimal
    blocked: Decimal
    expired: Decimal
    available: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpirySchedule:
    """`period` is Monthly, Quarterly or Annually, by the program's expiry policy."""

    period: str
    periods: Sequence[ExpiryPeriod]


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryCursor:
    """A place in a member's ledger, which is ordered by transaction date, then id."""

    transaction_date: datetime
    entry_id: int


@dataclass(frozen=True, slots=True)
class _Holder:
    """The member that a statement is about, in its program."""

    state: ProgramState
    member_id: int
    account_id: int | None


def _holder(tx: Connection, ctx: Context, reference: str | None, currency: str) -> _Holder:
    state = ctx.program(tx)
    found = find_members(tx, ctx.services.keys, state.id, references=[reference or ""])
    if not found:
        raise MemberNotFound
    member_id = found[0].member.id
    return _Holder(state, member_id, accounts_of(tx, state.id, [member_id], currency).get(member_id))


def _reference(ctx: Context, given: str | None) -> str:
    ctx.principal.require(Permission.LEDGER_READ)
    reference = ctx.principal.member(given)
    if not reference:
        raise BadRequest("RelationReference: is missing", field="relation_reference")
    return reference


async def get_statement_summary(
    ctx: Context, relation_reference: str | None, currency: str = "DEFAULT"
) -> StatementSummary:
    """The published buckets of a member. Raises BadRequest, Forbidden, MemberNotFound."""
    reference, now = _reference(ctx, relation_reference), ctx.services.clock()

    def body(tx: Connection) -> StatementSummary:
        holder = _holder(tx, ctx, reference, currency)
        figures = read_figures(tx, holder.state.id, [holder.member_id], now, currency)
        empty = Figures(0, holder.member_id, 0, 0, 0, 0, 0, NEVER)
        balance = balance_of(figures[0] if figures else empty, holder.state)
        return StatementSummary(
            point_balance=balance.available,
            bonus=balance.bonus,
            spend=balance.spend,
            redeem=balance.redeemed,
            partner=Decimal(0),
            purchased=Decimal(0),
            other_accrued=Decimal(0),
            expired_points=balance.expired,
        )

    return await ctx.read(body)


def _range(query: StatementQuery, state: ProgramState) -> tuple[datetime | None, datetime | None]:
    """[start, end) in UTC: a date alone means its whole day, a time its whole millisecond."""
    start = None if query.date_from is None else to_instant(query.date_from, state.zone)
    if query.date_to is None:
        return start, None
    if isinstance(query.date_to, datetime):
        return start, to_instant(query.date_to, state.zone) + timedelta(milliseconds=1)
    return start, start_of_day(query.date_to + timedelta(days=1), state.zone)


async def list_statement(ctx: Context, query: StatementQuery) -> StatementPage:
    """The postings of a range, newest first.

    Raises BadRequest, Forbidden, InvalidRequest (range), NoTransactions (unknown types), MemberNotFound.
    """
    reference = _reference(ctx, query.relation_reference)
    if query.skip < 0 or query.limit < 1:
        raise InvalidRequest("MinimumRange must be 0 or more, MaximumRange 1 or more", field="range")

    def body(tx: Connection) -> StatementPage:
        holder = _holder(tx, ctx, reference, query.currency)
        if query.types is not None and not set(query.types) <= known_types(holder.state):
            raise NoTransactions
        if holder.account_id is None:
            return StatementPage(entries=[], count=0)
        start, end = _range(query, holder.state)
        entries, count = store.read_statement(
            tx,
            holder.state.id,
            holder.account_id,
            start=start,
            end=end,
            types=query.types,
            skip=query.skip,
            limit=min(query.limit, MAX_PAGE),
        )
        return StatementPage(entries=[entry_of(one, holder.state) for one in entries], count=count)

    return await ctx.read(body)


async def get_categorized_statement(ctx: Context, query: StatementQuery) -> Sequence[CategoryRow]:
    """Opening balance, a row a category, closing balance; the rows add up.

    Raises BadRequest, Forbidden, MemberNotFound.
    """
    reference, now = _reference(ctx, query.relation_reference), ctx.services.clock()

    def body(tx: Connection) -> Sequence[CategoryRow]:
        holder = _holder(tx, ctx, reference, query.currency)
        start, end = _range(query, holder.state)
        return _categorized(tx, holder, start, end, now)

    return await ctx.read(body)


def _categorized(
    tx: Connection, holder: _Holder, start: datetime | None, end: datetime | None, now: datetime
) -> Sequence[CategoryRow]:
    state = holder.state
    before = [] if start is None else store.read_totals(tx, state.id, holder.account_id or 0, None, start)
    totals = store.read_totals(tx, state.id, holder.account_id or 0, start, end)
    due = store.unbooked_due(tx, state.id, holder.account_id or 0, now)
    due_before = sum(points for at, points in due if start is not None and at < start)
    due_within = sum(points for at, points in due if (start is None or at >= start) and (end is None or at < end))
    opening = sum(one.points for one in before) - due_before
    sums: dict[tuple[str, int], tuple[int, int]] = {}
    if due_within:
        sums["Expired", 10] = (-due_within, 0)
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


def _row(state: ProgramState, category: str, txn_type: int | None, points: int, count: int) -> CategoryRow:
    return CategoryRow(
        category=category,
        loyalty_txn_type=txn_type,
        points=from_minor(points, state.places),
        transactions=count,
    )


async def get_expiry_schedule(
    ctx: Context, relation_reference: str | None, year: int, currency: str = "DEFAULT"
) -> ExpirySchedule:
    """What expires in a calendar year of the program's zone.

    Raises BadRequest, Forbidden, InvalidRequest (year), MemberNotFound.
    """
    reference, now = _reference(ctx, relation_reference), ctx.services.clock()
    if not 1900 <= year < 2200:
        raise InvalidRequest("Year: out of range", field="year")

    def body(tx: Connection) -> ExpirySchedule:
        holder = _holder(tx, ctx, reference, currency)
        zone = holder.state.zone
        # A lot is good until the instant after its last day, so a year's dates end with the next year's first.
        start = start_of_day(date(year, 1, 1), zone) + timedelta(microseconds=1)
        end = start_of_day(date(year + 1, 1, 1), zone) + timedelta(microseconds=1)
        dates = expiry_dates(tx, holder.state.id, [holder.account_id or 0], start, end)
        expiry = holder.state.configuration.expiry
        return ExpirySchedule(
            period=_PERIODS.get(expiry.period_end, "Monthly"),
            periods=[
                _period(holder.state, one.expires_at, one.earned, one.remaining, one.expired, now) for one in dates
            ],
        )

    return await ctx.read(body)


def _period(
    state: ProgramState, at: datetime, earned: int, remaining: int, expired: int, now: datetime
) -> ExpiryPeriod:
    gone = expired + (remaining if at <= now else 0)
    left = 0 if at <= now else remaining
    return ExpiryPeriod(
        schedule_date=at - timedelta(milliseconds=1),
        accrual=from_minor(earned, state.places),
        redeemed=from_minor(earned - gone - left, state.places),
        blocked=Decimal(0),
        expired=from_minor(gone, state.places),
        available=from_minor(left, state.places),
    )


async def list_balances(ctx: Context, member_ids: Sequence[int]) -> dict[int, Balance]:
    """The balances of many members in a fixed number of statements. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)
    now = ctx.services.clock()

    def body(tx: Connection) -> dict[int, Balance]:
        state = ctx.program(tx)
        visible = ctx.visible_members(tx, member_ids)
        figures = read_figures(tx, state.id, visible, now, with_next=True)
        return {one.member_id: balance_of(one, state) for one in figures}

    return await ctx.read(body)


async def page_entries(
    ctx: Context,
    member_ids: Sequence[int],
    *,
    first: int,
    older_than: EntryCursor | None = None,
    newer_than: EntryCursor | None = None,
) -> dict[int, list[LedgerEntry]]:
    """At most `first` postings of each member, newest first, in a fixed number of statements.

    With `newer_than` alone the page next to that cursor on its newer side, still newest first.
    """
    ctx.principal.require(Permission.LEDGER_READ)

    def body(tx: Connection) -> dict[int, list[LedgerEntry]]:
        state = ctx.program(tx)
        pages: dict[int, list[LedgerEntry]] = {one: [] for one in ctx.visible_members(tx, member_ids)}
        found = store.page_entries(
            tx,
            state.id,
            list(pages),
            first=first,
            older_than=_place(older_than),
            newer_than=_place(newer_than),
        )
        for one in found:
            pages[one.member_id].append(entry_of(one, state))
        return pages

    return await ctx.read(body)


def _place(cursor: EntryCursor | None) -> tuple[datetime, int] | None:
    return None if cursor is None else (cursor.transaction_date.astimezone(UTC), cursor.entry_id)


async def count_entries(ctx: Context, member_ids: Sequence[int]) -> dict[int, int]:
    """How many postings each member has. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)

    def body(tx: Connection) -> dict[int, int]:
        return store.count_entries(tx, ctx.principal.program, ctx.visible_members(tx, member_ids))

    return await ctx.read(body)


async def list_entries_by_id(ctx: Context, entry_ids: Sequence[int]) -> dict[int, LedgerEntry]:
    """Postings of the caller's program by id; a member sees its own only. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)
    own = ctx.principal.member_reference

    def body(tx: Connection) -> dict[int, LedgerEntry]:
        state = ctx.program(tx)
        found = store.find_entries(tx, state.id, entry_ids)
        return {one.id: entry_of(one, state) for one in found if own in {None, one.relation_reference}}

    return await ctx.read(body)


async def list_expiring(ctx: Context, member_ids: Sequence[int]) -> dict[int, Sequence[ExpiryPeriod]]:
    """The coming expiry dates of each member with the points that fall due, soonest first. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)
    now = ctx.services.clock()

    def body(tx: Connection) -> dict[int, Sequence[ExpiryPeriod]]:
        state = ctx.program(tx)
        accounts = accounts_of(tx, state.id, ctx.visible_members(tx, member_ids))
        coming: dict[int, list[ExpiryPeriod]] = {one: [] for one in accounts.values()}
        start = now + timedelta(microseconds=1)
        for one in expiry_dates(tx, state.id, list(coming), start, NEVER):
            if one.remaining:
                coming[one.account_id].append(
                    _period(state, one.expires_at, one.earned, one.remaining, one.expired, now)
                )
        return {member_id: coming[account_id] for member_id, account_id in accounts.items()}

    return await ctx.read(body)
