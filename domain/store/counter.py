"""Caps and aggregates in the database: kept up with each transaction, under the lock of the member's account."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.models import aggregate_bucket, cap_counter
from domain.rules.aggregate import Stats

Counter = tuple[int, str, str, date]
"""What a counter counts: member, scope (a rule group, empty for the program), window, the window's first day."""


BucketKey = tuple[int, str, date]
"""Which part: member, aggregate, the period's first day."""


def read_counters(
    tx: Connection, program_id: int, members: Sequence[int], starts: Sequence[date]
) -> dict[Counter, int]:
    """The counters of these members in windows that begin on these days, in smallest units."""
    if not members or not starts:
        return {}
    columns = cap_counter.c
    rows = tx.execute(
        select(columns.member_id, columns.scope, columns.window, columns.start, columns.points).where(
            columns.program_id == program_id, columns.member_id.in_(members), columns.start.in_(starts)
        )
    )
    return {(row[0], row[1], row[2], row[3]): row[4] for row in rows}


def put_counters(tx: Connection, program_id: int, values: Mapping[Counter, int]) -> None:
    """Store what counters stand at now."""
    names = ("member_id", "scope", "window", "start")
    rows = [dict(zip(names, key, strict=True)) | {"points": points} for key, points in values.items()]
    _put(tx, cap_counter, program_id, rows, names, ("points",))


def read_buckets(
    tx: Connection,
    program_id: int,
    members: Sequence[int],
    keys: Sequence[str],
    *,
    starts: Sequence[date] | None = None,
    between: tuple[date, date] | None = None,
) -> dict[BucketKey, Stats]:
    """The parts of these aggregates that begin on these days, or from the first to the last, both included."""
    columns = aggregate_bucket.c
    if not members or not keys:
        return {}
    query = select(aggregate_bucket).where(
        columns.program_id == program_id, columns.member_id.in_(members), columns.key.in_(keys)
    )
    query = query.where(columns.start.in_(starts)) if starts is not None else query
    query = query.where(columns.start.between(*between)) if between is not None else query
    return {(row.member_id, row.key, row.start): _stats(row) for row in tx.execute(query)}


def _stats(row: Row[Any]) -> Stats:
    # A row's own `count` is a method of tuples.
    return Stats(row.total, row._mapping["count"], row.low, row.high)


def put_buckets(tx: Connection, program_id: int, values: Mapping[BucketKey, Stats]) -> None:
    """Store what parts of aggregates stand at now."""
    names = ("member_id", "key", "start")
    rows = [
        dict(zip(names, key, strict=True)) | {"total": one.sum, "count": one.count, "low": one.low, "high": one.high}
        for key, one in values.items()
    ]
    _put(tx, aggregate_bucket, program_id, rows, names, ("total", "count", "low", "high"))


def forget_buckets(tx: Connection, program_id: int, keys: Sequence[str]) -> None:
    """Delete aggregates that are no longer defined, or whose definition changed."""
    columns = aggregate_bucket.c
    tx.execute(delete(aggregate_bucket).where(columns.program_id == program_id, columns.key.in_(keys)))


def forget_buckets_of(tx: Connection, program_id: int, member_ids: Sequence[int]) -> None:
    """Delete every part of every aggregate of these members, to be counted anew."""
    columns = aggregate_bucket.c
    tx.execute(delete(aggregate_bucket).where(columns.program_id == program_id, columns.member_id.in_(member_ids)))


def counters_of(tx: Connection, program_id: int, member_id: int) -> dict[tuple[str, str, date], int]:
    """Every counter of one member, by scope, window and first day."""
    columns = cap_counter.c
    rows = tx.execute(
        select(columns.scope, columns.window, columns.start, columns.points).where(
            columns.program_id == program_id, columns.member_id == member_id
        )
    )
    return {(row[0], row[1], row[2]): row[3] for row in rows}


def buckets_of(tx: Connection, program_id: int, member_id: int) -> dict[tuple[str, date], Stats]:
    """Every part of every aggregate of one member."""
    columns = aggregate_bucket.c
    rows = tx.execute(select(aggregate_bucket).where(columns.program_id == program_id, columns.member_id == member_id))
    return {(row.key, row.start): _stats(row) for row in rows}


def _put(
    tx: Connection,
    table: Table,
    program_id: int,
    rows: Sequence[dict[str, Any]],
    names: Sequence[str],
    figures: Sequence[str],
) -> None:
    if not rows:
        return
    dialect = postgresql if tx.dialect.name == "postgresql" else sqlite
    given = dialect.insert(table)
    upsert = given.on_conflict_do_update(
        index_elements=["program_id", *names], set_={name: given.excluded[name] for name in figures}
    )
    tx.execute(upsert, [{"program_id": program_id, **row} for row in rows])
