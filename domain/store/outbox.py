"""The outbox and its feed in the database."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Connection, bindparam, select, text, update

from domain.models import feed, outbox
from domain.store.bulk import Bulk
from domain.store.feed import wake_readers
from domain.store.ids import allocate_ids


def add_events(tx: Connection, program_id: int, events: Sequence[dict[str, object]]) -> None:
    """Write events to the outbox with what they tell of."""
    if events:
        bulk = Bulk(tx)
        insert_events(bulk, program_id, events, allocate_ids(tx, outbox, program_id, len(events)))
        bulk.store()


def member_event(topic: str, member_id: int, now: datetime) -> dict[str, object]:
    """An event that says of a member no more than that something happened to it."""
    return {
        "topic": topic,
        "member_id": member_id,
        "payload": f'{{"member_id":{member_id}}}',
        "created_at": now,
    }


def insert_events(bulk: Bulk, program_id: int, events: Sequence[dict[str, object]], ids: Sequence[int]) -> None:
    """The same, under ids that were given to them already."""
    rows = [{"id": one, **event} for one, event in zip(ids, events, strict=True)]
    bulk.insert(outbox, rows, {"program_id": program_id})


def has_unnumbered(tx: Connection, program_id: int) -> bool:
    """Whether events wait for their number."""
    query = select(outbox.c.id).where(outbox.c.program_id == program_id, outbox.c.feed_seq.is_(None))
    return tx.scalar(query.limit(1)) is not None


def number_events(tx: Connection, program_id: int, limit: int) -> Counter[str]:
    """Number the next committed events of a program, oldest row first, and wake who reads them; how many by topic.

    Events of one account were written under its lock, so their ids, and with them their numbers, keep order.
    """
    last = tx.scalar(select(feed.c.last_seq).where(feed.c.program_id == program_id).with_for_update()) or 0
    rows = tx.execute(
        select(outbox.c.id, outbox.c.topic)
        .where(outbox.c.program_id == program_id, outbox.c.feed_seq.is_(None))
        .order_by(outbox.c.id)
        .limit(limit)
    ).all()
    if not rows:
        return Counter()
    ids = [row.id for row in rows]
    _number(tx, program_id, ids, last)
    tx.execute(update(feed).where(feed.c.program_id == program_id).values(last_seq=last + len(ids)))
    wake_readers(tx)
    return Counter(row.topic for row in rows)


def _number(tx: Connection, program_id: int, ids: list[int], last: int) -> None:
    """Number these rows in their order, after `last`."""
    if tx.dialect.name == "postgresql":
        # One statement by array: a plan for single rows, made while the table was small and kept by the
        # connection, may well go through the wrong index, and through all of it for each row.
        tx.execute(_NUMBER_BY_ARRAY, {"program_id": program_id, "ids": ids, "last": last})
        return
    rows = [{"program_id": program_id, "id": one, "seq": last + place} for place, one in enumerate(ids, start=1)]
    tx.execute(_NUMBER, rows)


_NUMBER = text("UPDATE outbox SET feed_seq = :seq WHERE program_id = :program_id AND id = :id")
_NUMBER_BY_ARRAY = text(
    "UPDATE outbox SET feed_seq = :last + given.place "
    "FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS given (id, place) "
    "WHERE outbox.program_id = :program_id AND outbox.id = given.id"
).bindparams(bindparam("last", type_=BigInteger), bindparam("program_id", type_=BigInteger))
