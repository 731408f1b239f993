"""Pages of open lots, and the dates on which pending points become available."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, tuple_

from domain.ledger.posting import Lot
from domain.models import account, lot
from domain.store.lot import lot_of


@dataclass(frozen=True, slots=True)
class OwnedLot:
    """A lot with the member whose account it is in, and the posting that made it."""

    id: int
    member_id: int
    entry_id: int
    lot: Lot


LotPlace = tuple[datetime, datetime, int]
"""A place in the order of lots: expiry, earning, id."""

_ORDER = (lot.c.expires_at, lot.c.earned_at, lot.c.id)
_OWN = (account.c.program_id == lot.c.program_id) & (account.c.id == lot.c.account_id)


def page_open_lots(
    tx: Connection, program_id: int, member_ids: Sequence[int], *, now: datetime, first: int, after: LotPlace | None
) -> list[OwnedLot]:
    """At most `first` lots of each member that have points left, soonest expiry first, by one statement."""
    pages = []
    for member_id in member_ids:
        query = _lots(program_id).where(account.c.member_id == member_id, *_open_at(now))
        query = query if after is None else query.where(tuple_(*_ORDER) > after)
        pages.append(select(query.order_by(*_ORDER).limit(first).subquery()))
    if not pages:
        return []
    union = pages[0].union_all(*pages[1:]) if len(pages) > 1 else pages[0]
    found = [_owned(row) for row in tx.execute(union)]
    return sorted(found, key=lambda one: (one.lot.expires_at, one.lot.earned_at, one.id))


def lots_by_id(tx: Connection, program_id: int, ids: Sequence[int]) -> list[OwnedLot]:
    """Lots by id, open or not."""
    return [_owned(row) for row in tx.execute(_lots(program_id).where(lot.c.id.in_(ids)))]


def pending_dates(
    tx: Connection, program_id: int, member_ids: Sequence[int], now: datetime
) -> dict[int, list[tuple[datetime, int]]]:
    """When how much of each member becomes available, in smallest units, soonest first."""
    rows = tx.execute(
        select(account.c.member_id, lot.c.available_at, func.sum(lot.c.remaining).label("points"))
        .join(lot, _OWN)
        .where(
            account.c.program_id == program_id,
            account.c.member_id.in_(member_ids),
            *_open_at(now),
            lot.c.available_at > now,
        )
        .group_by(account.c.member_id, lot.c.available_at)
        .order_by(lot.c.available_at)
    )
    found: dict[int, list[tuple[datetime, int]]] = {}
    for row in rows:
        found.setdefault(row.member_id, []).append((row.available_at, int(row.points)))
    return found


def _open_at(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return lot.c.is_open, lot.c.expires_at > now


def _lots(program_id: int) -> Select[Any]:
    return select(lot, account.c.member_id).join(account, _OWN).where(account.c.program_id == program_id)


def _owned(row: Row[Any]) -> OwnedLot:
    return OwnedLot(row.id, row.member_id, row.entry_id, lot_of(row))
