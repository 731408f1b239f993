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

    Readings that go together share the values of one name. Their columns are of types that drivers decode
    themselves: no JSON.
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
    if tx.dialect.name != "postgresql":
        return reading.take(tx.execute(reading.statement, reading.values))
    statement, names, constants = _text(reading.statement)
    values = {**constants, **reading.values}
    return reading.take(fetch(tx, statement, [values[name] for name in names]))


def read_together(tx: Connection, *readings: Reading[Any]) -> list[Any]:
    """What each statement finds: on PostgreSQL with a single one around them all."""
    if tx.dialect.name != "postgresql" or len(readings) < 2:
        return [read(tx, one) for one in readings]
    statement, names, constants = _around(tuple(one.statement for one in readings))
    values = constants | {name: value for one in readings for name, value in one.values.items()}
    [found] = fetch(tx, statement, [values[name] for name in names])
    return [one.take(rows) for one, rows in zip(readings, found, strict=True)]


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
