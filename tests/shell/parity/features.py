"""What there is in the language of rules, by its own definitions, and what of it a configuration has."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from domain.catalog_terms import CatalogItem
from domain.fraud_terms import RedemptionThreshold
from domain.message import MessageTemplate
from domain.rules.model import (
    Comparison,
    Configuration,
    Example,
    FileTerms,
    ProgramTerms,
    ReferralTerms,
)
from domain.rules.vocabulary import DATE_PARTS, OPERATORS, vocabulary_of

_NOT_OF_ROWS = (ProgramTerms, ReferralTerms, FileTerms, MessageTemplate, Example, RedemptionThreshold, CatalogItem)
"""What no row of a file can touch; of the terms of a program, these can:"""
_PROGRAM = frozenset({"time_zone", "points_decimals", "accrual_cap_per_month", "pending_validity"})
_ROOTS = ("sub_relation.", "date.", "tier", "segments")


def features_there_are() -> frozenset[str]:
    """Every class, field and choice that a configuration can be made of, and every operator for each kind."""
    operators = {f"{kind} {op}" for kind, all_of_kind in OPERATORS.items() for op in all_of_kind}
    parts = {f"asked: date.{part}" for part in DATE_PARTS}
    return frozenset({*_of_class(Configuration, set()), *operators, *parts, *(f"program.{key}" for key in _PROGRAM)})


def features_of(configuration: Configuration) -> frozenset[str]:
    """Those that a configuration has."""
    words = vocabulary_of(configuration)
    found = set(_of_value(configuration))
    for one in _comparisons(configuration):
        found.add(f"{words[one.attribute].kind} {one.op}")
        found.add(f"asked: {one.attribute}")
    given, default = configuration.program, ProgramTerms()
    found |= {f"program.{key}" for key in _PROGRAM if getattr(given, key) != getattr(default, key)}
    return frozenset(found)


def words_to_ask(configuration: Configuration) -> frozenset[str]:
    """The attributes of conditions that are not the program's own: of sub-relations, dates and standing."""
    return frozenset(f"asked: {path}" for path in vocabulary_of(configuration) if path.startswith(_ROOTS))


def _of_class(kind: type, seen: set[type]) -> Iterator[str]:
    if kind in _NOT_OF_ROWS or kind in seen:
        return
    seen.add(kind)
    for name, hint in get_type_hints(kind).items():
        parts = list(_parts(hint))
        if not set(parts) & set(_NOT_OF_ROWS):
            yield f"{kind.__name__}.{name}"
        for part in parts:
            if get_origin(part) is Literal:
                yield from (f"{kind.__name__}.{name} = {choice}" for choice in get_args(part))
            elif isinstance(part, type) and is_dataclass(part):
                yield from _of_class(part, seen)


def _parts(hint: Any) -> Iterator[Any]:
    """The types that a hint is made of."""
    if get_origin(hint) in {Union, UnionType, tuple}:
        for one in get_args(hint):
            yield from _parts(one)
    else:
        yield hint


def _of_value(value: Any) -> Iterator[str]:
    """A field counts where it says something: not nothing, no, or as little as can be."""
    if isinstance(value, _NOT_OF_ROWS):
        return
    if isinstance(value, tuple):
        for one in value:
            yield from _of_value(one)
    elif is_dataclass(value):
        for field in fields(value):
            inner, name = getattr(value, field.name), f"{type(value).__name__}.{field.name}"
            if inner not in (None, ()) and not (isinstance(inner, bool) and inner == field.default):
                yield name
            if isinstance(inner, str):
                yield f"{name} = {inner}"
            yield from _of_value(inner)


def _comparisons(value: Any) -> Iterator[Comparison]:
    parts: Iterable[Any] = ()
    if isinstance(value, Comparison):
        yield value
    elif isinstance(value, tuple):
        parts = value
    elif is_dataclass(value) and not isinstance(value, _NOT_OF_ROWS):
        parts = [getattr(value, field.name) for field in fields(value)]
    for one in parts:
        yield from _comparisons(one)
