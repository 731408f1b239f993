"""DataLoaders of what members have: balances, postings, transactions, lots, holds, orders, statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from strawberry.dataloader import DataLoader

from resolvers.context import Context
from resolvers.counterparty import list_counterparties
from resolvers.hold import Hold, list_holds_by_id, page_holds_of
from resolvers.lot import LotPlace, MemberLot, PendingPoints, list_lots_by_id, list_pending, page_lots
from resolvers.order_record import (
    Order,
    OrderDetail,
    list_order_details,
    list_orders_by_id,
    page_orders_of_members,
)
from resolvers.redemption import Redemption, list_redemptions
from resolvers.statement import (
    Balance,
    CategoryRow,
    EntryCursor,
    EntryFilter,
    EntryLot,
    ExpiryPeriod,
    ExpirySchedule,
    LedgerEntry,
    StatementPage,
    StatementQuery,
    StatementSummary,
    count_entries,
    get_categorized_statement,
    get_expiry_schedule,
    get_statement_summary,
    list_balances,
    list_entries_by_id,
    list_entries_of_transactions,
    list_entry_lots,
    list_expiring,
    list_statement,
    page_entries,
)
from resolvers.transaction import Transaction, TransactionFilter, list_transactions_by_id, page_transactions
from schema.batched import ByKey, OneByOne, by_key


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Which postings of a member are asked for."""

    size: int
    older_than: EntryCursor | None = None
    newer_than: EntryCursor | None = None
    only: EntryFilter = EntryFilter()


@dataclass(frozen=True, slots=True)
class TransactionPage:
    """Which transactions of a member are asked for."""

    size: int
    before_id: int | None = None
    only: TransactionFilter = TransactionFilter()


@dataclass(frozen=True, slots=True)
class LotPage:
    """Which lots of a member are asked for."""

    size: int
    after: LotPlace | None = None


@dataclass(frozen=True, slots=True)
class HoldPage:
    """Which holds of a member are asked for."""

    size: int
    status: str | None = None
    before_id: int | None = None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Which orders of a member are asked for."""

    size: int
    status: str | None = None
    before_id: int | None = None


class LedgerLoaders:
    """The loaders of accounts, of one request of one caller."""

    balance = ByKey[int, Balance](list_balances)
    entry = ByKey[int, LedgerEntry](list_entries_by_id)
    counterparty = ByKey[int, str](list_counterparties)
    entry_lots = ByKey[int, Sequence[EntryLot]](list_entry_lots)
    transaction = ByKey[int, Transaction](list_transactions_by_id)
    transaction_entries = ByKey[int, list[LedgerEntry]](list_entries_of_transactions)
    expiring = ByKey[int, Sequence[ExpiryPeriod]](list_expiring)
    pending = ByKey[int, Sequence[PendingPoints]](list_pending)
    lot = ByKey[int, MemberLot](list_lots_by_id)
    redemption = ByKey[UUID, Redemption](list_redemptions)
    hold = ByKey[int, Hold](list_holds_by_id)
    order = ByKey[int, Order](list_orders_by_id)
    order_detail = ByKey[int, OrderDetail](list_order_details)
    summary = OneByOne[str, StatementSummary](get_statement_summary)
    statement = OneByOne[StatementQuery, StatementPage](list_statement)
    categories = OneByOne[StatementQuery, Sequence[CategoryRow]](get_categorized_statement)
    schedule = OneByOne[tuple[str, int], ExpirySchedule](lambda ctx, key: get_expiry_schedule(ctx, *key))

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        """The call with what this request has seen, for use cases that read members.

        Loaders hold it and not us: what was read in a request goes with it, and no circle keeps it for the collector.
        """
        self._entry_counts: dict[EntryFilter, DataLoader[int, int | None]] = {}
        self._entries: dict[EntryPage, DataLoader[int, list[LedgerEntry] | None]] = {}
        self._transactions: dict[TransactionPage, DataLoader[int, list[Transaction] | None]] = {}
        self._lots: dict[LotPage, DataLoader[int, list[MemberLot] | None]] = {}
        self._holds: dict[HoldPage, DataLoader[int, list[Hold] | None]] = {}
        self._orders: dict[OrderPage, DataLoader[int, list[Order] | None]] = {}

    def entries(self, page: EntryPage) -> DataLoader[int, list[LedgerEntry] | None]:
        """The loader of one page of postings, for any number of members."""
        if page not in self._entries:
            ctx = self.ctx
            self._entries[page] = by_key(
                lambda keys: page_entries(
                    ctx,
                    keys,
                    first=page.size,
                    older_than=page.older_than,
                    newer_than=page.newer_than,
                    only=page.only,
                )
            )
        return self._entries[page]

    def entry_counts(self, only: EntryFilter) -> DataLoader[int, int | None]:
        """The loader of how many postings of a kind members have."""
        if only not in self._entry_counts:
            ctx = self.ctx
            self._entry_counts[only] = by_key(lambda keys: count_entries(ctx, keys, only))
        return self._entry_counts[only]

    def transactions(self, page: TransactionPage) -> DataLoader[int, list[Transaction] | None]:
        """The loader of one page of transactions, for any number of members."""
        if page not in self._transactions:
            ctx = self.ctx
            self._transactions[page] = by_key(
                lambda keys: page_transactions(ctx, keys, first=page.size, before_id=page.before_id, only=page.only)
            )
        return self._transactions[page]

    def lots(self, page: LotPage) -> DataLoader[int, list[MemberLot] | None]:
        """The loader of one page of lots, for any number of members."""
        if page not in self._lots:
            ctx = self.ctx
            self._lots[page] = by_key(lambda keys: page_lots(ctx, keys, first=page.size, after=page.after))
        return self._lots[page]

    def holds(self, page: HoldPage) -> DataLoader[int, list[Hold] | None]:
        """The loader of one page of holds, for any number of members."""
        if page not in self._holds:
            ctx = self.ctx
            self._holds[page] = by_key(
                lambda keys: page_holds_of(ctx, keys, first=page.size, status=page.status, before_id=page.before_id)
            )
        return self._holds[page]

    def orders(self, page: OrderPage) -> DataLoader[int, list[Order] | None]:
        """The loader of one page of orders, for any number of members."""
        if page not in self._orders:
            ctx = self.ctx
            self._orders[page] = by_key(
                lambda keys: page_orders_of_members(
                    ctx, keys, first=page.size, status=page.status, before_id=page.before_id
                )
            )
        return self._orders[page]
