"""Pages of members' postings, from cursor to cursor."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, or_, select, union_all

from domain.models import account, ledger_entry
from domain.store.entry import StoredEntry, entries_query, stored_entries
from domain.store.reading import Reading, read


def page_entries(
    tx: Connection,
    program_id: int,
    member_ids: Sequence[int],
    *,
    first: int,
    older_than: tuple[datetime, int] | None = None,
    newer_than: tuple[datetime, int] | None = None,
) -> list[StoredEntry]:
    """At most `first` postings of each member, newest first, by one statement that stops early.

    With `newer_than` alone the page next to that place on its newer side.
    """
    if not member_ids:
        return []
    if len(member_ids) == 1:
        query = _one_page(older_than is not None, newer_than is not None)
        given: dict[str, Any] = {"program_id": program_id, "member_id": member_ids[0], "first": first}
        for place, at, entry_id in ((older_than, "older_at", "older_id"), (newer_than, "newer_at", "newer_id")):
            if place is not None:
                given |= {at: place[0], entry_id: place[1]}
        entries = read(tx, Reading(query, given, stored_entries))
    else:
        pages = [select(_page(program_id, one, first, older_than, newer_than).subquery()) for one in member_ids]
        entries = stored_entries(tx.execute(union_all(*pages)))
    return sorted(entries, key=lambda one: (one.transaction_date, one.id), reverse=True)


@cache
def _one_page(has_older: bool, has_newer: bool) -> Select[Any]:
    """The page of one member, which is built once: most callers show one."""
    at, entry_id = ledger_entry.c.transaction_date.type, ledger_entry.c.id.type
    return _page(
        bindparam("program_id"),
        bindparam("member_id"),
        bindparam("first"),
        (bindparam("older_at", type_=at), bindparam("older_id", type_=entry_id)) if has_older else None,
        (bindparam("newer_at", type_=at), bindparam("newer_id", type_=entry_id)) if has_newer else None,
    )


def _page(program_id: Any, member_id: Any, first: Any, older_than: Any, newer_than: Any) -> Select[Any]:
    """The page of a member, from values or from what stands for them."""
    query = entries_query(program_id).where(account.c.member_id == member_id)
    order = (ledger_entry.c.transaction_date, ledger_entry.c.id)
    if older_than is not None:
        query = query.where(_before(older_than))
    if newer_than is not None:
        query = query.where(_after(newer_than))
    from_below = newer_than is not None and older_than is None
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
