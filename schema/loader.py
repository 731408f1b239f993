"""DataLoaders of one request: what many fields ask for at once becomes one call of a use case.

One set belongs to one caller, so keys never cross programs. What several loaders want in the same moment is read in
one database transaction, and what has no use case for many at once one after the other, so that a request never holds
more than a few connections.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
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
from resolvers.transaction import Transaction, page_transactions

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


class ByKey(Generic[Key, Value]):
    """A loader for what a use case gives for many keys at once; made when a request first asks for it."""

    def __init__(self, load: Callable[[Context, list[Key]], Awaitable[Mapping[Key, Value]]]) -> None:
        self._load = load

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, loaders: "Loaders", owner: type | None = None) -> DataLoader[Key, Value | None]:
        # From now on the instance's own attribute is found first.
        made = loaders.__dict__[self._name] = _by_key(lambda keys: self._load(loaders.ctx, keys))
        return made


class OneByOne(Generic[Key, Value]):
    """The same for what has no use case for many at once."""

    def __init__(self, load: Callable[[Context, Key], Awaitable[Value]]) -> None:
        self._load = load

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, loaders: "Loaders", owner: type | None = None) -> DataLoader[Key, Value]:
        made = loaders.__dict__[self._name] = _one_by_one(lambda key: self._load(loaders.ctx, key))
        return made


class Loaders:
    """The loaders of one request of one caller."""

    member = ByKey[int, Member](list_members_by_id)
    balance = ByKey[int, Balance](list_balances)
    tier = ByKey[int, MemberTier](list_tiers)
    tier_way = ByKey[int, TierWay](list_tier_progress)
    tier_history = ByKey[int, list[TierChange]](list_tier_changes)
    membership = ByKey[int, Membership](list_memberships)
    entry = ByKey[int, LedgerEntry](list_entries_by_id)
    entry_lots = ByKey[int, Sequence[EntryLot]](list_entry_lots)
    entry_count = ByKey[int, int](count_entries)
    expiring = ByKey[int, Sequence[ExpiryPeriod]](list_expiring)
    redemption = ByKey[UUID, Redemption](list_redemptions)
    hold = ByKey[int, Hold](list_holds_by_id)
    points_request = ByKey[int, PointsRequest](list_requests_by_id)
    referrals = ByKey[int, Referrals](list_referrals)
    terms = ByKey[int, ProgramTerms](list_program_terms)
    summary = OneByOne[str, StatementSummary](get_statement_summary)
    statement = OneByOne[StatementQuery, StatementPage](list_statement)
    categories = OneByOne[StatementQuery, Sequence[CategoryRow]](get_categorized_statement)
    schedule = OneByOne[tuple[str, int], ExpirySchedule](lambda ctx, key: get_expiry_schedule(ctx, *key))
    program = OneByOne[int, Program](lambda ctx, _: get_program(ctx))
    batch = OneByOne[int, Batch](get_batch)
    batch_totals = OneByOne[int, BatchTotals](get_batch_totals)
    batch_rows = OneByOne[tuple[int, int, int], Sequence[BatchRow]](
        lambda ctx, key: list_batch_rows(ctx, key[0], after_line=key[1], limit=key[2])
    )

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx.sharing_reads()
        self._entries: dict[EntryPage, DataLoader[int, list[LedgerEntry] | None]] = {}
        self._sub_relations: dict[SubRelationPage, DataLoader[int, list[SubRelation] | None]] = {}
        self._transactions: dict[TransactionPage, DataLoader[int, list[Transaction] | None]] = {}
        self._holds: dict[HoldPage, DataLoader[int, list[Hold] | None]] = {}

    def entries(self, page: EntryPage) -> DataLoader[int, list[LedgerEntry] | None]:
        """The loader of one page of postings, for any number of members."""
        if page not in self._entries:
            self._entries[page] = _by_key(
                lambda keys: page_entries(
                    self.ctx, keys, first=page.size, older_than=page.older_than, newer_than=page.newer_than
                )
            )
        return self._entries[page]

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
                lambda keys: page_transactions(self.ctx, keys, first=page.size, before_id=page.before_id)
            )
        return self._transactions[page]

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
