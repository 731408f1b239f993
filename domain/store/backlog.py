"""What waits in the database, in a few figures that are cheap to read: for whoever watches the deployment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from domain.models import batch, outbox, queue_batch


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """`unnumbered_since`: when the oldest event was written that has no place in the feed yet; None: there is none.

    `queued`: transactions that were accepted and are not posted; `rows` of files, by their type and outcome, `batches`
    by type and status.
    """

    unnumbered_since: datetime | None
    queued: int
    rows: Mapping[tuple[str, str], int]
    batches: Mapping[tuple[str, str], int]


def read_backlog(tx: Connection) -> Backlog:
    """What waits, in all programs."""
    since = tx.scalar(select(func.min(outbox.c.created_at)).where(outbox.c.feed_seq.is_(None)))
    pending = func.sum(queue_batch.c.total - queue_batch.c.next_position)
    queued = tx.scalar(select(pending).where(queue_batch.c.finished_at.is_(None)))
    outcomes = ("accepted", "rejected", "parked")
    sums = [func.sum(batch.c[name]).label(name) for name in outcomes]
    query = select(batch.c.type, batch.c.status, func.count().label("files"), *sums)
    rows: dict[tuple[str, str], int] = {}
    batches: dict[tuple[str, str], int] = {}
    for one in tx.execute(query.group_by(batch.c.type, batch.c.status)):
        batches[one.type, one.status] = one.files
        for name in outcomes:
            rows[one.type, name] = rows.get((one.type, name), 0) + int(getattr(one, name))
    return Backlog(unnumbered_since=since, queued=int(queued or 0), rows=rows, batches=batches)
