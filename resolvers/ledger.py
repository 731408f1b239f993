"""Use cases that read the ledger of many members in a fixed number of statements."""

# What functions within functions say of their types is not to be worked out each time.
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from domain.access import Permission
from domain.store import entry_page as store
from domain.store.asking import Asking, together
from domain.store.balance import figures_with_next
from domain.store.entry import find_entries
from domain.store.lot import lots_of_entries
from domain.store.program import ProgramState
from resolvers.balance import Balance, balance_of
from resolvers.context import Context
from resolvers.days import ANY_DAY, Days
from resolvers.entry import EntryLot, LedgerEntry, entry_lot

__all__ = [
    "Balance",
    "EntryCursor",
    "EntryFilter",
    "EntryLot",
    "LedgerEntry",
    "count_entries",
    "list_balances",
    "list_entries_by_id",
    "list_entries_of_transactions",
    "list_entry_lots",
    "page_entries",
    "page_posted",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryCursor:
    """A place in a member's ledger, which is ordered by transaction date, then id."""

    transaction_date: datetime
    entry_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryFilter:
    """Which postings are asked for: of these kinds and buckets (None: all), with a transaction date on these days."""

    kinds: frozenset[str] | None = None
    buckets: frozenset[str] | None = None
    days: Days = ANY_DAY

    def narrowing(self, state: ProgramState) -> store.Narrowing:
        """The same as the store has it. Raises InvalidRequest."""
        start, end = self.days.instants(state.zone)
        return store.Narrowing(kinds=self.kinds, buckets=self.buckets, start=start, end=end)


ALL_ENTRIES = EntryFilter()


async def list_balances(ctx: Context, member_ids: Sequence[int]) -> dict[int, Balance]:
    """The balances of many members in a fixed number of statements. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)
    now = ctx.services.clock()

    def asking() -> Asking[dict[int, Balance]]:
        visible = yield from ctx.asking_visible(member_ids)
        figures = figures_with_next(ctx.principal.program, visible, now)
        state, found = yield from together(ctx.asking_program(), figures)
        return {one.member_id: balance_of(one, state) for one in found}

    return await ctx.ask(asking)


async def page_entries(
    ctx: Context,
    member_ids: Sequence[int],
    *,
    first: int,
    older_than: EntryCursor | None = None,
    newer_than: EntryCursor | None = None,
    only: EntryFilter = ALL_ENTRIES,
) -> dict[int, list[LedgerEntry]]:
    """At most `first` postings of each member, newest first, in a fixed number of statements.

    With `newer_than` alone the page next to that cursor on its newer side, still newest first.
    Raises Forbidden, InvalidRequest (a reversed range).
    """
    ctx.principal.require(Permission.LEDGER_READ)

    def asking() -> Asking[dict[int, list[LedgerEntry]]]:
        visible = yield from ctx.asking_visible(member_ids)
        # The zone of the program says when days begin.
        narrowing = store.Narrowing() if only == ALL_ENTRIES else only.narrowing((yield from ctx.asking_program()))
        page = store.page_entries(
            ctx.principal.program,
            visible,
            first=first,
            older_than=_place(older_than),
            newer_than=_place(newer_than),
            only=narrowing,
        )
        state, found = yield from together(ctx.asking_program(), page)
        pages: dict[int, list[LedgerEntry]] = {one: [] for one in visible}
        for one in found:
            pages[one.member_id].append(LedgerEntry(one, state, ctx.services.keys))
        return pages

    return await ctx.ask(asking)


async def page_posted(
    ctx: Context, member_id: int, *, first: int, before_seq: int | None = None, only: EntryFilter = ALL_ENTRIES
) -> list[LedgerEntry]:
    """At most `first` postings of a member in the order in which they were made, newest first, as balances run.

    `page_entries` goes by what they are dated, which a later posting may be earlier. Raises Forbidden, InvalidRequest.
    """
    ctx.principal.require(Permission.LEDGER_READ)

    def body(tx: Connection) -> list[LedgerEntry]:
        state = ctx.program(tx)
        if not ctx.visible_members(tx, [member_id]):
            return []
        narrowing = only.narrowing(state)
        found = store.page_posted(tx, state.id, member_id, first=first, before_seq=before_seq, only=narrowing)
        return [LedgerEntry(one, state, ctx.services.keys) for one in found]

    return await ctx.read(body)


def _place(cursor: EntryCursor | None) -> tuple[datetime, int] | None:
    return None if cursor is None else (cursor.transaction_date.astimezone(UTC), cursor.entry_id)


async def count_entries(ctx: Context, member_ids: Sequence[int], only: EntryFilter = ALL_ENTRIES) -> dict[int, int]:
    """How many postings each member has. Raises Forbidden, InvalidRequest (a reversed range)."""
    ctx.principal.require(Permission.LEDGER_READ)

    def body(tx: Connection) -> dict[int, int]:
        visible = ctx.visible_members(tx, member_ids)
        if only == ALL_ENTRIES:
            return store.count_entries(tx, ctx.principal.program, visible)
        return store.count_narrowed(tx, ctx.principal.program, visible, only.narrowing(ctx.program(tx)))

    return await ctx.read(body)


async def list_entries_by_id(ctx: Context, entry_ids: Sequence[int]) -> dict[int, LedgerEntry]:
    """Postings of the caller's program by id; a member sees its own only. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)

    def body(tx: Connection) -> dict[int, LedgerEntry]:
        state = ctx.program(tx)
        own = ctx.own_members(tx)
        found = find_entries(tx, state.id, entry_ids)
        return {
            one.id: LedgerEntry(one, state, ctx.services.keys) for one in found if own is None or one.member_id in own
        }

    return await ctx.read(body)


async def list_entries_of_transactions(ctx: Context, row_ids: Sequence[int]) -> dict[int, list[LedgerEntry]]:
    """What these transactions posted, in the order of posting; a member sees its own only. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)

    def body(tx: Connection) -> dict[int, list[LedgerEntry]]:
        state, own = ctx.program(tx), ctx.own_members(tx)
        found: dict[int, list[LedgerEntry]] = {}
        for one in store.entries_of_transactions(tx, state.id, row_ids):
            if one.transaction_ref is not None and (own is None or one.member_id in own):
                found.setdefault(one.transaction_ref, []).append(LedgerEntry(one, state, ctx.services.keys))
        return found

    return await ctx.read(body)


async def list_entry_lots(ctx: Context, entry_ids: Sequence[int]) -> dict[int, list[EntryLot]]:
    """The lots that credits made, with their dates as they are now; a member sees its own only. Raises Forbidden."""
    ctx.principal.require(Permission.LEDGER_READ)

    def body(tx: Connection) -> dict[int, list[EntryLot]]:
        state, own = ctx.program(tx), ctx.own_members(tx)
        seen = entry_ids
        if own is not None:
            seen = [one.id for one in find_entries(tx, state.id, entry_ids) if one.member_id in own]
        found = lots_of_entries(tx, state.id, seen)
        return {one: [entry_lot(lot, state) for lot in lots] for one, lots in found.items()}

    return await ctx.read(body)
