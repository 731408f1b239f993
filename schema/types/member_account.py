"""What a member has of its account: balance, ledger, transactions, lots, holds, orders, statements, what expires."""

from datetime import UTC, date, datetime
from typing import Annotated

import strawberry

from resolvers.statement import EntryCursor, StatementQuery
from resolvers.statement import LedgerEntry as EntryRow
from schema.connection import (
    MAX_PAGE,
    After,
    Before,
    Connection,
    CountedConnection,
    First,
    Last,
    connection_of,
    counted,
    cut,
    edges_of,
    entry_cursor,
    lot_cursor,
    number_cursor,
    page_info,
    read_entry_cursor,
    read_lot_cursor,
    read_number_cursor,
    read_page,
)
from schema.context import Info
from schema.field import field
from schema.ledger_loader import EntryPage, HoldPage, LotPage, OrderPage, TransactionPage
from schema.types.balance import Balance, to_balance
from schema.types.entry import LedgerEntry, to_entry
from schema.types.expiry import ExpiryPeriod, ExpirySchedule, to_period, to_schedule
from schema.types.filter import LedgerFilter, TransactionsFilter, to_entry_filter, to_transaction_filter
from schema.types.hold import Hold, HoldStatus, to_hold
from schema.types.lot import Lot, PendingPoints, to_lot, to_pending
from schema.types.order import Order, OrderStatus, to_order
from schema.types.statement import (
    Statement,
    StatementCategory,
    StatementSummary,
    to_category,
    to_statement,
    to_summary,
)
from schema.types.transaction import Transaction, to_transaction

_OLDEST = EntryCursor(transaction_date=datetime(1800, 1, 1, tzinfo=UTC), entry_id=0)

From = Annotated[
    date | None,
    strawberry.argument(name="from", description="The first day of transaction dates; null: from the beginning."),
]
To = Annotated[date | None, strawberry.argument(description="The last day of transaction dates, inclusive.")]


def _place(row: EntryRow) -> str:
    return entry_cursor(row.stored.transaction_date, row.stored.id)


