"""Ids of rows: 64-bit integers, given before the insert so that rows can name each other in bulk."""

from itertools import islice

from sqlalchemy import BigInteger, Connection, Integer, Table, bindparam, func, literal_column, select

from domain.store.reading import Reading, read

_DRAW = select(literal_column("nextval('tessera_id')", BigInteger).label("id")).select_from(
    func.generate_series(1, bindparam("count", type_=Integer))
)


def allocate_ids(tx: Connection, table: Table, program_id: int, count: int) -> list[int]:
    """`count` fresh ids for rows of `table` in this program, ascending.

    PostgreSQL draws them from one sequence. SQLite has one writer, so the next number of the partition is
    free until this database transaction ends.
    """
    return read(tx, fresh_ids(tx, table, program_id, count))


def allocate_many(tx: Connection, program_id: int, *wanted: tuple[Table, int]) -> list[list[int]]:
    """Fresh ids for rows of several tables, by one statement where one sequence serves them all."""
    if tx.dialect.name != "postgresql":
        return [allocate_ids(tx, table, program_id, count) if count else [] for table, count in wanted]
    table, drawn = wanted[0][0], sum(count for _, count in wanted)
    ids = iter(allocate_ids(tx, table, program_id, drawn))
    return [list(islice(ids, count)) for _, count in wanted]


def fresh_ids(tx: Connection, table: Table, program_id: int, count: int) -> Reading[list[int]]:
    """See `allocate_ids`."""
    if tx.dialect.name == "postgresql":
        return Reading(_DRAW, {"count": count}, lambda rows: [row[0] for row in rows])
    newest = select(func.max(table.c.id)).where(table.c.program_id == program_id)

    def following(last: int | None) -> list[int]:
        return list(range((last or 0) + 1, (last or 0) + 1 + count))

    return Reading(newest, {}, lambda rows: following(next(iter(rows))[0]))
