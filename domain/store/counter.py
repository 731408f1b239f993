"""Caps and aggregates in the database: kept up with each transaction, under the lock of the member's account."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection, bindparam, delete, select

from domain.models import aggregate_bucket, cap_counter
from domain.rules.aggregate import Stats
from domain.store.among import among
from domain.store.bulk import Bulk
from domain.store.reading import Reading, Values

Counter = tuple[int, str, str, date]
"""What a counter counts: member, scope (a rule group, empty for the program), window, the window's first day."""


BucketKey = tuple[int, str, date]
"""Which part: member, aggregate, the period's first day."""

_COUNTERS = select(
    cap_counter.c.member_id, cap_counter.c.scope, cap_counter.c.window, cap_counter.c.start, cap_counter.c.points
).where(
    cap_counter.c.program_id == bindparam("program_id"),
    among(cap_counter.c.member_id, "members"),
    among(cap_counter.c.start, "starts"),
)
_FIGURES = [getattr(aggregate_bucket.c, name) for name in ("total", "count", "low", "high")]
_BUCKETS = select(aggregate_bucket.c.member_id, aggregate_bucket.c.key, aggregate_bucket.c.start, *_FIGURES).where(
    aggregate_bucket.c.program_id == bindparam("program_id"), among(aggregate_bucket.c.member_id, "members")
)
_OF_PERIODS = _BUCKETS.where(among(aggregate_bucket.c.key, "fixed"), among(aggregate_bucket.c.start, "periods"))
_ROLLING = _BUCKETS.where(
    among(aggregate_bucket.c.key, "rolling"),
    aggregate_bucket.c.start.between(bindparam("first_day"), bindparam("last_day")),
)


def counters(program_id: int, members: Sequence[int], starts: Sequence[date]) -> Reading[dict[Counter, int]]:
    """The counters of these members in windows that begin on these days, in smallest units."""
    given = {"program_id": program_id, "members": members, "starts": starts}
    return Reading(_COUNTERS, given, lambda rows: {(row[0], row[1], row[2], row[3]): row[4] for row in rows})


def buckets(
    program_id: int, members: Sequence[int], keys: Sequence[str], periods: Sequence[date]
) -> Reading[dict[BucketKey, Stats]]:
    """The parts of these aggregates that begin on these days."""
    given = {"program_id": program_id, "members": members, "fixed": keys, "periods": periods}
    return Reading(_OF_PERIODS, given, _buckets)


def rolling_buckets(
    program_id: int, members: Sequence[int], keys: Sequence[str], first: date, last: date
) -> Reading[dict[BucketKey, Stats]]:
    """The parts of these aggregates that begin from the first to the last day, both included."""
    given = {"program_id": program_id, "members": members, "rolling": keys, "first_day": first, "last_day": last}
    return Reading(_ROLLING, given, _buckets)


def _buckets(rows: Iterable[Values]) -> dict[BucketKey, Stats]:
    return {(row[0], row[1], row[2]): Stats(*row[3:7]) for row in rows}


def put_counters(bulk: Bulk, program_id: int, values: Mapping[Counter, int]) -> None:
    """Store what counters stand at now."""
    names = ("member_id", "scope", "window", "start")
    rows = [
        {"program_id": program_id, **dict(zip(names, key, strict=True)), "points": points}
        for key, points in values.items()
    ]
    bulk.upsert(cap_counter, ("program_id", *names), rows)


def put_buckets(bulk: Bulk, program_id: int, values: Mapping[BucketKey, Stats]) -> None:
    """Store what parts of aggregates stand at now."""
    names = ("member_id", "key", "start")
    rows = [
        {"program_id": program_id, **dict(zip(names, key, strict=True))}
        | {"total": one.sum, "count": one.count, "low": one.low, "high": one.high}
        for key, one in values.items()
    ]
    bulk.upsert(aggregate_bucket, ("program_id", *names), rows)


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
    query = _BUCKETS.with_only_columns(columns.key, columns.start, *_FIGURES)
    rows = tx.execute(query, {"program_id": program_id, "members": [member_id]})
    return {(row[0], row[1]): Stats(*row[2:6]) for row in rows}
