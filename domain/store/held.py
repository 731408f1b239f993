"""Transactions that wait for a decision, in the database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from domain.models import held_transaction as table
from domain.models import member, member_transaction
from domain.models.types import UtcDateTime
from domain.store.among import among
from domain.store.hold import has_pending
from domain.store.reading import Reading, Values
from domain.store.transaction import HELD, POSTED

PENDING, APPROVED, REJECTED = "PENDING", "APPROVED", "REJECTED"

Before = tuple[int, str | None, datetime]
"""A member, and the product code and date of a purchase."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredHeld:
    """A transaction, or the rest of one (`rest`), that waits. `points` in smallest units.

    `reason` of a rejection under the member's key, which is `data_key` wrapped.
    """

    id: int
    transaction_ref: int
    member_id: int
    status: str
    points: int
    rest: Sequence[Mapping[str, Any]] | None
    held_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: bytes | None = None
    data_key: bytes | None = None


_COLUMNS = tuple(name for name in StoredHeld.__dataclass_fields__ if name != "data_key")

_BEFORE = select(
    member_transaction.c.member_id, member_transaction.c.product_code, member_transaction.c.transaction_date
).where(
    member_transaction.c.program_id == bindparam("program_id"),
    among(member_transaction.c.member_id, "members"),
    member_transaction.c.type == "DR",
    or_(member_transaction.c.status == POSTED, member_transaction.c.status == HELD),
    member_transaction.c.transaction_date >= bindparam("seen_from", type_=UtcDateTime),
    member_transaction.c.transaction_date < bindparam("seen_until", type_=UtcDateTime),
)


def purchases_before(
    program_id: int, members: Sequence[int], start: datetime, end: datetime, known: list[Before]
) -> Reading[None]:
    """The purchases of these members from `start` to before `end`, held ones too, into `known`."""
    values = {"program_id": program_id, "members": members, "seen_from": start, "seen_until": end}

    def take(rows: Iterable[Values]) -> None:
        known.extend((row[0], row[1], row[2]) for row in rows)

    return Reading(_BEFORE, values, take)


def held_rows(program_id: int, rows: Sequence[StoredHeld]) -> list[dict[str, Any]]:
    """Rows for `Bulk.insert`."""
    return [{"program_id": program_id, **{name: getattr(one, name) for name in _COLUMNS}} for one in rows]


def find_held(tx: Connection, program_id: int, ids: Sequence[int], *, lock: bool = False) -> dict[int, StoredHeld]:
    """Held transactions by id, locked for a decision if asked for."""
    query = _held(program_id).where(table.c.id.in_(ids)).order_by(table.c.id)
    query = query.with_for_update(of=table) if lock else query
    return {row.id: _stored(row) for row in tx.execute(query)}


def page_held(
    tx: Connection, program_id: int, *, status: str | None, limit: int, before_id: int | None
) -> list[StoredHeld]:
    """The newest held transactions, of one status or of all."""
    query = _held(program_id).order_by(table.c.id.desc()).limit(limit)
    query = query.where(table.c.status == status) if status is not None else query
    query = query.where(table.c.id < before_id) if before_id is not None else query
    return [_stored(row) for row in tx.execute(query)]


def holds_anything(tx: Connection, program_id: int, member_id: int) -> bool:
    """Whether a member has a pending hold, or a transaction that waits. The caller has locked the account."""
    if has_pending(tx, program_id, member_id):
        return True
    query = select(table.c.id).where(
        table.c.program_id == program_id, table.c.member_id == member_id, table.c.status == PENDING
    )
    return tx.scalar(query.limit(1)) is not None


def decide_held(
    tx: Connection,
    program_id: int,
    held_id: int,
    status: str,
    *,
    decided_by: str,
    decided_at: datetime,
    reason: bytes | None = None,
) -> None:
    """Mark a held transaction as decided. The caller has locked it."""
    tx.execute(
        update(table)
        .where(table.c.program_id == program_id, table.c.id == held_id)
        .values(status=status, decided_by=decided_by, decided_at=decided_at, reason=reason)
    )


def _held(program_id: int) -> Any:
    its = (member.c.program_id == table.c.program_id) & (member.c.id == table.c.member_id)
    return select(table, member.c.data_key).join(member, its).where(table.c.program_id == program_id)


def _stored(row: Row[Any]) -> StoredHeld:
    return StoredHeld(data_key=row.data_key, **{name: getattr(row, name) for name in _COLUMNS})
