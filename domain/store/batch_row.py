"""SQL of the lines of batch files, and what became of each."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, and_, bindparam, case, func, select

from domain.models import batch_row
from domain.store.bulk import Bulk
from domain.store.reading import Reading, Values, read


def standing_lines(tx: Connection, program_id: int, batch_id: int, *, first: int, last: int) -> set[int]:
    """The lines of this range that have an outcome already."""
    values = {"program_id": program_id, "batch_id": batch_id, "first": first, "last": last}
    return read(tx, Reading(_STANDING, values, lambda rows: {row[0] for row in rows}))


_STANDING = select(batch_row.c.line).where(
    batch_row.c.program_id == bindparam("program_id"),
    batch_row.c.batch_id == bindparam("batch_id"),
    batch_row.c.line.between(bindparam("first"), bindparam("last")),
)


def insert_rows(tx: Connection, program_id: int, batch_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store the outcomes of lines."""
    bulk = Bulk(tx)
    bulk.insert(batch_row, rows, {"program_id": program_id, "batch_id": batch_id})
    bulk.store()


def page_rows(
    tx: Connection, program_id: int, batch_id: int, *, after_line: int, limit: int, status: str | None = None
) -> list[Values]:
    """Line, status, code, message, points and reference of lines, in the order of the file; of one status if asked."""
    values = {"program_id": program_id, "batch_id": batch_id, "after_line": after_line, "most": limit}
    if status is None:
        return read(tx, Reading(_PAGE, values, list))
    return read(tx, Reading(_PAGE_OF_STATUS, values | {"status": status}, list))


# Built once: the handback of a long file asks for hundreds of pages.
_PAGE = (
    select(*(batch_row.c[name] for name in ("line", "status", "code", "message", "points", "external_reference")))
    .where(
        batch_row.c.program_id == bindparam("program_id"),
        batch_row.c.batch_id == bindparam("batch_id"),
        batch_row.c.line > bindparam("after_line"),
    )
    .order_by(batch_row.c.line)
    .limit(bindparam("most", type_=Integer))
)
_PAGE_OF_STATUS = _PAGE.where(batch_row.c.status == bindparam("status"))


def count_rejects(tx: Connection, program_id: int, batch_id: int) -> dict[str, int]:
    """How many lines were rejected, by code."""
    counts = tx.execute(
        select(batch_row.c.code, func.count())
        .where(_of(program_id, batch_id), batch_row.c.status == "REJECTED")
        .group_by(batch_row.c.code)
        .order_by(batch_row.c.code)
    )
    return {row.code: row[1] for row in counts}


def sum_points(tx: Connection, program_id: int, batch_id: int) -> tuple[int, int]:
    """The points that the lines awarded and those that they took, both positive, in smallest units."""
    points = batch_row.c.points
    awarded, taken = tx.execute(
        select(
            func.coalesce(func.sum(case((points > 0, points))), 0),
            func.coalesce(func.sum(case((points < 0, -points))), 0),
        ).where(_of(program_id, batch_id))
    ).one()
    return int(awarded), int(taken)


def _of(program_id: int, batch_id: int) -> ColumnElement[bool]:
    return and_(batch_row.c.program_id == program_id, batch_row.c.batch_id == batch_id)
