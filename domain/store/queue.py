"""SQL of transactions that were accepted for later."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from domain.models import queue_batch, queue_item
from domain.store.bulk import Bulk
from domain.store.ids import allocate_ids

PENDING, SUCCESS, FAILED = "PENDING", "SUCCESS", "FAILED"
ON_HOLD, PARTIAL_HOLD = "ON HOLD", "PARTIAL HOLD"

_ROWS_PER_STATEMENT = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredItem:
    """One transaction of a batch. `points` in smallest units, `code` and `detail` of what it failed with."""

    position: int
    request_id: UUID
    idempotency_key: str | None
    payload: bytes | None
    status: str
    code: str | None = None
    detail: str | None = None
    points: int = 0
    transaction_ref: int | None = None


_COLUMNS = tuple(one.name for one in fields(StoredItem))
# What no work changes stays out of the update.
_CHANGING = ("position", "payload", "status", "code", "detail", "points", "transaction_ref")


def insert_queue(
    tx: Connection,
    program_id: int,
    *,
    reference: UUID,
    source: str,
    actor: str,
    now: datetime,
    items: Sequence[StoredItem],
) -> None:
    """Store a batch with its items; it is finished where none of them is pending."""
    batch_id = allocate_ids(tx, queue_batch, program_id, 1)[0]
    tx.execute(
        insert(queue_batch).values(
            program_id=program_id,
            id=batch_id,
            reference=reference,
            total=len(items),
            next_position=0,
            source=source,
            actor=actor,
            created_at=now,
            finished_at=None if any(one.status == PENDING for one in items) else now,
        )
    )
    for start in range(0, len(items), _ROWS_PER_STATEMENT):
        bulk = Bulk(tx)
        bulk.insert(
            queue_item,
            [_row(program_id, batch_id, one, _COLUMNS) for one in items[start : start + _ROWS_PER_STATEMENT]],
        )
        bulk.store()


def programs_with_work(tx: Connection) -> Sequence[int]:
    """The programs that have pending items."""
    waiting = select(queue_batch.c.program_id).where(queue_batch.c.finished_at.is_(None))
    return tx.scalars(waiting.distinct().order_by(queue_batch.c.program_id)).all()


def lock_next_batch(tx: Connection, program_id: int) -> Row[Any] | None:
    """The oldest batch with pending items that no other process works on, locked until the transaction ends."""
    return tx.execute(
        select(queue_batch)
        .where(queue_batch.c.program_id == program_id, queue_batch.c.finished_at.is_(None))
        .order_by(queue_batch.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()


def lock_queue_batch(tx: Connection, program_id: int, batch_id: int) -> Row[Any] | None:
    """One batch, locked until the database transaction ends."""
    where = queue_batch.c.program_id == program_id, queue_batch.c.id == batch_id
    return tx.execute(select(queue_batch).where(*where).with_for_update()).one_or_none()


def pending_items(tx: Connection, batch: Row[Any], limit: int) -> list[StoredItem]:
    """The next pending items of a locked batch, in their order."""
    rows = tx.execute(
        select(*(queue_item.c[name] for name in _COLUMNS))
        .where(
            _of(batch.program_id, batch.id),
            queue_item.c.position >= batch.next_position,
            queue_item.c.status == PENDING,
        )
        .order_by(queue_item.c.position)
        .limit(limit)
    )
    return [StoredItem(**row._mapping) for row in rows]


def store_outcomes(tx: Connection, program_id: int, batch_id: int, items: Sequence[StoredItem]) -> None:
    """Store what became of items."""
    bulk = Bulk(tx)
    rows = [_row(program_id, batch_id, one, _CHANGING) for one in items]
    bulk.update(queue_item, ("program_id", "batch_id", "position"), rows)
    bulk.store()


def advance_queue(tx: Connection, batch: Row[Any], next_position: int, finished_at: datetime | None) -> None:
    """Move on to where the next pending item may be, or finish the batch."""
    tx.execute(
        update(queue_batch)
        .where(queue_batch.c.program_id == batch.program_id, queue_batch.c.id == batch.id)
        .values(next_position=next_position, finished_at=finished_at)
    )


def find_queue_batch(tx: Connection, program_id: int, reference: UUID) -> Row[Any] | None:
    """The batch that is polled by this reference."""
    return tx.execute(
        select(queue_batch).where(queue_batch.c.program_id == program_id, queue_batch.c.reference == reference)
    ).one_or_none()


def queued_items(tx: Connection, batch: Row[Any]) -> list[StoredItem]:
    """All items of a batch in their order, without payload; read in portions, so that others get on meanwhile."""
    names = [name for name in _COLUMNS if name != "payload"]
    found: list[StoredItem] = []
    for start in range(0, batch.total, _ROWS_PER_STATEMENT):
        rows = tx.execute(
            select(*(queue_item.c[name] for name in names))
            .where(
                _of(batch.program_id, batch.id),
                queue_item.c.position.between(start, start + _ROWS_PER_STATEMENT - 1),
            )
            .order_by(queue_item.c.position)
        )
        found += [StoredItem(payload=None, **row._mapping) for row in rows]
    return found


def settle_held(
    tx: Connection,
    program_id: int,
    transaction_ref: int,
    *,
    status: str,
    points: int,
    code: str | None = None,
    detail: str | None = None,
) -> None:
    """Store what was decided about a transaction on the item that brought it, where it was queued."""
    tx.execute(
        update(queue_item)
        .where(
            queue_item.c.program_id == program_id,
            queue_item.c.transaction_ref == transaction_ref,
            queue_item.c.status.in_((ON_HOLD, PARTIAL_HOLD)),
        )
        .values(status=status, points=points, code=code, detail=detail)
    )


def first_request(
    tx: Connection, program_id: int, key: str, *, transaction_ref: int | None, code: str | None
) -> UUID | None:
    """The first item with this key that led to this transaction, or was refused with this code."""
    outcome = queue_item.c.code == code if transaction_ref is None else queue_item.c.transaction_ref == transaction_ref
    return tx.scalar(
        select(queue_item.c.request_id)
        .where(queue_item.c.program_id == program_id, queue_item.c.idempotency_key == key, outcome)
        .order_by(queue_item.c.batch_id, queue_item.c.position)
        .limit(1)
    )


def _of(program_id: int, batch_id: int) -> ColumnElement[bool]:
    return (queue_item.c.program_id == program_id) & (queue_item.c.batch_id == batch_id)


def _row(program_id: int, batch_id: int, item: StoredItem, names: Sequence[str]) -> dict[str, Any]:
    return {"program_id": program_id, "batch_id": batch_id, **{name: getattr(item, name) for name in names}}
