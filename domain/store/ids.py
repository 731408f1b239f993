"""Ids of rows: 64-bit integers, given before the insert so that rows can name each other in bulk.

PostgreSQL draws them from one sequence. SQLite has one writer, so the next number of the partition is free until
its database transaction ends.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import BigInteger, Connection, Integer, Table, Text, bindparam, func, literal_column, select

from domain.store.reading import Reading, Values, read

_NEXT = select(literal_column("nextval('tessera_id')", BigInteger).label("id")).select_from(
    func.generate_series(1, bindparam("count", type_=Integer))
)
# As one text, because a driver takes about as long over a row as over a hundred numbers, and decodes no array in one.
_DRAW = select(func.array_to_string(func.array(_NEXT.scalar_subquery()), ",", type_=Text).label("ids"))


def allocate_ids(tx: Connection, table: Table, program_id: int, count: int) -> list[int]:
    """`count` fresh ids for rows of `table` in this program, ascending."""
    return Ids(tx, program_id).take(table, count)


@dataclass(slots=True)
class Ids:
    """Gives ids in one database transaction: several tables can be served by one statement."""

    tx: Connection
    program_id: int
    _spare: list[int] = field(default_factory=list)
    _given: dict[Table, int] = field(default_factory=dict)

    def ahead(self, count: int) -> list[Reading[None]]:
        """What draws ids beforehand, together with other reads. Those that nobody takes are lost."""
        return [Reading(_DRAW, {"count": count}, self._keep)] if self._is_sequence and count else []

    def draw(self, count: int) -> None:
        """See to it that as many ids are there, for whatever table."""
        for reading in self.ahead(max(0, count - len(self._spare))):
            read(self.tx, reading)

    def take(self, table: Table, count: int) -> list[int]:
        """`count` fresh ids for rows of `table`, ascending."""
        if self._is_sequence:
            self.draw(count)
            taken, self._spare = self._spare[:count], self._spare[count:]
            return taken
        if not count:
            return []
        stored = self.tx.scalar(select(func.max(table.c.id)).where(table.c.program_id == self.program_id)) or 0
        # What was given before may not be stored yet.
        newest = max(stored, self._given.get(table, 0))
        self._given[table] = newest + count
        return list(range(newest + 1, newest + 1 + count))

    @property
    def _is_sequence(self) -> bool:
        return self.tx.dialect.name == "postgresql"

    def _keep(self, rows: Iterable[Values]) -> None:
        self._spare += [int(drawn) for row in rows for drawn in row[0].split(",")]
