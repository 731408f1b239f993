"""Rows as columns for PostgreSQL: of many rows it reads arrays in half the time that documents take.

A driver encodes each element of an array in Python, which takes longer than the server saves. So a column goes as
the text of an array, which is written in one go, but for what is long or binary.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Column, LargeBinary

from domain.models.types import JsonText, LongText, to_json
from domain.store.reading import POSTGRES

# What a run gives all of its rows. To look for it in other columns would make a statement of each combination.
_OF_A_RUN = frozenset(
    {"program_id", "batch_id", "config_version", "source", "actor", "processed_at", "created_at", "enrolled_at"}
)


def shared(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The columns that have the same value in all rows, among those that mostly do."""
    first = rows[0]
    return tuple(
        name
        for name in names
        if name in _OF_A_RUN and first[name] is not None and [row[name] for row in rows].count(first[name]) == len(rows)
    )


def array_of(column: Column[Any], place: int) -> str:
    """A parameter as the array that has the values of this column."""
    kind = f"{column.type.compile(POSTGRES)}[]"
    return f"${place}::{kind}" if _is_encoded(column) else f"${place}::text::{kind}"


def values_of(column: Column[Any], rows: Sequence[Mapping[str, Any]]) -> Any:
    """The value of that parameter. None in each row is no element at all, which means the same beside others."""
    name = column.name
    values = [row[name] for row in rows]
    if values[0] is None and values.count(None) == len(values):
        return [] if _is_encoded(column) else "{}"
    if _is_encoded(column):
        return values
    if isinstance(column.type, JsonText):
        values = [None if value is None else to_json(value) for value in values]
    return array_text(values)


def array_text(values: Sequence[Any]) -> str:
    """One-dimensional, in PostgreSQL's notation, which is that of JSON but for the brackets and control characters."""
    text = orjson.dumps(values, default=str).decode()
    # Between quotes it knows two escapes, and takes what follows any other backslash as it is.
    if "\\" in text.replace(r"\\", "").replace(r"\"", ""):
        text = f"[{','.join(map(_quoted, values))}]"
    return f"{{{text[1:-1]}}}"


def _quoted(value: object) -> str:
    if value is None:
        return "NULL"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _is_encoded(column: Column[Any]) -> bool:
    return isinstance(column.type, LongText | LargeBinary)
