"""SQL of voucher codes: each is taken in once ever, and given once at most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, func, select, update

from domain.models import voucher_code as table
from domain.store.bulk import Bulk

_AT_ONCE = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolFigures:
    """How many codes of a pool are free, given, withdrawn, and past their date without having been given."""

    pool: str
    free: int
    given: int
    withdrawn: int
    expired: int


def known_hashes(tx: Connection, program_id: int, pool: str, hashes: Sequence[bytes]) -> set[bytes]:
    """Which of these codes a pool has, or had."""
    found: set[bytes] = set()
    for start in range(0, len(hashes), _AT_ONCE):
        some = table.c.code_hash.in_(hashes[start : start + _AT_ONCE])
        query = select(table.c.code_hash).where(table.c.program_id == program_id, table.c.pool == pool, some)
        found |= set(tx.scalars(query))
    return found


def insert_codes(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store codes. Raises IntegrityError where one of them was stored meanwhile."""
    for start in range(0, len(rows), _AT_ONCE):
        bulk = Bulk(tx)
        bulk.insert(table, rows[start : start + _AT_ONCE])
        bulk.store()


def lock_free_code(tx: Connection, program_id: int, pool: str, now: datetime) -> tuple[int, bytes] | None:
    """The free code that lapses first, locked until the database transaction ends; None where there is none.

    Codes that others are about to take are left to them; the last ones are waited for, as they may come back.
    """
    query = _free(program_id, pool, now)
    while True:
        row = tx.execute(query.with_for_update(skip_locked=True)).one_or_none()
        if row is not None:
            return row.id, row.sealed
        taken = tx.execute(query).one_or_none()
        if taken is None:
            return None
        # Somebody holds each code that is left: the next one is decided when that ends.
        one = select(table.c.id).where(table.c.program_id == program_id, table.c.id == taken.id)
        tx.execute(one.with_for_update())


def give_code(tx: Connection, program_id: int, code_id: int, order_id: int, at: datetime) -> None:
    """A locked code belongs to an order from now on, which has it under its member's key."""
    own = (table.c.program_id == program_id) & (table.c.id == code_id)
    tx.execute(update(table).where(own).values(sealed=None, order_id=order_id, given_at=at))


def withdraw_codes(tx: Connection, program_id: int, pool: str, at: datetime) -> int:
    """Take all free codes out of a pool; how many."""
    free = (table.c.program_id == program_id) & (table.c.pool == pool) & table.c.sealed.is_not(None)
    return tx.execute(update(table).where(free).values(sealed=None, withdrawn_at=at)).rowcount


def count_free(tx: Connection, program_id: int, pools: Sequence[str], now: datetime) -> dict[str, int]:
    """How many codes of each pool are free."""
    query = select(table.c.pool, func.count().label("free")).where(
        table.c.program_id == program_id, table.c.pool.in_(pools), table.c.sealed.is_not(None), table.c.expires_at > now
    )
    counted = {row.pool: row.free for row in tx.execute(query.group_by(table.c.pool))}
    return {one: counted.get(one, 0) for one in pools}


def pool_figures(tx: Connection, program_id: int, now: datetime) -> list[PoolFigures]:
    """The pools of a program, by name."""
    is_free = table.c.sealed.is_not(None)
    figures = {
        "free": is_free & (table.c.expires_at > now),
        "given": table.c.order_id.is_not(None),
        "withdrawn": table.c.withdrawn_at.is_not(None),
        "expired": is_free & (table.c.expires_at <= now),
    }
    sums = [func.sum(case((condition, 1), else_=0)).label(name) for name, condition in figures.items()]
    query = select(table.c.pool, *sums).where(table.c.program_id == program_id)
    rows = tx.execute(query.group_by(table.c.pool).order_by(table.c.pool))
    return [PoolFigures(**row._mapping) for row in rows]


def _free(program_id: int, pool: str, now: datetime) -> Select[Any]:
    return (
        select(table.c.id, table.c.sealed)
        .where(
            table.c.program_id == program_id,
            table.c.pool == pool,
            table.c.sealed.is_not(None),
            table.c.expires_at > now,
        )
        .order_by(table.c.expires_at, table.c.id)
        .limit(1)
    )
