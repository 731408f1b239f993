"""Conditions of rules, aggregates and segments: plain frozen trees."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

Scalar = str | int | Decimal | bool | date | datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """An attribute against a constant (`value`) or another attribute (`attribute_value`).

    `value` has the attribute's own type; a tuple for `in`, `not_in` and `between`.
    """

    attribute: str
    op: str
    value: Scalar | tuple[Scalar, ...] | None = None
    attribute_value: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AllOf:
    """Every part holds; without parts: always."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnyOf:
    """At least one part holds; without parts: never."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Condition"


Condition = Comparison | AllOf | AnyOf | Not
