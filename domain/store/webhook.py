"""SQL of webhook endpoints: kept, taken up by one process at a time, given back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, func, insert, or_, select, update

from domain.models import feed, outbox, program, webhook_delivery, webhook_endpoint

MOST_BEHIND = 10_000
"""With so many events to try again an endpoint takes no new ones: they wait in the feed, where they cost nothing."""

_endpoint, _delivery = webhook_endpoint.c, webhook_delivery.c


def insert_endpoint(tx: Connection, values: Mapping[str, Any]) -> None:
    """Store a new endpoint."""
    tx.execute(insert(webhook_endpoint).values(replays=0, behind=0, failures=0, lease=0, **values))


def find_endpoint(tx: Connection, program_id: int, name: str, *, lock: bool = False) -> Row[Any] | None:
    """The endpoint of this name, locked until the database transaction ends if asked for."""
    query = select(webhook_endpoint).where(_endpoint.program_id == program_id, _endpoint.name == name)
    return tx.execute(query.with_for_update() if lock else query).one_or_none()


def list_endpoints(tx: Connection, program_id: int) -> Sequence[Row[Any]]:
    """All endpoints of a program, by name."""
    query = select(webhook_endpoint).where(_endpoint.program_id == program_id)
    return tx.execute(query.order_by(_endpoint.name)).all()


def update_endpoint(tx: Connection, program_id: int, endpoint_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of an endpoint."""
    tx.execute(update(webhook_endpoint).where(_is(program_id, endpoint_id)).values(**values))


def remove_endpoint(tx: Connection, program_id: int, endpoint_id: int) -> None:
    """Delete an endpoint and what it was behind with."""
    tx.execute(delete(webhook_delivery).where(_of(program_id, endpoint_id)))
    tx.execute(delete(webhook_endpoint).where(_is(program_id, endpoint_id)))


def newest_number(tx: Connection, program_id: int) -> int:
    """The number of the newest event of the program."""
    return tx.scalar(select(feed.c.last_seq).where(feed.c.program_id == program_id)) or 0


def number_at(tx: Connection, program_id: int, at: datetime) -> int:
    """The number of the last event before the first that happened at this instant or later.

    Found by halving: events have their numbers in about the order in which they happened, and what a transaction that
    took long wrote a little late is looked for among so many before.
    """
    low, high = 0, newest_number(tx, program_id)
    while low < high:
        middle = (low + high) // 2 + 1
        query = select(outbox.c.created_at).where(outbox.c.program_id == program_id, outbox.c.feed_seq == middle)
        found = tx.execute(query).scalar_one_or_none()
        if found is None or found < at:
            low = middle
        else:
            high = middle - 1
    earliest = tx.scalar(
        select(func.min(outbox.c.feed_seq)).where(
            outbox.c.program_id == program_id,
            outbox.c.feed_seq > low - _LATE,
            outbox.c.feed_seq <= low,
            outbox.c.created_at >= at,
        )
    )
    return low if earliest is None else earliest - 1


_LATE = 2000


def has_work(tx: Connection, environments: Sequence[str], now: datetime) -> bool:
    """Whether an endpoint that nobody works on has anything to do."""
    return tx.execute(_with_work(environments, now).limit(1)).first() is not None


def claim_endpoints(
    tx: Connection, environments: Sequence[str], now: datetime, until: datetime, limit: int
) -> list[Row[Any]]:
    """Take up endpoints that have something to do, those first that nobody worked on for the longest time."""
    rows = tx.execute(
        _with_work(environments, now)
        .order_by(_endpoint.leased_until, _endpoint.program_id, _endpoint.id)
        .limit(limit)
        .with_for_update(of=webhook_endpoint, skip_locked=True)
    ).all()
    for row in rows:
        update_endpoint(tx, row.program_id, row.id, {"lease": row.lease + 1, "leased_until": until})
    return list(rows)


def _with_work(environments: Sequence[str], now: datetime) -> Select[Any]:
    has_new = and_(_endpoint.behind < MOST_BEHIND, feed.c.last_seq > _endpoint.position)
    return (
        select(_endpoint.program_id, _endpoint.id, _endpoint.lease)
        .join(feed, feed.c.program_id == _endpoint.program_id)
        .join(program, program.c.id == _endpoint.program_id)
        .where(
            _endpoint.enabled,
            _endpoint.leased_until <= now,
            or_(_endpoint.rests_until.is_(None), _endpoint.rests_until <= now),
            program.c.environment.in_(environments),
            or_(has_new, _endpoint.next_attempt_at <= now),
        )
    )


def load_leased(
    tx: Connection, program_id: int, endpoint_id: int, lease: int, *, lock: bool = False
) -> Row[Any] | None:
    """An endpoint that this lease is still of; None where it is not, or is gone."""
    query = select(webhook_endpoint).where(_is(program_id, endpoint_id), _endpoint.lease == lease)
    return tx.execute(query.with_for_update() if lock else query).one_or_none()


def prolong_lease(tx: Connection, program_id: int, endpoint_id: int, lease: int, until: datetime) -> bool:
    """Keep other processes from an endpoint until then; whether the lease still holds. `until` now gives it back."""
    where = _is(program_id, endpoint_id), _endpoint.lease == lease
    return tx.execute(update(webhook_endpoint).where(*where).values(leased_until=until)).rowcount == 1


def _is(program_id: int, endpoint_id: int) -> ColumnElement[bool]:
    return and_(_endpoint.program_id == program_id, _endpoint.id == endpoint_id)


def _of(program_id: int, endpoint_id: int) -> ColumnElement[bool]:
    return and_(_delivery.program_id == program_id, _delivery.endpoint_id == endpoint_id)
