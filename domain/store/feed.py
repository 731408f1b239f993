"""The feed: committed events in the order of their numbers, which no reader sees a gap in.

An event has its number only when all with lower numbers are there to be read (`domain/store/outbox.py`). So whoever
knows the number of the last event that it saw can go on behind it and misses nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, select, text

from domain.models import feed, outbox

CHANNEL = "tessera_feed"
"""What PostgreSQL wakes the readers of other processes by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEvent:
    """One event of a program. `member_id` None: it is of no member."""

    seq: int
    topic: str
    member_id: int | None
    payload: str
    created_at: datetime

    @property
    def told(self) -> Mapping[str, Any]:
        """What the event tells, beside its topic and its member."""
        found: Mapping[str, Any] = orjson.loads(self.payload)
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which events are asked for: those of members or those of none, whose topics begin so; None: of all members."""

    of_members: bool
    prefix: str = ""
    member_ids: frozenset[int] | None = None

    def has(self, event: StoredEvent) -> bool:
        """Whether an event is one of them."""
        if (event.member_id is not None) != self.of_members or not event.topic.startswith(self.prefix):
            return False
        return self.member_ids is None or event.member_id in self.member_ids

    @property
    def condition(self) -> ColumnElement[bool]:
        """The same in SQL."""
        # The index over members serves those of no member as well.
        parts: list[ColumnElement[bool]] = [
            outbox.c.member_id.is_not(None) if self.of_members else outbox.c.member_id.is_(None)
        ]
        if self.prefix:
            parts.append(outbox.c.topic.startswith(self.prefix, autoescape=True))
        if self.member_ids is not None:
            parts.append(outbox.c.member_id.in_(sorted(self.member_ids)))
        return and_(*parts)


def newest_numbers(tx: Connection, program_ids: Collection[int]) -> dict[int, int]:
    """The number of the newest event of each of these programs; 0 where there is none."""
    rows = tx.execute(select(feed.c.program_id, feed.c.last_seq).where(feed.c.program_id.in_(sorted(program_ids))))
    return {row.program_id: row.last_seq for row in rows}


def read_events(
    tx: Connection,
    program_id: int,
    *,
    after: int,
    until: int | None = None,
    limit: int,
    selection: Selection | None = None,
) -> Sequence[StoredEvent]:
    """The first events behind `after`, up to `until` with it, in the order of their numbers; at most `limit`."""
    query = select(outbox.c.feed_seq, outbox.c.topic, outbox.c.member_id, outbox.c.payload, outbox.c.created_at)
    query = query.where(outbox.c.program_id == program_id, outbox.c.feed_seq > after)
    if until is not None:
        query = query.where(outbox.c.feed_seq <= until)
    if selection is not None:
        query = query.where(selection.condition)
    return [
        StoredEvent(
            seq=row.feed_seq,
            topic=row.topic,
            member_id=row.member_id,
            payload=row.payload,
            created_at=row.created_at,
        )
        for row in tx.execute(query.order_by(outbox.c.feed_seq).limit(limit))
    ]


def wake_readers(tx: Connection) -> None:
    """Tell the readers of all processes, with the commit, that there is something new.

    Never in a database transaction that moves points: to notify takes a lock of the whole database at the commit.
    On SQLite there is one process, which tells itself.
    """
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})
