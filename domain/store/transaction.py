"""Submitted transactions in the database."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, update

from domain.models import ledger_entry
from domain.models import member_transaction as table
from domain.store.among import among
from domain.store.bulk import Bulk
from domain.store.reading import Reading, Values

POSTED, PARKED, LAPSED = "POSTED", "PARKED", "LAPSED"
HELD, REJECTED = "HELD", "REJECTED"


@dataclass(slots=True, kw_only=True)
class StoredTransaction:
    """One submitted transaction; `points` in smallest units, negative for what a refund took back."""

    program_id: int
    id: int
    member_id: int
    transaction_id: str
    unique_transaction_id: str | None
    type: str
    amount: Decimal
    transaction_date: datetime
    product_code: str | None
    sub_product_code: str | None
    attributes: dict[str, Any]
    points: int
    config_version: int
    source: str
    actor: str
    processed_at: datetime
    status: str = POSTED
    refunded: Decimal = Decimal(0)


_COLUMNS = tuple(StoredTransaction.__dataclass_fields__)
_values = attrgetter(*_COLUMNS)


_TAKEN = select(table.c.unique_transaction_id, table.c.status).where(
    table.c.program_id == bindparam("program_id"), among(table.c.transaction_id, "transaction_ids")
)
_PURCHASES = (
    select(table.c.member_id, func.count(), func.max(table.c.transaction_date))
    .where(
        table.c.program_id == bindparam("program_id"),
        among(table.c.member_id, "members"),
        table.c.type == "DR",
        table.c.status == POSTED,
    )
    .group_by(table.c.member_id)
)


def taken(program_id: int, wanted: Sequence[str]) -> Reading[tuple[set[str], bool]]:
    """Which of these transaction ids are taken where they must be unique, and whether a refund waits for one."""

    def take(rows: Iterable[Values]) -> tuple[set[str], bool]:
        found = list(rows)
        return {row[0] for row in found if row[0] is not None}, any(row[1] == PARKED for row in found)

    return Reading(_TAKEN, {"program_id": program_id, "transaction_ids": wanted}, take)


def purchases(program_id: int, member_ids: Sequence[int]) -> Reading[dict[int, tuple[int, datetime | None]]]:
    """How many purchases these members made, and when they made the last."""
    given = {"program_id": program_id, "members": member_ids}
    return Reading(_PURCHASES, given, lambda rows: {row[0]: (row[1], row[2]) for row in rows})


def insert_transactions(bulk: Bulk, rows: Sequence[StoredTransaction]) -> None:
    """Store submitted transactions."""
    bulk.insert(table, [dict(zip(_COLUMNS, _values(row), strict=True)) for row in rows])


def find_transactions(tx: Connection, program_id: int, ids: Sequence[int]) -> dict[int, StoredTransaction]:
    """Submitted transactions by id."""
    if not ids:
        return {}
    rows = tx.execute(select(table).where(table.c.program_id == program_id, table.c.id.in_(ids)))
    return {row.id: StoredTransaction(**row._mapping) for row in rows}


def page_purchases(
    tx: Connection, program_id: int, *, after_id: int, limit: int, members: Sequence[int] | None = None
) -> list[StoredTransaction]:
    """The purchases of a program, or of some of its members, that stand, by id, after one of them."""
    columns = table.c
    query = select(table).where(
        columns.program_id == program_id, columns.id > after_id, columns.type == "DR", columns.status == POSTED
    )
    query = query if members is None else query.where(columns.member_id.in_(members))
    rows = tx.execute(query.order_by(columns.id).limit(limit))
    return [StoredTransaction(**row._mapping) for row in rows]


def purchases_between(
    tx: Connection, program_id: int, member_ids: Sequence[int], first: datetime | None, end: datetime | None
) -> list[StoredTransaction]:
    """The purchases of these members that stand, from `first` to before `end`, by their dates; None: open."""
    columns = table.c
    query = select(table).where(
        columns.program_id == program_id,
        columns.member_id.in_(member_ids),
        columns.type == "DR",
        columns.status == POSTED,
    )
    query = query if first is None else query.where(columns.transaction_date >= first)
    query = query if end is None else query.where(columns.transaction_date < end)
    return [StoredTransaction(**row._mapping) for row in tx.execute(query.order_by(columns.id))]


def find_by_transaction_id(
    tx: Connection, program_id: int, wanted: Sequence[str], *, kind: str, status: str | Sequence[str]
) -> dict[tuple[int, str], list[StoredTransaction]]:
    """Transactions of one type and status (or several) by member and transaction id, oldest first."""
    found: dict[tuple[int, str], list[StoredTransaction]] = {}
    if not wanted:
        return found
    rows = tx.execute(
        select(table)
        .where(
            table.c.program_id == program_id,
            table.c.transaction_id.in_(wanted),
            table.c.type == kind,
            table.c.status.in_([status] if isinstance(status, str) else status),
        )
        .order_by(table.c.id)
    )
    for row in rows:
        found.setdefault((row.member_id, row.transaction_id), []).append(StoredTransaction(**row._mapping))
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEarning:
    """What one rule group gave for a transaction."""

    id: int
    transaction_ref: int
    bucket: Any
    loyalty_txn_type: int
    points: int
    detail: str | None


_EARNING = tuple(StoredEarning.__dataclass_fields__)


def earnings_of(tx: Connection, program_id: int, transactions: Sequence[int]) -> dict[int, list[StoredEarning]]:
    """The earnings of these transactions, by transaction, in the order of their postings."""
    found: dict[int, list[StoredEarning]] = {one: [] for one in transactions}
    if not transactions:
        return found
    rows = tx.execute(
        select(*(ledger_entry.c[name] for name in _EARNING))
        .where(
            ledger_entry.c.program_id == program_id,
            ledger_entry.c.transaction_ref.in_(transactions),
            ledger_entry.c.kind == "earn",
        )
        .order_by(ledger_entry.c.id)
    )
    for row in rows:
        found[row.transaction_ref].append(StoredEarning(**row._mapping))
    return found


def update_transactions(tx: Connection, program_id: int, changed: Sequence[StoredTransaction]) -> None:
    """Store what refunds changed: how much of a purchase was refunded, and what became of a parked refund."""
    if changed:
        tx.execute(
            update(table)
            .where(table.c.program_id == program_id, table.c.id == bindparam("for_id"))
            .values({name: bindparam(f"new_{name}") for name in ("status", "refunded", "points")}),
            [
                {
                    "for_id": one.id,
                    "new_status": one.status,
                    "new_refunded": one.refunded,
                    "new_points": one.points,
                }
                for one in changed
            ],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Narrowing:
    """Which transactions are meant: of these statuses, of this type, dated in [start, end); None: any."""

    statuses: Collection[str] | None = None
    kind: str | None = None
    start: datetime | None = None
    end: datetime | None = None

    def apply(self, query: Select[Any]) -> Select[Any]:
        """The query, narrowed."""
        query = query if self.statuses is None else query.where(table.c.status.in_(sorted(self.statuses)))
        query = query if self.kind is None else query.where(table.c.type == self.kind)
        query = query if self.start is None else query.where(table.c.transaction_date >= self.start)
        return query if self.end is None else query.where(table.c.transaction_date < self.end)


def page_transactions(
    tx: Connection,
    program_id: int,
    member_ids: Sequence[int],
    *,
    first: int,
    before_id: int | None,
    only: Narrowing,
) -> list[StoredTransaction]:
    """The newest transactions of each member, at most `first` each, by one statement that stops early."""
    pages = []
    for member_id in member_ids:
        query = only.apply(select(table).where(table.c.program_id == program_id, table.c.member_id == member_id))
        query = query if before_id is None else query.where(table.c.id < before_id)
        pages.append(select(query.order_by(table.c.id.desc()).limit(first).subquery()))
    if not pages:
        return []
    union = pages[0].union_all(*pages[1:]) if len(pages) > 1 else pages[0]
    found = [StoredTransaction(**row._mapping) for row in tx.execute(union)]
    return sorted(found, key=lambda one: one.id, reverse=True)


def newest_transaction(
    tx: Connection, program_id: int, transaction_id: str, kind: str, member_ids: Collection[int] | None
) -> StoredTransaction | None:
    """The newest transaction of a type under an id that its submitter gave it, of these members or of anybody."""
    query = select(table).where(
        table.c.program_id == program_id, table.c.transaction_id == transaction_id, table.c.type == kind
    )
    query = query if member_ids is None else query.where(table.c.member_id.in_(sorted(member_ids)))
    row = tx.execute(query.order_by(table.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else StoredTransaction(**row._mapping)
