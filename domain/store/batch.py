"""SQL of batch files."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningUpdate

from domain.models import batch, batch_row
from domain.store.bulk import Bulk

_ENDED = ("FINISHED", "DISCARDED")


def insert_batch(tx: Connection, values: Mapping[str, Any]) -> bool:
    """Store a new batch; False where one of its name or of its content stands already."""
    # A statement of each dialect's own, because a violated constraint would end the database transaction.
    dialect = postgresql if tx.dialect.name == "postgresql" else sqlite
    return tx.execute(dialect.insert(batch).values(**values).on_conflict_do_nothing()).rowcount == 1


def find_batches(tx: Connection, program_id: int, *, sha256: str, name_key: str) -> Sequence[Row[Any]]:
    """The batches that keep this content or this name from others, at most two."""
    same = or_(batch.c.sha256 == sha256, batch.c.name_key == name_key)
    return tx.execute(select(batch).where(batch.c.program_id == program_id, batch.c.keeps_name, same)).all()


def load_batch(tx: Connection, program_id: int, batch_id: int) -> Row[Any] | None:
    """One batch."""
    return tx.execute(select(batch).where(_is(program_id, batch_id))).one_or_none()


def lock_batch(tx: Connection, program_id: int, batch_id: int, buckets: Sequence[int] | None = None) -> Row[Any] | None:
    """One batch, locked until the database transaction ends: its lines are posted by one loader at a time.

    With `buckets` only against who has one of the same or the whole, so its totals may move meanwhile.
    """
    one = {"its_program": program_id, "its_id": batch_id}
    if buckets is None:
        return tx.execute(_LOCK, one).one_or_none()
    tx.execute(_LOCK_BUCKETS, {"prefix": f"batch {program_id} {batch_id} ", "buckets": sorted(buckets)})
    return tx.execute(_LOCK_SHARED, one).one_or_none()


# Built once: for each share of a file that would take longer than the statements do.
_ITS = and_(batch.c.program_id == bindparam("its_program"), batch.c.id == bindparam("its_id"))
_LOCK = select(batch).where(_ITS).with_for_update()
_LOCK_SHARED = select(batch).where(_ITS).with_for_update(key_share=True, read=True)
# In one order, so that nobody waits for who waits for oneself.
_LOCK_BUCKETS = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(:prefix || bucket, 0)) FROM unnest(CAST(:buckets AS int[])) bucket"
)


def page_batches(
    tx: Connection,
    program_id: int,
    *,
    first: int,
    before_id: int | None,
    number: int | None = None,
    kind: str | None = None,
    status: str | None = None,
) -> Sequence[Row[Any]]:
    """The newest batches, at most `first`: of this number, of one type and in one status, or any."""
    statement = select(batch).where(batch.c.program_id == program_id)
    statement = statement if number is None else statement.where(batch.c.id == number)
    statement = statement if kind is None else statement.where(batch.c.type == kind)
    statement = statement if status is None else statement.where(batch.c.status == status)
    if before_id is not None:
        statement = statement.where(batch.c.id < before_id)
    return tx.execute(statement.order_by(batch.c.id.desc()).limit(first)).all()


def advance_batch(
    tx: Connection,
    locked: Row[Any],
    *,
    accepted: int,
    rejected: int,
    amount: Decimal,
    refunded: Decimal,
    points: int,
    parked: int = 0,
) -> int:
    """Move the restart point and the totals of a locked batch by what a chunk, or a share of one, added.

    Where the restart point is now: others may have moved it since the batch was locked.
    """
    figures = {"amount": amount, "refunded": refunded, "accepted": accepted, "rejected": rejected, "parked": parked}
    if tx.dialect.name != "postgresql":
        # There an exact decimal is a text, so it is added here; no share runs beside another.
        figures |= {"amount": locked.amount + amount, "refunded": locked.refunded + refunded}
    moved = tx.execute(
        _ADVANCE[tx.dialect.name],
        {
            **{f"more_{key}": value for key, value in figures.items()},
            "more_rows_read": accepted + rejected + parked,
            "more_points": points,
            "its_program": locked.program_id,
            "its_id": locked.id,
        },
    )
    return int(moved.scalar_one())


def _advance(*, adds_decimals: bool) -> ReturningUpdate[int]:
    counts = ("rows_read", "accepted", "rejected", "parked", "points")
    sums = ("amount", "refunded")
    added = (*counts, *sums) if adds_decimals else counts
    given = {name: bindparam(f"more_{name}", type_=batch.c[name].type) for name in (*counts, *sums)}
    return (
        update(batch)
        .where(_ITS)
        .values({name: batch.c[name] + value if name in added else value for name, value in given.items()})
        .returning(batch.c.rows_read)
    )


_ADVANCE = {"postgresql": _advance(adds_decimals=True), "sqlite": _advance(adds_decimals=False)}


def settle_rows(
    tx: Connection,
    locked: Row[Any],
    rows: Sequence[Mapping[str, Any]],
    *,
    accepted: int,
    amount: Decimal,
    refunded: Decimal,
    points: int,
) -> None:
    """Store the outcomes of lines of a locked batch that were parked, and correct its totals."""
    bulk, key = Bulk(tx), {"program_id": locked.program_id, "batch_id": locked.id}
    bulk.update(batch_row, ("program_id", "batch_id", "line"), [key | dict(row) for row in rows])
    bulk.store()
    tx.execute(
        update(batch)
        .where(_is(locked.program_id, locked.id))
        .values(
            parked=locked.parked - len(rows),
            accepted=locked.accepted + accepted,
            rejected=locked.rejected + len(rows) - accepted,
            amount=locked.amount + amount,
            refunded=locked.refunded + refunded,
            points=locked.points + points,
            revision=locked.revision + 1,
        )
    )


def unreported_batches(tx: Connection, program_id: int) -> Sequence[Row[Any]]:
    """Batches that have ended, of which outcomes changed since their handback was written."""
    return tx.execute(
        select(batch)
        .where(batch.c.program_id == program_id, batch.c.revision != batch.c.reported, batch.c.status.in_(_ENDED))
        .order_by(batch.c.id)
    ).all()


def mark_reported(tx: Connection, program_id: int, batch_id: int, revision: int) -> bool:
    """Note that the handback tells this revision; False where there is another one by now."""
    done = tx.execute(
        update(batch).where(_is(program_id, batch_id), batch.c.revision == revision).values(reported=revision)
    )
    return done.rowcount == 1


def finish_batch(tx: Connection, program_id: int, batch_id: int, now: datetime) -> bool:
    """Mark a running batch as finished; whether it was running."""
    values = {"status": "FINISHED", "finished_at": now, "rows_total": batch.c.rows_read}
    return _change(tx, program_id, batch_id, ("RUNNING",), values)


def start_batch(tx: Connection, program_id: int, batch_id: int, now: datetime) -> bool:
    """Mark a batch as running from now on; whether it waited or ran."""
    values = {"status": "RUNNING", "resumed_at": now, "resumed_rows": batch.c.rows_read}
    return _change(tx, program_id, batch_id, ("WAITING", "RUNNING"), values)


def hold_batch(tx: Connection, program_id: int, batch_id: int) -> bool:
    """Hold a running batch; whether it ran."""
    return _change(tx, program_id, batch_id, ("RUNNING",), {"status": "HELD"})


def release_batch(tx: Connection, program_id: int, batch_id: int, released_at: datetime | None) -> bool:
    """Let a held batch wait to be gone on with, from `released_at` on whatever is rejected; whether it was held."""
    return _change(tx, program_id, batch_id, ("HELD",), {"status": "WAITING", "released_at": released_at})


def discard_batch(
    tx: Connection,
    program_id: int,
    batch_id: int,
    statuses: Sequence[str],
    now: datetime,
    code: str | None = None,
    message: str | None = None,
) -> bool:
    """End a batch in one of these statuses as it stands; whether it was in one.

    Where nothing was posted of it, another file may have its name and its content.
    """
    values = {"status": "DISCARDED", "finished_at": now, "keeps_name": batch.c.accepted > 0}
    return _change(tx, program_id, batch_id, statuses, values | {"code": code, "message": message})


def keep_total(tx: Connection, program_id: int, batch_id: int, rows: int) -> None:
    """Store how many rows a batch has."""
    tx.execute(update(batch).where(_is(program_id, batch_id)).values(rows_total=rows))


def batches_by_id(tx: Connection, program_id: int, ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Those of these batches that there are."""
    return tx.execute(select(batch).where(batch.c.program_id == program_id, batch.c.id.in_(ids))).all()


def waiting_batches(tx: Connection, program_id: int) -> Sequence[Row[Any]]:
    """Id, type and beginning of the batches that wait."""
    return tx.execute(
        select(*(batch.c[name] for name in ("id", "type", "started_at"))).where(
            batch.c.program_id == program_id, batch.c.status == "WAITING"
        )
    ).all()


def _change(tx: Connection, program_id: int, batch_id: int, statuses: Sequence[str], values: Mapping[str, Any]) -> bool:
    changed = tx.execute(update(batch).where(_is(program_id, batch_id), batch.c.status.in_(statuses)).values(**values))
    return changed.rowcount == 1


def _is(program_id: int, batch_id: int) -> ColumnElement[bool]:
    return and_(batch.c.program_id == program_id, batch.c.id == batch_id)
