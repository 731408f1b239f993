"""A condition on a list of values: on PostgreSQL its text does not depend on how many there are.

There `IN` with a place for each value is another statement for each length, to be parsed and planned anew.
SQLite prepares in no time, and would not use its indexes for a list that comes as one value.
"""

from typing import Any

from sqlalchemy import ColumnElement, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType


class _Among(FunctionElement[Any]):
    # As a Boolean it would be compared with 1 on SQLite, and no index serves that.
    type = NullType()
    inherit_cache = True


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether a column has one of the values that are given, as a list, under this name."""
    return _Among(column, bindparam(name, type_=column.type, expanding=True))


@compiles(_Among)
def _in_list(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = element.clauses
    return compiler.process(column.in_(values), **kw)


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = element.clauses
    array = bindparam(values.key, type_=ARRAY(column.type))
    return f"{compiler.process(column, **kw)} = ANY ({compiler.process(array, **kw)})"
