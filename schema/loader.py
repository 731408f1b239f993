"""DataLoaders of one request: what many fields ask for at once becomes one call of a use case.

One set belongs to one caller, so keys never cross programs. What has no use case for many at once is
read one after the other, so that a request never holds more than a few connections.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from domain.errors import TesseraError
from resolvers.batch import Batch, BatchRow, BatchTotals, get_batch, get_batch_totals, list_batch_rows
from resolvers.context import Context
from resolvers.hold import Hold, list_holds_by_id, page_holds_of
from resolvers.lot import LotPlace, MemberLot, PendingPoints, list_lots_by_id, list_pending, page_lots
from resolvers.member import Member, list_members_by_id
from resolvers.points_request import PointsRequest, list_requests_by_id
from resolvers.program import Program, get_program
from resolvers.program_plan import ProgramPlan, list_program_plans
from resolvers.redemption import Redemption, list_redemptions
from resolvers.referral import Referrals, list_referrals
from resolvers.review import HeldTransaction, list_held_by_id
from resolvers.segment import Membership, list_memberships
from resolvers.sight import Sight
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
from resolvers.sub_relation import SubRelation, list_sub_relations_by_id, page_sub_relations
from resolvers.tier_standing import (
    MemberTier,
    TierChange,
    TierWay,
    list_tier_changes,
    list_tier_progress,
    list_tiers,
)
from resolvers.transaction import Transaction, TransactionFilter, list_transactions_by_id, page_transactions

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


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
class SubRelationPage:
    """Which sub-relations of a member are asked for."""

    size: int
    after_id: int | None = None


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


class Loaders:
    """The loaders of one request of one caller."""

    def __init__(self, given: Context) -> None:
        ctx = replace(given, sight=Sight(given.services.db))
        self.ctx = ctx
        """The call with what this request has seen, for use cases that read members."""
        self.member: DataLoader[int, Member | None] = _by_key(lambda keys: list_members_by_id(ctx, keys))
        self.balance: DataLoader[int, Balance | None] = _by_key(lambda keys: list_balances(ctx, keys))
        self.tier: DataLoader[int, MemberTier | None] = _by_key(lambda keys: list_tiers(ctx, keys))
        self.tier_way: DataLoader[int, TierWay | None] = _by_key(lambda keys: list_tier_progress(ctx, keys))
        self.tier_history: DataLoader[int, list[TierChange] | None] = _by_key(lambda keys: list_tier_changes(ctx, keys))
        self.membership: DataLoader[int, Membership | None] = _by_key(lambda keys: list_memberships(ctx, keys))
        self.entry: DataLoader[int, LedgerEntry | None] = _by_key(lambda keys: list_entries_by_id(ctx, keys))
        self.entry_lots: DataLoader[int, Sequence[EntryLot] | None] = _by_key(lambda keys: list_entry_lots(ctx, keys))
        self.transaction: DataLoader[int, Transaction | None] = _by_key(lambda keys: list_transactions_by_id(ctx, keys))
        self.transaction_entries: DataLoader[int, list[LedgerEntry] | None] = _by_key(
            lambda keys: list_entries_of_transactions(ctx, keys)
        )
        self.expiring: DataLoader[int, Sequence[ExpiryPeriod] | None] = _by_key(lambda keys: list_expiring(ctx, keys))
        self.pending: DataLoader[int, Sequence[PendingPoints] | None] = _by_key(lambda keys: list_pending(ctx, keys))
        self.lot: DataLoader[int, MemberLot | None] = _by_key(lambda keys: list_lots_by_id(ctx, keys))
        self.redemption: DataLoader[UUID, Redemption | None] = _by_key(lambda keys: list_redemptions(ctx, keys))
        self.sub_relation: DataLoader[int, SubRelation | None] = _by_key(
            lambda keys: list_sub_relations_by_id(ctx, keys)
        )
        self.held: DataLoader[int, HeldTransaction | None] = _by_key(lambda keys: list_held_by_id(ctx, keys))
        self.hold: DataLoader[int, Hold | None] = _by_key(lambda keys: list_holds_by_id(ctx, keys))
        self.points_request: DataLoader[int, PointsRequest | None] = _by_key(
            lambda keys: list_requests_by_id(ctx, keys)
        )
        self.referrals: DataLoader[int, Referrals | None] = _by_key(lambda keys: list_referrals(ctx, keys))
        self.summary: DataLoader[str, StatementSummary] = _one_by_one(lambda name: get_statement_summary(ctx, name))
        self.statement: DataLoader[StatementQuery, StatementPage] = _one_by_one(
            lambda query: list_statement(ctx, query)
        )
        self.categories: DataLoader[StatementQuery, Sequence[CategoryRow]] = _one_by_one(
            lambda query: get_categorized_statement(ctx, query)
        )
        self.schedule: DataLoader[tuple[str, int], ExpirySchedule] = _one_by_one(
            lambda key: get_expiry_schedule(ctx, *key)
        )
        self.program: DataLoader[int, Program] = _one_by_one(lambda _: get_program(ctx))
        self.plan: DataLoader[int, ProgramPlan | None] = _by_key(lambda keys: list_program_plans(ctx, keys))
        self.batch: DataLoader[int, Batch] = _one_by_one(lambda key: get_batch(ctx, key))
        self.batch_totals: DataLoader[int, BatchTotals] = _one_by_one(lambda key: get_batch_totals(ctx, key))
        self.batch_rows: DataLoader[tuple[int, int, int], Sequence[BatchRow]] = _one_by_one(
            lambda key: list_batch_rows(ctx, key[0], after_line=key[1], limit=key[2])
        )
        self._entry_counts: dict[EntryFilter, DataLoader[int, int | None]] = {}
        self._entries: dict[EntryPage, DataLoader[int, list[LedgerEntry] | None]] = {}
        self._sub_relations: dict[SubRelationPage, DataLoader[int, list[SubRelation] | None]] = {}
        self._transactions: dict[TransactionPage, DataLoader[int, list[Transaction] | None]] = {}
        self._lots: dict[LotPage, DataLoader[int, list[MemberLot] | None]] = {}
        self._holds: dict[HoldPage, DataLoader[int, list[Hold] | None]] = {}

    def entries(self, page: EntryPage) -> DataLoader[int, list[LedgerEntry] | None]:
        """The loader of one page of postings, for any number of members."""
        if page not in self._entries:
            self._entries[page] = _by_key(
                lambda keys: page_entries(
                    self.ctx,
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
            self._entry_counts[only] = _by_key(lambda keys: count_entries(self.ctx, keys, only))
        return self._entry_counts[only]

    def sub_relations(self, page: SubRelationPage) -> DataLoader[int, list[SubRelation] | None]:
        """The loader of one page of sub-relations, for any number of members."""
        if page not in self._sub_relations:
            self._sub_relations[page] = _by_key(
                lambda keys: page_sub_relations(self.ctx, keys, first=page.size, after_id=page.after_id)
            )
        return self._sub_relations[page]

    def transactions(self, page: TransactionPage) -> DataLoader[int, list[Transaction] | None]:
        """The loader of one page of transactions, for any number of members."""
        if page not in self._transactions:
            self._transactions[page] = _by_key(
                lambda keys: page_transactions(
                    self.ctx, keys, first=page.size, before_id=page.before_id, only=page.only
                )
            )
        return self._transactions[page]

    def lots(self, page: LotPage) -> DataLoader[int, list[MemberLot] | None]:
        """The loader of one page of lots, for any number of members."""
        if page not in self._lots:
            self._lots[page] = _by_key(lambda keys: page_lots(self.ctx, keys, first=page.size, after=page.after))
        return self._lots[page]

    def holds(self, page: HoldPage) -> DataLoader[int, list[Hold] | None]:
        """The loader of one page of holds, for any number of members."""
        if page not in self._holds:
            self._holds[page] = _by_key(
                lambda keys: page_holds_of(
                    self.ctx, keys, first=page.size, status=page.status, before_id=page.before_id
                )
            )
        return self._holds[page]


def _by_key(load: Callable[[list[Key]], Awaitable[Mapping[Key, Value]]]) -> DataLoader[Key, Value | None]:
    async def load_many(keys: list[Key]) -> Sequence[Value | None]:
        found = await load(keys)
        return [found.get(key) for key in keys]

    return DataLoader(load_fn=load_many)


def _one_by_one(load: Callable[[Key], Awaitable[Value]]) -> DataLoader[Key, Value]:
    async def load_many(keys: list[Key]) -> Sequence[Value | BaseException]:
        return [await _outcome(load(key)) for key in keys]

    return DataLoader(load_fn=load_many)


async def _outcome(pending: Awaitable[Any]) -> Any:
    """The value, or the refusal in its place, so that one refused key leaves the others alone."""
    try:
        return await pending
    except TesseraError as refusal:
        return refusal
