"""DataLoaders of one request: what many fields ask for at once becomes one call of a use case.

One set belongs to one caller, so keys never cross programs. What has no use case for many at once is
read one after the other, so that a request never holds more than a few connections.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from domain.errors import TesseraError
from resolvers.batch import Batch, BatchRow, BatchTotals, get_batch, get_batch_totals, list_batch_rows
from resolvers.context import Context
from resolvers.hold import Hold, list_holds_by_id, page_holds_of
from resolvers.member import Member, list_members_by_id
from resolvers.points_request import PointsRequest, list_requests_by_id
from resolvers.program import Program, ProgramTerms, get_program, list_program_terms
from resolvers.redemption import Redemption, list_redemptions
from resolvers.referral import Referrals, list_referrals
from resolvers.segment import Membership, list_memberships
from resolvers.statement import (
    Balance,
    CategoryRow,
    EntryCursor,
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
    list_entry_lots,
    list_expiring,
    list_statement,
    page_entries,
)
from resolvers.sub_relation import SubRelation, page_sub_relations
from resolvers.tier_standing import (
    MemberTier,
    TierChange,
    TierWay,
    list_tier_changes,
    list_tier_progress,
    list_tiers,
)
from resolvers.transaction import Transaction, list_transactions_by_id, page_transactions

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Which postings of a member are asked for."""

    size: int
    older_than: EntryCursor | None = None
    newer_than: EntryCursor | None = None


@dataclass(frozen=True, slots=True)
class TransactionPage:
    """Which transactions of a member are asked for."""

    size: int
    before_id: int | None = None


@dataclass(frozen=True, slots=True)
class SubRelationPage:
    """Which sub-relations of a member are asked for."""

    size: int
    after_id: int | None = None


@dataclass(frozen=True, slots=True)
class HoldPage:
    """Which holds of a member are asked for."""

    size: int
    status: str | None = None
    before_id: int | None = None


class Loaders:
    """The loaders of one request of one caller."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self.member: DataLoader[int, Member | None] = _by_key(lambda keys: list_members_by_id(ctx, keys))
        self.balance: DataLoader[int, Balance | None] = _by_key(lambda keys: list_balances(ctx, keys))
        self.tier: DataLoader[int, MemberTier | None] = _by_key(lambda keys: list_tiers(ctx, keys))
        self.tier_way: DataLoader[int, TierWay | None] = _by_key(lambda keys: list_tier_progress(ctx, keys))
        self.tier_history: DataLoader[int, list[TierChange] | None] = _by_key(lambda keys: list_tier_changes(ctx, keys))
        self.membership: DataLoader[int, Membership | None] = _by_key(lambda keys: list_memberships(ctx, keys))
        self.entry: DataLoader[int, LedgerEntry | None] = _by_key(lambda keys: list_entries_by_id(ctx, keys))
        self.entry_lots: DataLoader[int, Sequence[EntryLot] | None] = _by_key(lambda keys: list_entry_lots(ctx, keys))
        self.entry_count: DataLoader[int, int | None] = _by_key(lambda keys: count_entries(ctx, keys))
        self.expiring: DataLoader[int, Sequence[ExpiryPeriod] | None] = _by_key(lambda keys: list_expiring(ctx, keys))
        self.redemption: DataLoader[UUID, Redemption | None] = _by_key(lambda keys: list_redemptions(ctx, keys))
        self.transaction: DataLoader[int, Transaction | None] = _by_key(lambda keys: list_transactions_by_id(ctx, keys))
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
        self.terms: DataLoader[int, ProgramTerms | None] = _by_key(lambda keys: list_program_terms(ctx, keys))
        self.batch: DataLoader[int, Batch] = _one_by_one(lambda key: get_batch(ctx, key))
        self.batch_totals: DataLoader[int, BatchTotals] = _one_by_one(lambda key: get_batch_totals(ctx, key))
        self.batch_rows: DataLoader[tuple[int, int, int], Sequence[BatchRow]] = _one_by_one(
            lambda key: list_batch_rows(ctx, key[0], after_line=key[1], limit=key[2])
        )
        self._entries: dict[EntryPage, DataLoader[int, list[LedgerEntry] | None]] = {}
        self._sub_relations: dict[SubRelationPage, DataLoader[int, list[SubRelation] | None]] = {}
        self._transactions: dict[TransactionPage, DataLoader[int, list[Transaction] | None]] = {}
        self._holds: dict[HoldPage, DataLoader[int, list[Hold] | None]] = {}

    def entries(self, page: EntryPage) -> DataLoader[int, list[LedgerEntry] | None]:
        """The loader of one page of postings, for any number of members."""
        if page not in self._entries:
            self._entries[page] = _by_key(
                lambda keys: page_entries(
                    self._ctx, keys, first=page.size, older_than=page.older_than, newer_than=page.newer_than
                )
            )
        return self._entries[page]

    def sub_relations(self, page: SubRelationPage) -> DataLoader[int, list[SubRelation] | None]:
        """The loader of one page of sub-relations, for any number of members."""
        if page not in self._sub_relations:
            self._sub_relations[page] = _by_key(
                lambda keys: page_sub_relations(self._ctx, keys, first=page.size, after_id=page.after_id)
            )
        return self._sub_relations[page]

    def transactions(self, page: TransactionPage) -> DataLoader[int, list[Transaction] | None]:
        """The loader of one page of transactions, for any number of members."""
        if page not in self._transactions:
            self._transactions[page] = _by_key(
                lambda keys: page_transactions(self._ctx, keys, first=page.size, before_id=page.before_id)
            )
        return self._transactions[page]

    def holds(self, page: HoldPage) -> DataLoader[int, list[Hold] | None]:
        """The loader of one page of holds, for any number of members."""
        if page not in self._holds:
            self._holds[page] = _by_key(
                lambda keys: page_holds_of(
                    self._ctx, keys, first=page.size, status=page.status, before_id=page.before_id
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
