"""Valid operations over a schema, made at random: aliases, repeats, fragments, directives, variables, literals."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

Scalar = Callable[[Random, str, str], Any]
"""A JSON value for a scalar: of which name, for which argument or field of an input."""

ABSENT = object()

ALIASES = 15
"""Of an operation, about, so that it stays within the limit when its fragments are written out."""


class EnumName(str):
    """The name of a value of an enum, which stands without quotes in a document."""

    __slots__ = ()


@dataclass
class Operation:
    """A document with one operation, and variables for it."""

    text: str
    variables: dict[str, Any]


@dataclass
class _Draft:
    definitions: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    arguments: dict[tuple[str, str], str] = field(default_factory=dict)
    numbers: int = 0
    aliases: int = 0

    def number(self) -> int:
        self.numbers += 1
        return self.numbers


class Generator:
    """Makes operations over a schema. `only` are the root fields to ask for; all if there are none."""

    def __init__(
        self,
        schema: GraphQLSchema,
        random: Random,
        scalar: Scalar,
        *,
        depth: int = 5,
        only: frozenset[str] = frozenset(),
    ) -> None:
        self._schema, self._random, self._scalar, self._depth, self._only = schema, random, scalar, depth, only

    def operation(self, kind: str = "query") -> Operation:
        """One operation."""
        draft = _Draft()
        root = self._schema.mutation_type if kind == "mutation" else self._schema.query_type
        assert root is not None
        selection = self._selection(draft, root, self._random.randint(2, self._depth))
        head = f"({', '.join(draft.definitions)})" if draft.definitions else ""
        return Operation("\n".join([f"{kind} Generated{head} {selection}", *draft.fragments]), draft.variables)

    def _selection(self, draft: _Draft, kind: Any, depth: int) -> str:
        parts = [self._part(draft, kind, depth) for _ in range(self._random.choice((0, 1, 1, 2, 2, 3, 3)))]
        asked = [part for part in parts if part]
        if not asked or self._random.random() < 0.4:
            asked.insert(self._random.randint(0, len(asked)), "__typename")
        return "{" + " ".join(asked) + "}"

    def _part(self, draft: _Draft, kind: Any, depth: int) -> str:
        chance = self._random.random()
        if is_abstract_type(kind):
            if chance < 0.7:
                concrete = self._random.choice(self._schema.get_possible_types(kind))
                return f"... on {concrete.name} {self._directives(draft)} {self._selection(draft, concrete, depth)}"
        elif chance < 0.08:
            return f"... {self._directives(draft)} {self._selection(draft, kind, depth - 1)}" if depth > 1 else ""
        if chance > 0.9 and depth > 1:
            name = f"Part{draft.number()}"
            draft.fragments.append(f"fragment {name} on {kind.name} {self._selection(draft, kind, depth - 1)}")
            return f"...{name} {self._directives(draft)}" + (f" ...{name}" if self._random.random() < 0.3 else "")
        return self._field(draft, kind, depth)

    def _field(self, draft: _Draft, kind: Any, depth: int) -> str:
        fields: Mapping[str, GraphQLField] = getattr(kind, "fields", {})
        known = [
            name
            for name, one in fields.items()
            if (depth > 1 or not is_composite_type(get_named_type(one.type)))
            and (
                kind not in (self._schema.query_type, self._schema.mutation_type)
                or not self._only
                or name in self._only
            )
        ]
        if not known:
            return ""
        name = self._random.choice(known)
        definition = fields[name]
        # Under its own name a field has the same arguments everywhere, or the document would not be valid.
        if isinstance(kind, GraphQLObjectType) and (draft.aliases >= ALIASES or self._random.random() < 0.8):
            call = draft.arguments.get((kind.name, name))
            if call is None:
                call = draft.arguments[kind.name, name] = self._arguments(draft, definition)
            call = name + call
        else:
            draft.aliases += 1
            call = f"a{draft.number()}: {name}{self._arguments(draft, definition)}"
        below = get_named_type(definition.type)
        if not is_composite_type(below):
            return f"{call} {self._directives(draft)}"
        one = f"{call} {self._directives(draft)} {self._selection(draft, below, depth - 1)}"
        return f"{one} {call} {self._selection(draft, below, depth - 1)}" if self._random.random() < 0.15 else one

    def _directives(self, draft: _Draft) -> str:
        if self._random.random() < 0.85:
            return ""
        name, value = self._random.choice(("skip", "include")), self._random.random() < 0.5
        chance = self._random.random()
        if chance < 0.3:
            return f"@{name}(if: {json.dumps(value)})"
        variable = f"b{draft.number()}"
        # A variable that may be null where it must not be: GraphQL allows it if it has a default.
        declared = "Boolean = true" if chance > 0.95 else "Boolean! = true" if chance > 0.8 else "Boolean!"
        draft.definitions.append(f"${variable}: {declared}")
        if declared == "Boolean!" or value:
            draft.variables[variable] = value
        elif declared == "Boolean = true" and self._random.random() < 0.3:
            draft.variables[variable] = None
        return f"@{name}(if: ${variable})"

    def _arguments(self, draft: _Draft, definition: GraphQLField) -> str:
        given = []
        for name, argument in definition.args.items():
            value = self._value(argument.type, name, 3)
            if value is ABSENT:
                continue
            if self._random.random() < 0.5:
                given.append(f"{name}: {_literal(value)}")
                continue
            variable = f"v{draft.number()}"
            literal = self._value(argument.type, name, 3)
            has_default = literal is not ABSENT and self._random.random() < 0.3
            draft.definitions.append(
                f"${variable}: {argument.type}" + (f" = {_literal(literal)}" if has_default else "")
            )
            is_needed = is_non_null_type(argument.type) and not has_default
            if is_needed or self._random.random() < 0.8:
                draft.variables[variable] = value
            given.append(f"{name}: ${variable}")
        return f"({', '.join(given)})" if given else ""

    def _spoilt(self, value: Any) -> Any:
        """The value nearly always, else one that may not fit."""
        chance = self._random.random()
        return None if chance < 0.02 else {"no": ["such"]} if chance < 0.03 else value

    def _value(self, kind: Any, name: str, depth: int) -> Any:
        """A value of an input type; ABSENT now and then where nothing needs to be said."""
        if not is_non_null_type(kind):
            chance = self._random.random()
            if chance < 0.4 or depth == 0:
                return ABSENT
            if chance < 0.5:
                return None
        kind = get_nullable_type(kind)
        if is_list_type(kind):
            items = [self._value(kind.of_type, name, depth) for _ in range(self._random.randint(0, 3))]
            return [one for one in items if one is not ABSENT]
        if isinstance(kind, GraphQLEnumType):
            return EnumName(self._random.choice(list(kind.values)))
        if is_leaf_type(kind):
            return self._scalar(self._random, kind.name, name)
        assert isinstance(kind, GraphQLInputObjectType)
        if kind.extensions["strawberry-definition"].is_one_of:
            chosen = self._random.choice(list(kind.fields))
            return {chosen: self._value(GraphQLNonNull(kind.fields[chosen].type), chosen, depth)}
        values = {key: self._value(one.type, key, depth - 1) for key, one in kind.fields.items()}
        return {key: value for key, value in values.items() if value is not ABSENT}


def _literal(value: Any) -> str:
    if isinstance(value, EnumName):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_literal(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value)
