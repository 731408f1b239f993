"""SQL of the events that a webhook endpoint is behind with; events of one lane go in order."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, case, delete, func, insert, or_, select, update

from domain.models import outbox, webhook_delivery
from domain.store.feed import StoredEvent

WAITING, HELD, DEAD = "WAITING", "HELD", "DEAD"
_LIVE = (WAITING, HELD)

_row, _event = webhook_delivery.c, outbox.c


def due_deliveries(
    tx: Connection, program_id: int, endpoint_id: int, now: datetime, *, lanes: int, limit: int
) -> Sequence[Row[Any]]:
    """What is to be tried again by now, of so many lanes, with what is held behind it, in the order of the feed."""
    due = (
        select(_row.lane)
        .where(_of(program_id, endpoint_id), _row.status == WAITING, _row.next_attempt_at <= now)
        .order_by(_row.next_attempt_at)
        .limit(lanes)
    )
    found = list(tx.scalars(due))
    if not found:
        return ()
    query = select(webhook_delivery).where(_of(program_id, endpoint_id), _row.lane.in_(found), _row.status.in_(_LIVE))
    return tx.execute(query.order_by(_row.feed_seq).limit(limit)).all()


def next_due(tx: Connection, program_id: int, endpoint_id: int) -> datetime | None:
    """When the next one is to be tried."""
    query = select(func.min(_row.next_attempt_at)).where(_of(program_id, endpoint_id), _row.status == WAITING)
    found: datetime | None = tx.scalar(query)
    return found


def count_behind(tx: Connection, program_id: int, endpoint_id: int) -> int:
    """How many are to be tried again."""
    query = select(func.count()).select_from(webhook_delivery)
    return tx.scalar(query.where(_of(program_id, endpoint_id), _row.status.in_(_LIVE))) or 0


def blocked_lanes(tx: Connection, program_id: int, endpoint_id: int, lanes: Collection[int]) -> set[int]:
    """Those of these lanes in which something is to be tried again."""
    query = select(_row.lane).where(_of(program_id, endpoint_id), _row.lane.in_(lanes), _row.status.in_(_LIVE))
    return set(tx.scalars(query.distinct())) if lanes else set()


def add_deliveries(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store events that were not delivered."""
    if rows:
        tx.execute(insert(webhook_delivery), [dict(row) for row in rows])


def change_deliveries(tx: Connection, program_id: int, endpoint_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store what became of further attempts."""
    if not rows:
        return
    names = ("status", "attempts", "first_tried_at", "next_attempt_at", "outcome")
    statement = (
        update(webhook_delivery)
        .where(_of(program_id, endpoint_id), _row.feed_seq == bindparam("of_seq"))
        .values({name: bindparam(f"to_{name}", type_=_row[name].type) for name in names})
    )
    tx.execute(statement, [{"of_seq": row["feed_seq"], **{f"to_{name}": row[name] for name in names}} for row in rows])


def drop_deliveries(tx: Connection, program_id: int, endpoint_id: int, numbers: Collection[int]) -> None:
    """Forget events that were delivered."""
    if numbers:
        tx.execute(delete(webhook_delivery).where(_of(program_id, endpoint_id), _row.feed_seq.in_(numbers)))


def drop_behind(tx: Connection, program_id: int, endpoint_id: int, position: int) -> None:
    """Forget all that comes behind this number: it is delivered anew."""
    tx.execute(delete(webhook_delivery).where(_of(program_id, endpoint_id), _row.feed_seq > position))


def settle_lanes(tx: Connection, program_id: int, endpoint_id: int, lanes: Collection[int]) -> None:
    """Of each of these lanes the first is to be tried, and holds back the others."""
    if not lanes:
        return
    other = webhook_delivery.alias("other")
    first = (
        select(func.min(other.c.feed_seq))
        .where(
            other.c.program_id == program_id,
            other.c.endpoint_id == endpoint_id,
            other.c.lane == _row.lane,
            other.c.status.in_(_LIVE),
        )
        .scalar_subquery()
    )
    tx.execute(
        update(webhook_delivery)
        .where(_of(program_id, endpoint_id), _row.lane.in_(lanes), _row.status.in_(_LIVE))
        .values(status=case((_row.feed_seq == first, WAITING), else_=HELD))
    )


def revive(
    tx: Connection, program_id: int, endpoint_id: int, now: datetime, numbers: Collection[int] | None
) -> Sequence[Row[Any]]:
    """Have dead ones tried again from the start: these, or all; as they are now."""
    where = [_of(program_id, endpoint_id), _row.status == DEAD]
    where += [] if numbers is None else [_row.feed_seq.in_(numbers)]
    fresh = {"status": HELD, "attempts": 0, "first_tried_at": None, "next_attempt_at": now, "outcome": None}
    statement = update(webhook_delivery).where(*where).values(fresh).returning(webhook_delivery)
    return tx.execute(statement).all()


def page_dead(
    tx: Connection, program_id: int, endpoint_id: int, *, first: int, after: int | None
) -> Sequence[Row[Any]]:
    """Dead ones in the order of the feed, with when they happened and to whom."""
    query = (
        select(webhook_delivery, outbox.c.created_at, outbox.c.member_id)
        .join(outbox, and_(outbox.c.program_id == _row.program_id, outbox.c.feed_seq == _row.feed_seq))
        .where(_of(program_id, endpoint_id), _row.status == DEAD)
    )
    query = query if after is None else query.where(_row.feed_seq > after)
    return tx.execute(query.order_by(_row.feed_seq).limit(first)).all()


def count_dead(tx: Connection, program_id: int) -> dict[int, int]:
    """How many dead ones each endpoint of a program has; those without any are left out."""
    query = select(_row.endpoint_id, func.count()).where(_row.program_id == program_id, _row.status == DEAD)
    return {row[0]: row[1] for row in tx.execute(query.group_by(_row.endpoint_id))}


def wanted_events(
    tx: Connection,
    program_id: int,
    topics: tuple[Collection[str], Sequence[str]] | None,
    *,
    after: int,
    until: int,
    limit: int,
) -> list[StoredEvent]:
    """The first events in (after, until] of these topics, or whose topics begin so; None: of any."""
    query = select(_event.feed_seq.label("seq"), _event.topic, _event.member_id, _event.payload, _event.created_at)
    query = query.where(_event.program_id == program_id, _event.feed_seq > after, _event.feed_seq <= until)
    if topics is not None:
        begins = [_event.topic.startswith(one, autoescape=True) for one in topics[1]]
        query = query.where(or_(_event.topic.in_(topics[0]), *begins))
    return [StoredEvent(**row._mapping) for row in tx.execute(query.order_by(_event.feed_seq).limit(limit))]


def load_events(tx: Connection, program_id: int, numbers: Collection[int]) -> list[StoredEvent]:
    """Events by their numbers, in order."""
    query = select(_event.feed_seq.label("seq"), _event.topic, _event.member_id, _event.payload, _event.created_at)
    query = query.where(_event.program_id == program_id, _event.feed_seq.in_(numbers)).order_by(_event.feed_seq)
    return [StoredEvent(**row._mapping) for row in tx.execute(query)] if numbers else []


def _of(program_id: int, endpoint_id: int) -> ColumnElement[bool]:
    return and_(_row.program_id == program_id, _row.endpoint_id == endpoint_id)
