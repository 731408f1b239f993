"""Leaves of an answer, the quick way: what nearly every value is goes through at once, all else is looked at again."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from inspect import iscoroutinefunction
from types import GeneratorType, NoneType
from typing import Any, TypeAlias
from uuid import UUID

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)

Quick: TypeAlias = Callable[[Any], Any]
"""Makes a value of an answer out of a value, or raises: then the careful way does it again and says what is wrong."""

GREATEST_INT = 2**31 - 1

CONSTANT: frozenset[type] = frozenset({str, int, float, bool, bytes, Decimal, datetime, date, UUID, type(None)})
"""Classes of values that nobody can change."""

_INERT = (CONSTANT | {dict, list, tuple}) - {type(None)}


class Careful(Exception):
    """The quick way does not know."""


@lru_cache(maxsize=1024)
def is_inert(kind: type) -> bool:
    """Whether the objects of a class are values: not nothing, and neither to be awaited nor to be raised."""
    may_be_more = issubclass(kind, Exception | GeneratorType | NoneType | type(Undefined)) or hasattr(
        kind, "__getattr__"
    )
    return not may_be_more and not hasattr(kind, "__await__")


def quick_leaf(leaf: GraphQLLeafType, *, nullable: bool) -> Quick | None:
    """The quick way of a scalar or an enum; None where there is none."""
    if iscoroutinefunction(leaf.coerce_output_value):
        return None
    other = _quick_other(leaf, nullable=nullable)
    if leaf is GraphQLString or leaf is GraphQLID:
        return lambda value: value if value.__class__ is str else other(value)
    if leaf is GraphQLBoolean:
        return lambda value: value if value.__class__ is bool else other(value)
    if leaf is GraphQLInt:
        return lambda value: (
            value if value.__class__ is int and -GREATEST_INT <= value <= GREATEST_INT else other(value)
        )
    if isinstance(leaf, GraphQLEnumType):
        return _quick_enum(leaf, other)
    return other


def _quick_other(leaf: GraphQLLeafType, *, nullable: bool) -> Quick:
    coerce = leaf.coerce_output_value

    def quick(value: Any) -> Any:
        if value.__class__ not in _INERT:
            if value is None and nullable:
                return None
            if value is None or value is Undefined or not is_inert(value.__class__):
                raise Careful
        coerced = coerce(value)
        if coerced is None or coerced is Undefined:
            raise Careful
        return coerced

    return quick


def _quick_enum(leaf: GraphQLEnumType, other: Quick) -> Quick:
    kind = getattr(leaf, "wrapped_cls", None)
    if not (isinstance(kind, type) and issubclass(kind, Enum)):
        return other
    names = {}
    for member in kind:
        try:
            # To hash a member takes longer than all the rest.
            names[id(member)] = leaf.coerce_output_value(member)
        except Exception:  # noqa: BLE001, S112 - which member has no name is found out when it is answered
            continue
    return lambda value: names[id(value)] if value.__class__ is kind else other(value)
