"""The outbox and its feed in the database."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select, update

from domain.models import feed, outbox
from domain.store.ids import allocate_ids


def add_events(tx: Connection, program_id: int, events: Sequence[dict[str, object]]) -> None:
    """Write events to the outbox with what they tell of."""
    if not events:
        return
    ids = allocate_ids(tx, outbox, program_id, len(events))
    rows = [{"program_id": program_id, "id": one, **event} for one, event in zip(ids, events, strict=True)]
    tx.execute(outbox.insert(), rows)


def has_unnumbered(tx: Connection, program_id: int) -> bool:
    """Whether events wait for their number."""
    query = select(outbox.c.id).where(outbox.c.program_id == program_id, outbox.c.feed_seq.is_(None))
    return tx.scalar(query.limit(1)) is not None


def number_events(tx: Connection, program_id: int, limit: int) -> int:
    """Number the next committed events of a program, oldest row first; how many.

    Events of one account were written under its lock, so their ids, and with them their numbers, keep order.
    """
    last = tx.scalar(select(feed.c.last_seq).where(feed.c.program_id == program_id).with_for_update()) or 0
    ids = list(
        tx.scalars(
            select(outbox.c.id)
            .where(outbox.c.program_id == program_id, outbox.c.feed_seq.is_(None))
            .order_by(outbox.c.id)
            .limit(limit)
        )
    )
    if not ids:
        return 0
    tx.execute(
        _NUMBER,
        [
            {"for_program": program_id, "for_event": event_id, "seq": last + place}
            for place, event_id in enumerate(ids, start=1)
        ],
    )
    tx.execute(update(feed).where(feed.c.program_id == program_id).values(last_seq=last + len(ids)))
    return len(ids)


_NUMBER = (
    update(outbox)
    .where(outbox.c.program_id == bindparam("for_program"), outbox.c.id == bindparam("for_event"))
    .values(feed_seq=bindparam("seq"))
)
