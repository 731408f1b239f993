"""Ids of rows: 64-bit integers, given before the insert so that rows can name each other in bulk."""

from sqlalchemy import Connection, Table, func, select, text


def allocate_ids(tx: Connection, table: Table, program_id: int, count: int) -> list[int]:
    """`count` fresh ids for rows of `table` in this program, ascending.

    PostgreSQL draws them from one sequence. SQLite has one writer, so the next number of the partition is
    free until this database transaction ends.
    """
    if tx.dialect.name == "postgresql":
        drawn = tx.execute(text("SELECT nextval('tessera_id') FROM generate_series(1, :count)"), {"count": count})
        return [row[0] for row in drawn]
    newest = tx.scalar(select(func.max(table.c.id)).where(table.c.program_id == program_id)) or 0
    return list(range(newest + 1, newest + 1 + count))
