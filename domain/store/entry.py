"""Reading the journal: redemptions, pages of entries, sums."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from domain.models import account, ledger_entry, lot, member
from domain.store.reading import Values

_REVERSING = ledger_entry.alias("reversing")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRedemption:
    """A redemption; `points` is negative, in smallest units."""

    entry_id: int
    account_id: int
    member_id: int
    external_reference: UUID
    points: int
    amount: Decimal | None
    merchant: str | None
    loyalty_txn_type: int
    processed_at: datetime
    reversed_at: datetime | None


class StoredEntry(NamedTuple):
    """One posting with the member it belongs to, in smallest units; `data_key` is the member's, wrapped.

    A tuple in the order of the columns, for pages of them are read all the time.
    """

    id: int
    seq: int
    kind: str
    bucket: str
    points: int
    balance_after: int
    loyalty_txn_type: int
    external_reference: UUID
    transaction_date: datetime
    processed_at: datetime
    expires_at: datetime | None
    merchant: str | None
    amount: Decimal | None
    narration: bytes | None
    detail: str | None
    config_version: int
    reverses_id: int | None
    related_id: int | None
    transaction_ref: int | None
    member_id: int
    relation_reference: str
    data_key: bytes | None
    reversed_by: int | None


def find_redemptions(
    tx: Connection,
    program_id: int,
    *,
    ids: Sequence[int] | None = None,
    references: Sequence[UUID] | None = None,
) -> list[StoredRedemption]:
    """Redemptions by id or by external reference, with the time of their reversal."""
    query = (
        select(
            ledger_entry.c.id.label("entry_id"),
            ledger_entry.c.account_id,
            account.c.member_id,
            ledger_entry.c.external_reference,
            ledger_entry.c.points,
            ledger_entry.c.amount,
            ledger_entry.c.merchant,
            ledger_entry.c.loyalty_txn_type,
            ledger_entry.c.processed_at,
            _REVERSING.c.processed_at.label("reversed_at"),
        )
        .join(account, same_program(account.c.id == ledger_entry.c.account_id, account.c.program_id))
        .outerjoin(_REVERSING, same_program(_REVERSING.c.reverses_id == ledger_entry.c.id, _REVERSING.c.program_id))
        .where(ledger_entry.c.program_id == program_id, ledger_entry.c.kind == "redemption")
    )
    query = query.where(ledger_entry.c.id.in_(ids)) if ids is not None else query
    query = query.where(ledger_entry.c.external_reference.in_(references)) if references is not None else query
    return [StoredRedemption(**row._mapping) for row in tx.execute(query)]


def same_program(condition: ColumnElement[bool], program: ColumnElement[int]) -> ColumnElement[bool]:
    """A condition that joins to a posting a row of its program."""
    return and_(program == ledger_entry.c.program_id, condition)


def entries_query(program_id: Any) -> Select[Any]:
    """Every posting of a program with its member, to be narrowed."""
    return (
        select(
            *(ledger_entry.c[name] for name in _ENTRY_COLUMNS),
            account.c.member_id,
            member.c.relation_reference,
            member.c.data_key,
            _REVERSING.c.id.label("reversed_by"),
        )
        .join(account, same_program(account.c.id == ledger_entry.c.account_id, account.c.program_id))
        .join(member, same_program(member.c.id == account.c.member_id, member.c.program_id))
        .outerjoin(_REVERSING, same_program(_REVERSING.c.reverses_id == ledger_entry.c.id, _REVERSING.c.program_id))
        .where(ledger_entry.c.program_id == program_id)
    )


_ENTRY_COLUMNS = StoredEntry._fields[: StoredEntry._fields.index("member_id")]
"""Those of the posting itself, which come first."""


def stored_entries(rows: Iterable[Values]) -> list[StoredEntry]:
    """Postings from rows with the columns of `entries_query`."""
    return list(map(StoredEntry._make, rows))


def find_entries(tx: Connection, program_id: int, ids: Sequence[int]) -> list[StoredEntry]:
    """Postings by id."""
    return stored_entries(tx.execute(entries_query(program_id).where(ledger_entry.c.id.in_(ids))))


def balances_around(tx: Connection, program_id: int, entry_id: int) -> tuple[int, int]:
    """The balance before a posting, and that of its account now: pending points are part of both."""
    row = tx.execute(
        select(ledger_entry.c.balance_after - ledger_entry.c.points, account.c.available + account.c.pending)
        .join(account, (account.c.program_id == program_id) & (account.c.id == ledger_entry.c.account_id))
        .where(ledger_entry.c.program_id == program_id, ledger_entry.c.id == entry_id)
    ).one()
    return int(row[0]), int(row[1])


def statement_query(
    program_id: int,
    account_id: int,
    start: datetime | None,
    end: datetime | None,
    types: Sequence[int] | None,
) -> Select[Any]:
    """The postings of one account with a transaction date in [start, end), narrowed to types."""
    query = entries_query(program_id).where(ledger_entry.c.account_id == account_id)
    query = query.where(ledger_entry.c.transaction_date >= start) if start is not None else query
    query = query.where(ledger_entry.c.transaction_date < end) if end is not None else query
    return query.where(ledger_entry.c.loyalty_txn_type.in_(types)) if types is not None else query


def read_statement(
    tx: Connection,
    program_id: int,
    account_id: int,
    *,
    start: datetime | None,
    end: datetime | None,
    types: Sequence[int] | None,
    skip: int,
    limit: int,
) -> tuple[list[StoredEntry], int]:
    """A page of a statement, newest first, and how many postings match in all."""
    query = statement_query(program_id, account_id, start, end, types)
    count = tx.scalar(select(func.count()).select_from(query.subquery())) or 0
    page = query.order_by(ledger_entry.c.transaction_date.desc(), ledger_entry.c.id.desc())
    return stored_entries(tx.execute(page.offset(skip).limit(limit))), count


def earned_since(tx: Connection, program_id: int, account_ids: Sequence[int], since: datetime) -> dict[int, int]:
    """What each account earned from an instant on, refunds taken off, in smallest units; 0 is left out."""
    rows = tx.execute(
        select(ledger_entry.c.account_id, func.sum(ledger_entry.c.points))
        .where(
            ledger_entry.c.program_id == program_id,
            ledger_entry.c.account_id.in_(account_ids),
            ledger_entry.c.transaction_date > since,
            ledger_entry.c.bucket.in_(("spend", "bonus")),
        )
        .group_by(ledger_entry.c.account_id)
    )
    return {row[0]: int(row[1] or 0) for row in rows}


@dataclass(frozen=True, slots=True)
class Total:
    """The signed points and the number of postings of one kind, bucket and type in a range."""

    kind: str
    bucket: str
    loyalty_txn_type: int
    points: int
    count: int


def read_totals(
    tx: Connection, program_id: int, account_id: int, start: datetime | None, end: datetime | None
) -> list[Total]:
    """What the postings of an account add up to in [start, end), by kind, bucket and type."""
    columns = (ledger_entry.c.kind, ledger_entry.c.bucket, ledger_entry.c.loyalty_txn_type)
    query = select(*columns, func.sum(ledger_entry.c.points), func.count()).where(
        ledger_entry.c.program_id == program_id, ledger_entry.c.account_id == account_id
    )
    query = query.where(ledger_entry.c.transaction_date >= start) if start is not None else query
    query = query.where(ledger_entry.c.transaction_date < end) if end is not None else query
    rows = tx.execute(query.group_by(*columns).order_by(*columns))
    return [Total(row[0], row[1], row[2], int(row[3]), row[4]) for row in rows]


def unbooked_due(tx: Connection, program_id: int, account_id: int, now: datetime) -> list[tuple[datetime, int]]:
    """What is due on an account and not written off yet, by expiry instant."""
    rows = tx.execute(
        select(lot.c.expires_at, func.sum(lot.c.remaining))
        .where(
            lot.c.program_id == program_id,
            lot.c.account_id == account_id,
            lot.c.is_open,
            lot.c.expires_at <= now,
        )
        .group_by(lot.c.expires_at)
    )
    return [(row[0], int(row[1])) for row in rows]
