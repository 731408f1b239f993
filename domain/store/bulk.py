"""Rows for several tables, stored at once: on PostgreSQL by one statement, in one round trip."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Column, Connection, Dialect, Table, UpdateBase, bindparam, update
from sqlalchemy.dialects import sqlite

from domain.models.types import JsonText, to_json
from domain.store.columns import array_of, shared, values_of
from domain.store.reading import POSTGRES

_SQLITE: Dialect = sqlite.dialect()
# Arrays begin to pay here: each column is a parameter, which one row of the API would take longer over.
_MANY = 32

Row: TypeAlias = Mapping[str, Any]
_NOTHING: Row = {}


@dataclass(frozen=True, slots=True)
class _Shape:
    """A kind of write: `columns` are given, those in `key` find the row of an update or of an upsert.

    Columns that are `shared` have one value for all rows.
    """

    verb: str
    table: Table
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()

    @property
    def own(self) -> list[str]:
        """The columns of which each row has a value of its own."""
        return [one for one in self.columns if one not in self.shared]

    @property
    def figures(self) -> list[str]:
        """The columns that change."""
        return [one for one in self.columns if one not in self.key]


@dataclass(frozen=True, slots=True)
class _Write:
    """Rows that are written alike; `alike` are the values that all of them have beside their own."""

    shape: _Shape
    rows: Sequence[Row]
    alike: Row = field(default_factory=dict)

    def whole(self) -> Sequence[Row]:
        """The rows with all their values."""
        return [{**row, **self.alike} for row in self.rows] if self.alike else self.rows

    def in_columns(self) -> "_Write":
        """The same with what is shared."""
        own = shared([one for one in self.shape.columns if one not in self.alike], self.rows)
        return replace(self, shape=replace(self.shape, shared=(*own, *self.alike)))


@dataclass(slots=True)
class Bulk:
    """Collects writes of one database transaction until `store`. All rows of one call have the same columns.

    The writes see nothing of each other, and each row is written once: they are one statement.
    """

    tx: Connection
    _writes: list[_Write] = field(default_factory=list)

    def insert(self, table: Table, rows: Sequence[Row], alike: Row | None = None) -> None:
        """New rows; `alike` are columns that have the same value in all of them."""
        self._add("insert", table, rows, (), alike or _NOTHING)

    def update(self, table: Table, key: tuple[str, ...], rows: Sequence[Row]) -> None:
        """New values of the rows that have this key."""
        self._add("update", table, rows, key)

    def upsert(self, table: Table, key: tuple[str, ...], rows: Sequence[Row]) -> None:
        """New values of the rows that have this key, which is unique; new rows where there are none."""
        self._add("upsert", table, rows, key)

    def _add(self, verb: str, table: Table, rows: Sequence[Row], key: tuple[str, ...], alike: Row = _NOTHING) -> None:
        if rows:
            self._writes.append(_Write(_Shape(verb, table, (*rows[0], *alike), key), rows, alike))

    def store(self) -> None:
        """Store all that was collected. Raises IntegrityError."""
        writes, self._writes = self._writes, []
        if not writes:
            return
        if self.tx.dialect.name != "postgresql":
            for one in writes:
                statement, values = _for_each(one.shape)
                self.tx.exec_driver_sql(statement, [tuple([read(row) for read in values]) for row in one.whole()])
            return
        in_columns = max(len(one.rows) for one in writes) >= _MANY
        if in_columns:
            writes = [one.in_columns() for one in writes]
        statement = _at_once(tuple(one.shape for one in writes), in_columns=in_columns)
        given = _columns if in_columns else _document
        self.tx.exec_driver_sql(statement, tuple(chain.from_iterable(map(given, writes))))


@cache
def _for_each(shape: _Shape) -> tuple[str, list[Callable[[Row], Any]]]:
    """The text for one row, and what reads its values in their order. Made once: to bind by name takes far longer."""
    columns = {name: name for name in shape.columns}
    given = sqlite.insert(shape.table)
    statement: UpdateBase = given
    if shape.verb == "update":
        columns = {**columns, **{f"for_{name}": name for name in shape.key}}
        found = (shape.table.c[name] == bindparam(f"for_{name}") for name in shape.key)
        statement = update(shape.table).where(*found).values({name: bindparam(name) for name in shape.figures})
    elif shape.verb == "upsert":
        statement = given.on_conflict_do_update(
            index_elements=shape.key, set_={name: given.excluded[name] for name in shape.figures}
        )
    compiled = statement.compile(dialect=_SQLITE, column_keys=None if shape.verb == "update" else shape.columns)
    return str(compiled), [_reader(shape.table.c[columns[name]]) for name in compiled.positiontup or []]


def _reader(column: Column[Any]) -> Callable[[Row], Any]:
    """What takes the value of a column from a row, as the driver wants it."""
    name, bind = column.name, column.type.dialect_impl(_SQLITE).bind_processor(_SQLITE)
    return itemgetter(name) if bind is None else lambda row: bind(row[name])


@cache
def _at_once(shapes: tuple[_Shape, ...], *, in_columns: bool) -> str:
    """One statement of a part for each shape. Each takes few rows as one document, many as an array for each column."""
    parts: list[str] = []
    place = 1
    for shape in shapes:
        given = _given_columns(shape, place) if in_columns else _given_document(shape, place)
        parts.append(f"write_{len(parts) + 1} AS ({_part(shape, given)})")
        place += len(shape.columns) if in_columns else 1
    return f"WITH {', '.join(parts)} SELECT 1"


def _given_document(shape: _Shape, place: int) -> str:
    typed = ", ".join(f'"{name}" {shape.table.c[name].type.compile(POSTGRES)}' for name in shape.columns)
    return f"json_to_recordset(${place}::json) AS given ({typed})"


def _given_columns(shape: _Shape, place: int) -> str:
    # Not in FROM, where each array would be written down as a table before the first row is taken.
    values = [
        f'unnest({array_of(shape.table.c[name], number)}) AS "{name}"' for number, name in enumerate(shape.own, place)
    ]
    places = enumerate(shape.shared, start=place + len(values))
    values += [f'${number}::{shape.table.c[name].type.compile(POSTGRES)} AS "{name}"' for number, name in places]
    return f"(SELECT {', '.join(values)}) AS given"


def _part(shape: _Shape, given: str) -> str:
    table, columns = shape.table.name, ", ".join(_quoted(shape.columns))
    if shape.verb == "update":
        figures = ", ".join(f"{name} = given.{name}" for name in _quoted(shape.figures))
        found = " AND ".join(f"{table}.{name} = given.{name}" for name in _quoted(shape.key))
        return f"UPDATE {table} SET {figures} FROM {given} WHERE {found}"  # noqa: S608 - our own names
    insert = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {given}"  # noqa: S608 - our own names
    if shape.verb == "insert":
        return insert
    figures = ", ".join(f"{name} = excluded.{name}" for name in _quoted(shape.figures))
    return f"{insert} ON CONFLICT ({', '.join(_quoted(shape.key))}) DO UPDATE SET {figures}"


def _quoted(names: Iterable[str]) -> list[str]:
    return [f'"{name}"' for name in names]


def _columns(write: _Write) -> list[Any]:
    values = [values_of(write.shape.table.c[name], write.rows) for name in write.shape.own]
    first = {**write.rows[0], **write.alike}
    return values + [first[name] for name in write.shape.shared]


def _document(write: _Write) -> list[Any]:
    texts, rows = _texts(write.shape), write.whole()
    if texts:
        rows = [{**row, **{name: None if row[name] is None else to_json(row[name]) for name in texts}} for row in rows]
    return [orjson.dumps(rows, default=_plain).decode()]


@cache
def _texts(shape: _Shape) -> list[str]:
    """The columns that keep a document as its text."""
    return [name for name in shape.columns if isinstance(shape.table.c[name].type, JsonText)]


def _plain(value: object) -> str:
    """As PostgreSQL reads it: bytes, and exact numbers with all their digits."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