@strawberry.type
class MemberAccount:
    """The part of `Member` that its account answers."""

    relation_reference: str = strawberry.field(description="The program's own reference of the member; never changes.")
    row_id: strawberry.Private[int]

    @field("The figures of the account now.", always=True)
    async def balance(self, info: Info) -> Balance | None:
        row = await info.context.loaders.balance.load(self.row_id)
        return None if row is None else to_balance(row, info.context)

    @field(
        "The postings of the account, newest transaction date first. A cursor is a place in time, so that it is good "
        "under another filter as well.",
        always=True,
    )
    async def ledger(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[LedgerFilter | None, strawberry.argument(description="Only these; null: all.")] = None,
    ) -> CountedConnection[LedgerEntry] | None:
        context, page, only = info.context, read_page(first, after, last, before), to_entry_filter(filter)
        cursor = read_entry_cursor(page)
        asked = (
            EntryPage(page.size + 1, newer_than=cursor or _OLDEST, only=only)
            if page.backwards
            else EntryPage(page.size + 1, older_than=cursor, only=only)
        )
        loaders = context.loaders
        found, count = await counted(
            loaders.entries(asked).load(self.row_id),
            lambda: loaders.entry_counts(only).load(self.row_id),
            wanted=context.counts,
        )
        rows, has_more = cut(found or [], page)
        edges = edges_of(rows, lambda row: to_entry(row, context), _place)
        return CountedConnection(edges=edges, page_info=page_info(edges, page, has_more), count=count)

    @field(
        "The submitted transactions, newest submission first. A cursor is good under another filter as well.",
        always=True,
    )
    async def transactions(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        filter: Annotated[TransactionsFilter | None, strawberry.argument(description="Only these; null: all.")] = None,
    ) -> Connection[Transaction] | None:
        context, page = info.context, read_page(first, after)
        before_id, only = read_number_cursor("transactions", page), to_transaction_filter(filter)
        asked = TransactionPage(page.size + 1, before_id=before_id, only=only)
        rows, has_more = cut(await context.loaders.transactions(asked).load(self.row_id) or [], page)
        edges = edges_of(
            rows, lambda row: to_transaction(row, context), lambda row: number_cursor("transactions", row.id)
        )
        return Connection(edges=edges, page_info=page_info(edges, page, has_more))

    @field(
        "The lots that have points left, soonest expiry first: what will be spent next comes from the first that is "
        "not pending. What a hold gives back that lapsed is in its lots once that is booked.",
        always=True,
    )
    async def lots(self, info: Info, first: First = None, after: After = None) -> Connection[Lot] | None:
        context, page = info.context, read_page(first, after)
        asked = LotPage(page.size + 1, after=read_lot_cursor(page))
        rows, has_more = cut(await context.loaders.lots(asked).load(self.row_id) or [], page)
        edges = edges_of(rows, lambda row: to_lot(row, context), lambda row: lot_cursor(*row.place))
        return Connection(edges=edges, page_info=page_info(edges, page, has_more))

    @field("The coming instants at which pending points become available, soonest first.", always=True)
    async def pending(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most so many instants: 1 to 100.")] = 12,
    ) -> list[PendingPoints] | None:
        rows = await info.context.loaders.pending.load(self.row_id) or ()
        return [to_pending(row, info.context) for row in rows[: read_page(first, None).size]]

    @field("The holds, newest first.", always=True)
    async def holds(
        self,
        info: Info,
        status: Annotated[HoldStatus | None, strawberry.argument(description="Only these; null: all.")] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Hold] | None:
        context, page = info.context, read_page(first, after)
        wanted = None if status is None else status.name
        asked = HoldPage(page.size + 1, status=wanted, before_id=read_number_cursor("holds", page))
        rows, has_more = cut(await context.loaders.holds(asked).load(self.row_id) or [], page)
        edges = edges_of(rows, lambda row: to_hold(row, context), lambda row: number_cursor("holds", row.id))
        return Connection(edges=edges, page_info=page_info(edges, page, has_more))

    @field("The orders, newest first, with those of whom the member answers for since a merge.", always=True)
    async def orders(
        self,
        info: Info,
        status: Annotated[OrderStatus | None, strawberry.argument(description="Only these; null: all.")] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Order] | None:
        context, page = info.context, read_page(first, after)
        wanted = None if status is None else status.name
        asked = OrderPage(page.size + 1, status=wanted, before_id=read_number_cursor("orders", page))
        rows = await context.loaders.orders(asked).load(self.row_id) or []
        return connection_of(
            rows, page, lambda row: to_order(row, context), lambda row: number_cursor("orders", row.id)
        )

    @field("The published buckets of the whole account.", always=True)
    async def statement_summary(self, info: Info) -> StatementSummary | None:
        return to_summary(await info.context.loaders.summary.load(self.relation_reference))

    @field("Postings of a range of days in the program's time zone, newest first.", always=True)
    async def statement(
        self,
        info: Info,
        from_: From = None,
        to: To = None,
        types: Annotated[
            list[int] | None, strawberry.argument(description="Only these `loyaltyTxnType`s, at most 100; null: all.")
        ] = None,
        first: Annotated[int, strawberry.argument(description="At most so many: 1 to 100.")] = MAX_PAGE,
        skip: Annotated[int, strawberry.argument(description="Leave out so many of the newest.")] = 0,
    ) -> Statement | None:
        query = StatementQuery(
            relation_reference=self.relation_reference,
            date_from=from_,
            date_to=to,
            refuse_reversed=True,
            types=None if types is None else tuple(types),
            skip=skip,
            limit=read_page(first, None).size,
        )
        return to_statement(await info.context.loaders.statement.load(query), info.context)

    @field("Opening balance, a row for each category, closing balance; the rows add up.", always=True)
    async def categorized_statement(
        self, info: Info, from_: From = None, to: To = None
    ) -> list[StatementCategory] | None:
        query = StatementQuery(
            relation_reference=self.relation_reference, date_from=from_, date_to=to, refuse_reversed=True
        )
        return [to_category(row) for row in await info.context.loaders.categories.load(query)]

    @field("What expires in one calendar year of the program's time zone.", always=True)
    async def expiry_schedule(
        self, info: Info, year: Annotated[int, strawberry.argument(description="The year, 1900 to 2199.")]
    ) -> ExpirySchedule | None:
        row = await info.context.loaders.schedule.load((self.relation_reference, year))
        return to_schedule(row, info.context)

    @field("The coming expiry dates with the points that fall due, soonest first.", always=True)
    async def expiring(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="At most so many dates: 1 to 100.")] = 12,
    ) -> list[ExpiryPeriod] | None:
        rows = await info.context.loaders.expiring.load(self.row_id) or ()
        return [to_period(row, info.context) for row in rows[: read_page(first, None).size]]
