"""Pages of the journal: postings of members and of transactions, and how many there are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, or_, select, union_all

from domain.models import account, ledger_entry
from domain.store.asking import Asking, need
from domain.store.entry import StoredEntry, entries_query, same_program, stored_entries
from domain.store.reading import Reading


def entries_of_transactions(tx: Connection, program_id: int, transactions: Sequence[int]) -> list[StoredEntry]:
    """The postings of these transactions, in the order of posting."""
    query = entries_query(program_id).where(
        # Named, so that the index serves a list whose values are not known yet when it is planned.
        ledger_entry.c.transaction_ref.is_not(None),
        ledger_entry.c.transaction_ref.in_(transactions),
    )
    return stored_entries(tx.execute(query.order_by(ledger_entry.c.id)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Narrowing:
    """Which postings are meant: of these kinds and buckets, dated in [start, end); None: any."""

    kinds: Collection[str] | None = None
    buckets: Collection[str] | None = None
    start: datetime | None = None
    end: datetime | None = None

    def apply(self, query: Select[Any]) -> Select[Any]:
        """The query, narrowed."""
        query = query if self.kinds is None else query.where(ledger_entry.c.kind.in_(sorted(self.kinds)))
        query = query if self.buckets is None else query.where(ledger_entry.c.bucket.in_(sorted(self.buckets)))
        query = query if self.start is None else query.where(ledger_entry.c.transaction_date >= self.start)
        return query if self.end is None else query.where(ledger_entry.c.transaction_date < self.end)


def page_entries(
    program_id: int,
    member_ids: Sequence[int],
    *,
    first: int,
    older_than: tuple[datetime, int] | None = None,
    newer_than: tuple[datetime, int] | None = None,
    only: Narrowing,
) -> Asking[list[StoredEntry]]:
    """At most `first` postings of each member, newest first, by one statement that stops early.

    With `newer_than` alone the page next to that place on its newer side.
    """
    if not member_ids:
        return []
    if len(member_ids) == 1 and only == Narrowing():
        query = _one_page(older_than is not None, newer_than is not None)
        given: dict[str, Any] = {"program_id": program_id, "member_id": member_ids[0], "first": first}
        for place, at, entry_id in ((older_than, "older_at", "older_id"), (newer_than, "newer_at", "newer_id")):
            if place is not None:
                given |= {at: place[0], entry_id: place[1]}
        entries = yield from need(Reading(query, given, stored_entries))
    else:
        whole = only.apply(entries_query(program_id))
        pages = [select(_page(whole, one, first, older_than, newer_than).subquery()) for one in member_ids]
        entries = yield from need(lambda tx: stored_entries(tx.execute(union_all(*pages))))
    return sorted(entries, key=lambda one: (one.transaction_date, one.id), reverse=True)


@cache
def _one_page(has_older: bool, has_newer: bool) -> Select[Any]:
    """The page of one member, which is built once: most callers show one."""
    at, entry_id = ledger_entry.c.transaction_date.type, ledger_entry.c.id.type
    return _page(
        entries_query(bindparam("program_id")),
        bindparam("member_id"),
        bindparam("first"),
        (bindparam("older_at", type_=at), bindparam("older_id", type_=entry_id)) if has_older else None,
        (bindparam("newer_at", type_=at), bindparam("newer_id", type_=entry_id)) if has_newer else None,
    )


def _page(query: Select[Any], member_id: Any, first: Any, older_than: Any, newer_than: Any) -> Select[Any]:
    """The page of a member, from values or from what stands for them."""
    query = query.where(account.c.member_id == member_id)
    if older_than is not None:
        query = query.where(_before(older_than))
    if newer_than is not None:
        query = query.where(_after(newer_than))
    from_below = newer_than is not None and older_than is None
    order = (ledger_entry.c.transaction_date, ledger_entry.c.id)
    return query.order_by(*(order if from_below else (one.desc() for one in order))).limit(first)


def _before(place: tuple[Any, Any]) -> ColumnElement[bool]:
    at, entry_id = place
    return or_(
        ledger_entry.c.transaction_date < at,
        and_(ledger_entry.c.transaction_date == at, ledger_entry.c.id < entry_id),
    )


def _after(place: tuple[Any, Any]) -> ColumnElement[bool]:
    at, entry_id = place
    return or_(
        ledger_entry.c.transaction_date > at,
        and_(ledger_entry.c.transaction_date == at, ledger_entry.c.id > entry_id),
    )


def page_posted(
    tx: Connection, program_id: int, member_id: int, *, first: int, before_seq: int | None, only: Narrowing
) -> list[StoredEntry]:
    """The postings of a member that were made last, or before one of them, newest first."""
    query = only.apply(entries_query(program_id)).where(account.c.member_id == member_id)
    query = query if before_seq is None else query.where(ledger_entry.c.seq < before_seq)
    return stored_entries(tx.execute(query.order_by(ledger_entry.c.seq.desc()).limit(first)))


def count_entries(tx: Connection, program_id: int, member_ids: Sequence[int]) -> dict[int, int]:
    """How many postings each member has: the version of the account counts them."""
    rows = tx.execute(
        select(account.c.member_id, func.sum(account.c.version).label("entries"))
        .where(account.c.program_id == program_id, account.c.member_id.in_(member_ids))
        .group_by(account.c.member_id)
    )
    return {row.member_id: int(row.entries) for row in rows}


def count_narrowed(tx: Connection, program_id: int, member_ids: Sequence[int], only: Narrowing) -> dict[int, int]:
    """How many postings that are meant each member has; who has none is left out."""
    counted = (
        select(account.c.member_id, func.count().label("entries"))
        .join(ledger_entry, same_program(account.c.id == ledger_entry.c.account_id, account.c.program_id))
        .where(account.c.program_id == program_id, account.c.member_id.in_(member_ids))
        .group_by(account.c.member_id)
    )
    return {row.member_id: row.entries for row in tx.execute(only.apply(counted))}
