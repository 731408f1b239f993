"""SQL of lines of files that wait for their member or card."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, insert, or_, select, tuple_, update

from domain.models import batch, member, parked_row, program, sub_relation

_C = parked_row.c
_WAITS = _C.payload.is_not(None)


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a line names: a member by reference, else a card by keyed hash, an identifier, or the pair of both."""

    reference: str | None
    card_hash: bytes | None
    identifier: str | None


def insert_parked(tx: Connection, program_id: int, batch_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store lines that begin to wait."""
    fixed = {"program_id": program_id, "batch_id": batch_id, "decided_at": None, "is_late": False}
    tx.execute(insert(parked_row), [fixed | dict(row) for row in rows])


def programs_with_parked(tx: Connection) -> set[int]:
    """The programs in which lines wait, are kept since they were rejected, or were decided on and not told of."""
    # A look into an index for each program: there may be millions of lines.
    parked = exists().where(_C.program_id == program.c.id)
    unreported = exists().where(batch.c.program_id == program.c.id, batch.c.revision != batch.c.reported)
    return set(tx.scalars(select(program.c.id).where(or_(parked, unreported))))


def waited_for(tx: Connection, program_id: int, named: Collection[Named]) -> tuple[set[str], set[bytes], set[str]]:
    """Those of these references, cards and identifiers by which other lines wait already."""
    of_program = _C.program_id == program_id, _WAITS
    if not tx.scalar(select(exists().where(*of_program))):
        return set(), set(), set()

    def among(column: ColumnElement[Any], values: Iterable[Any]) -> set[Any]:
        wanted = {one for one in values if one is not None}
        return set(tx.scalars(select(column).where(*of_program, column.in_(wanted)))) if wanted else set()

    return (
        among(_C.member_reference, (one.reference for one in named)),
        among(_C.card_hash, (one.card_hash for one in named)),
        among(_C.sub_relation_identifier, (one.identifier for one in named)),
    )


def ready_rows(tx: Connection, program_id: int, limit: int) -> Sequence[Row[Any]]:
    """The first lines whose member or card is known by now, as batch, line and turn: sub-relations come first."""
    is_known = exists().where(member.c.program_id == program_id, member.c.relation_reference == _C.member_reference)
    linked = and_(sub_relation.c.program_id == program_id, sub_relation.c.unlinked_at.is_(None))
    same_card, same_identifier = (
        sub_relation.c.card_hash == _C.card_hash,
        sub_relation.c.sub_relation_identifier == _C.sub_relation_identifier,
    )
    by_card = exists().where(linked, same_card, or_(_C.sub_relation_identifier.is_(None), same_identifier))
    by_identifier = exists().where(linked, same_identifier)
    nobody, no_card = _C.member_reference.is_(None), _C.card_hash.is_(None)
    ready = or_(is_known, and_(nobody, by_card), and_(nobody, no_card, by_identifier))
    query: Any = select(_C.batch_id, _C.line, _C.turn).where(_C.program_id == program_id, _WAITS, ready)
    return tx.execute(query.order_by(_C.turn, _C.batch_id, _C.line).limit(limit)).all()


def overdue_rows(tx: Connection, program_id: int, before: datetime, limit: int) -> Sequence[Row[Any]]:
    """Lines that have waited since this instant or longer, as batch, line and turn."""
    query: Any = select(_C.batch_id, _C.line, _C.turn)
    query = query.where(_C.program_id == program_id, _WAITS, _C.parked_at <= before)
    return tx.execute(query.order_by(_C.parked_at, _C.batch_id, _C.line).limit(limit)).all()


def lock_batches(tx: Connection, program_id: int, ids: Collection[int]) -> Mapping[int, Row[Any]]:
    """The files of lines, locked in the order of their ids: whoever changes outcomes has their lock."""
    query = select(batch).where(batch.c.program_id == program_id, batch.c.id.in_(ids))
    return {row.id: row for row in tx.execute(query.order_by(batch.c.id).with_for_update())}


def waiting_rows(tx: Connection, program_id: int, places: Collection[tuple[int, int]]) -> Sequence[Row[Any]]:
    """Those of these lines (batch, line) that still wait, in their order, whole."""
    query = select(parked_row).where(
        _C.program_id == program_id, _WAITS, tuple_(_C.batch_id, _C.line).in_(list(places))
    )
    return tx.execute(query.order_by(_C.turn, _C.batch_id, _C.line)).all()


def end_waiting(
    tx: Connection,
    program_id: int,
    *,
    posted: Collection[tuple[int, int]],
    rejected: Mapping[bool, Collection[tuple[int, int]]],
    now: datetime,
) -> None:
    """Let lines go that were posted, and keep the bytes of those that were rejected; of the late ones (True) apart."""
    place = tuple_(_C.batch_id, _C.line)
    if posted:
        tx.execute(delete(parked_row).where(_C.program_id == program_id, place.in_(list(posted))))
    for is_late, places in rejected.items():
        if places:
            tx.execute(
                update(parked_row)
                .where(_C.program_id == program_id, place.in_(list(places)))
                .values(payload=None, decided_at=now, is_late=is_late)
            )


def forget_waiting(tx: Connection, program_id: int, batch_id: int) -> None:
    """Let all lines of a file go that wait: none of them is posted any more."""
    tx.execute(delete(parked_row).where(_C.program_id == program_id, _C.batch_id == batch_id, _WAITS))


def late_rejects(tx: Connection, program_id: int, batch_id: int, *, after_line: int, limit: int) -> Sequence[Row[Any]]:
    """Line and bytes of what was rejected after the handback of its file, in the order of the file."""
    query: Any = select(_C.line, _C.raw).where(
        _C.program_id == program_id, _C.batch_id == batch_id, _C.is_late, _C.line > after_line
    )
    return tx.execute(query.order_by(_C.line).limit(limit)).all()


def forget_rejected(tx: Connection, program_id: int, before: datetime) -> int:
    """Delete the bytes of what was rejected before this instant; how many lines."""
    done = tx.execute(delete(parked_row).where(_C.program_id == program_id, ~_WAITS, _C.decided_at <= before))
    return done.rowcount
