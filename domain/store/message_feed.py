"""Up to where in the feed messages to members were written."""

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.models import feed, message_feed
from domain.store.webhook import newest_number


def all_places(tx: Connection) -> dict[int, tuple[int, int]]:
    """By program that has begun: its place, and the number of its newest event."""
    query = select(message_feed.c.program_id, message_feed.c.position, feed.c.last_seq)
    rows = tx.execute(query.join(feed, feed.c.program_id == message_feed.c.program_id))
    return {row.program_id: (row.position, row.last_seq) for row in rows}


def take_place(tx: Connection, program_id: int) -> int | None:
    """The place, for this database transaction alone; None where another process has it."""
    query = select(message_feed.c.position).where(message_feed.c.program_id == program_id)
    found: int | None = tx.scalar(query.with_for_update(skip_locked=True))
    return found


def begin_place(tx: Connection, program_id: int) -> None:
    """Begin with what happens from now on, unless another process did."""
    dialect = sqlite if tx.dialect.name == "sqlite" else postgresql
    values = {"program_id": program_id, "position": newest_number(tx, program_id)}
    tx.execute(dialect.insert(message_feed).values(**values).on_conflict_do_nothing())


def move_place(tx: Connection, program_id: int, position: int) -> None:
    """Go on."""
    tx.execute(update(message_feed).where(message_feed.c.program_id == program_id).values(position=position))


def forget_place(tx: Connection, program_id: int) -> None:
    """Begin anew the next time."""
    tx.execute(delete(message_feed).where(message_feed.c.program_id == program_id))
