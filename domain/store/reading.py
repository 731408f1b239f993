"""Reads whose statements are built once; those that do not depend on each other in one round trip.

To a transaction that waits for its points, each round trip costs more than what it asks for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Dialect, Select, func, select
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.types import NullType

from domain.store.bare import fetch

POSTGRES: Dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no annotation there

Key = TypeVar("Key")
Found = TypeVar("Found")
Values = Sequence[Any]
"""What one row holds, in the order of the statement's columns."""


@dataclass(frozen=True, slots=True)
class Reading(Generic[Found]):
    """A statement that is built once, its values, and what is made of the rows.

    Readings that go together share the values of one name; others are asked one by one. Their columns are of types
    that drivers decode themselves: no JSON, but for those who take its text.
    """

    statement: Select[Any]
    values: Mapping[str, Any]
    take: Callable[[Iterable[Values]], Found]


def into(reading: Reading[dict[Key, Found]], known: dict[Key, Found]) -> Reading[None]:
    """The same reading, with what it finds added to `known`; what is known already stays."""

    def take(rows: Iterable[Values]) -> None:
        for key, value in reading.take(rows).items():
            known.setdefault(key, value)

    return Reading(reading.statement, reading.values, take)


def read(tx: Connection, reading: Reading[Found]) -> Found:
    """What one statement finds."""
    [found] = read_together(tx, reading)
    return found  # type: ignore[no-any-return]  # what one reading finds is of its kind


def read_together(tx: Connection, *readings: Reading[Any]) -> list[Any]:
    """What each statement finds: on PostgreSQL with a single one around them all."""
    if tx.dialect.name != "postgresql":
        return [one.take(tx.execute(one.statement, one.values)) for one in readings]
    if not go_together(readings):
        return [found for one in readings for found in read_together(tx, one)]
    return take(readings, fetch(tx, *for_driver(readings))) if readings else []


def go_together(readings: Sequence[Reading[Any]]) -> bool:
    """Whether one statement can be made of them: what is named alike has one value."""
    values: dict[str, Any] = {}
    return all(values.setdefault(name, value) == value for one in readings for name, value in one.values.items())


def for_driver(readings: Sequence[Reading[Any]]) -> tuple[str, list[Any]]:
    """The text of one statement for all of them on PostgreSQL, and its values in the order of their places."""
    statements = tuple(one.statement for one in readings)
    statement, names, constants = _text(statements[0]) if len(statements) == 1 else _around(statements)
    values = {**constants}
    for one in readings:
        values.update(one.values)
    return statement, [values[name] for name in names]


def take(readings: Sequence[Reading[Any]], rows: Sequence[Values]) -> list[Any]:
    """What each of them makes of the rows of that statement."""
    found = [rows] if len(readings) == 1 else rows[0]
    return [one.take(its) for one, its in zip(readings, found, strict=True)]


@cache
def _around(statements: tuple[Select[Any], ...]) -> tuple[str, list[str], dict[str, Any]]:
    """The text of one statement around them all, the names of its values in their order, and what it says itself."""
    parts: list[Any] = []
    for one in statements:
        inner = one.subquery()
        rows = select(func.row(*inner.c)).select_from(inner).scalar_subquery()
        # Records come as tuples that the driver has decoded already.
        parts.append(func.array(rows, type_=NullType()))
    return _compiled(select(*parts))


@cache
def _text(statement: Select[Any]) -> tuple[str, list[str], dict[str, Any]]:
    """The text of one statement, the names of its values in their order, and what it says itself.

    The text is made once: to look it up with each execution takes longer than the driver needs for the rest.
    """
    return _compiled(statement)


def _compiled(statement: Select[Any]) -> tuple[str, list[str], dict[str, Any]]:
    compiled = statement.compile(dialect=POSTGRES)
    return str(compiled), compiled.positiontup or [], dict(compiled.params)
