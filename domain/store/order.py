"""SQL of orders."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from domain.models import account, ledger_entry
from domain.models import catalog_order as table

PLACED, FULFILLED, REVERSED = "PLACED", "FULFILLED", "REVERSED"
STATUSES = (PLACED, FULFILLED, REVERSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredOrder:
    """An order; `points` in smallest units. `code`, `delivery` and `reason` are under the member's key."""

    id: int
    member_id: int
    external_reference: UUID
    item: str
    item_name: str
    kind: str
    fulfilment: str
    partner: str | None
    status: str
    points: int
    amount: Decimal | None
    took_stock: bool
    entry_id: int
    placed_by: str
    placed_at: datetime
    reversal_id: int | None = None
    code: bytes | None = field(default=None, repr=False)
    delivery: bytes | None = None
    failure: str | None = None
    reason: bytes | None = None
    partner_reference: str | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None
    answer_by: datetime | None = None
    due_at: datetime | None = None
    attempts: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderFilter:
    """Which orders: None for any. `placed_from` is inclusive, `placed_before` exclusive."""

    status: str | None = None
    item: str | None = None
    fulfilment: str | None = None
    member_ids: Sequence[int] | None = None
    placed_from: datetime | None = None
    placed_before: datetime | None = None


_COLUMNS = tuple(StoredOrder.__dataclass_fields__)


def insert_order(tx: Connection, program_id: int, one: StoredOrder) -> None:
    """Store a new order, whose redemption is stored already."""
    tx.execute(insert(table).values(program_id=program_id, **{name: getattr(one, name) for name in _COLUMNS}))


def update_order(tx: Connection, program_id: int, order_id: int, **values: Any) -> None:
    """Change columns of an order. The caller has locked it."""
    tx.execute(update(table).where(_is(program_id, order_id)).values(**values))


def find_orders(tx: Connection, program_id: int, ids: Sequence[int]) -> dict[int, StoredOrder]:
    """Orders by id."""
    rows = tx.execute(select(table).where(table.c.program_id == program_id, table.c.id.in_(ids)))
    return {row.id: _stored(row) for row in rows}


def lock_order(tx: Connection, program_id: int, order_id: int) -> StoredOrder:
    """An order that exists, locked until the database transaction ends. The caller has locked its accounts."""
    return _stored(tx.execute(select(table).where(_is(program_id, order_id)).with_for_update()).one())


def find_order_id(tx: Connection, program_id: int, external_reference: UUID) -> int | None:
    """The id of the order that has this reference."""
    query = select(table.c.id).where(table.c.program_id == program_id, table.c.external_reference == external_reference)
    found: int | None = tx.scalar(query)
    return found


def order_of_redemption(tx: Connection, program_id: int, entry_id: int) -> int | None:
    """The id of the order that a redemption belongs to, if it does."""
    query = select(table.c.id).where(table.c.program_id == program_id, table.c.entry_id == entry_id)
    found: int | None = tx.scalar(query)
    return found


def count_orders(
    tx: Connection, program_id: int, member_ids: Sequence[int], items: Sequence[str], since: datetime | None
) -> dict[str, int]:
    """How many orders of each item these members have since then that were not reversed."""
    query = select(table.c.item, func.count().label("orders")).where(
        table.c.program_id == program_id,
        table.c.member_id.in_(member_ids),
        table.c.item.in_(items),
        table.c.status != REVERSED,
    )
    query = query if since is None else query.where(table.c.placed_at >= since)
    counted = {row.item: row.orders for row in tx.execute(query.group_by(table.c.item))}
    return {one: counted.get(one, 0) for one in items}


def count_redemptions(tx: Connection, program_id: int, member_id: int, since: datetime) -> int:
    """How many redemptions a member made since then, as a redemption counts them."""
    its = (account.c.program_id == ledger_entry.c.program_id) & (account.c.id == ledger_entry.c.account_id)
    query = select(func.count()).select_from(ledger_entry).join(account, its)
    query = query.where(
        account.c.program_id == program_id,
        account.c.member_id == member_id,
        ledger_entry.c.kind == "redemption",
        ledger_entry.c.transaction_date >= since,
    )
    return tx.scalar(query) or 0


def page_orders(
    tx: Connection, program_id: int, wanted: OrderFilter, *, limit: int, before_id: int | None = None
) -> list[StoredOrder]:
    """The newest orders that fit."""
    query = _fitting(program_id, wanted)
    query = query if before_id is None else query.where(table.c.id < before_id)
    return [_stored(row) for row in tx.execute(query.order_by(table.c.id.desc()).limit(limit))]


def page_orders_of(
    tx: Connection,
    program_id: int,
    groups: Sequence[Sequence[int]],
    wanted: OrderFilter,
    *,
    limit: int,
    before_id: int | None = None,
) -> list[StoredOrder]:
    """The newest orders of each group of members, by one statement."""
    pages = []
    for members in groups:
        query = _fitting(program_id, wanted).where(table.c.member_id.in_(members))
        query = query if before_id is None else query.where(table.c.id < before_id)
        pages.append(select(query.order_by(table.c.id.desc()).limit(limit).subquery()))
    if not pages:
        return []
    union = pages[0].union_all(*pages[1:]) if len(pages) > 1 else pages[0]
    return sorted((_stored(row) for row in tx.execute(union)), key=lambda one: -one.id)


def count_all(tx: Connection, program_id: int, wanted: OrderFilter) -> int:
    """How many orders fit."""
    return tx.scalar(select(func.count()).select_from(_fitting(program_id, wanted).subquery())) or 0


def has_due(tx: Connection, now: datetime) -> bool:
    """Whether any order is due."""
    return tx.scalar(select(table.c.id).where(table.c.due_at <= now).limit(1)) is not None


def lock_due(tx: Connection, programs: Sequence[int], now: datetime, limit: int) -> list[tuple[int, StoredOrder]]:
    """Orders that have been due for the longest time, each with its program, that no other process holds; locked."""
    query = select(table).where(table.c.program_id.in_(programs), table.c.due_at <= now)
    rows = tx.execute(query.order_by(table.c.due_at).limit(limit).with_for_update(skip_locked=True))
    return [(row.program_id, _stored(row)) for row in rows]


def postpone_order(tx: Connection, program_id: int, order_id: int, due_at: datetime | None, **values: Any) -> None:
    """Say when an order that is still open is looked at next."""
    still_open = _is(program_id, order_id) & (table.c.status == PLACED)
    tx.execute(update(table).where(still_open).values(due_at=due_at, **values))


def _fitting(program_id: int, wanted: OrderFilter) -> Select[Any]:
    query = select(table).where(table.c.program_id == program_id)
    for name in ("status", "item", "fulfilment"):
        value = getattr(wanted, name)
        query = query if value is None else query.where(table.c[name] == value)
    if wanted.member_ids is not None:
        query = query.where(table.c.member_id.in_(wanted.member_ids))
    if wanted.placed_from is not None:
        query = query.where(table.c.placed_at >= wanted.placed_from)
    if wanted.placed_before is not None:
        query = query.where(table.c.placed_at < wanted.placed_before)
    return query


def _is(program_id: int, order_id: int) -> Any:
    return (table.c.program_id == program_id) & (table.c.id == order_id)


def _stored(row: Row[Any]) -> StoredOrder:
    return StoredOrder(**{name: getattr(row, name) for name in _COLUMNS})
