"""Arguments of a field: worked out once per operation, once per run, or for each object, as their values allow."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeAlias

import strawberry
from graphql import (
    ArgumentNode,
    GraphQLField,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_argument_values,
)
from strawberry.relay.types import GlobalID
from strawberry.types.arguments import convert_arguments
from strawberry.types.base import StrawberryMaybe, StrawberryOptional

from schema.plan.leaf import CONSTANT
from schema.plan.run import Place, Run

_LEAVES = frozenset({str, int, float, bool, strawberry.ID})

Given: TypeAlias = Callable[[Any], Mapping[str, Any]]
"""What a resolver is called with, from its `info`; nobody changes it."""


class Arguments:
    """The arguments of one field of an operation."""

    def __init__(self, place: Place, schema: strawberry.Schema) -> None:
        assert place.field is not None  # noqa: S101 - only such fields have resolvers
        self._definition, self._node = place.definition, place.nodes[0]
        self._arguments = place.field.arguments
        self._config, self._scalars = schema.config, schema.schema_converter.scalar_registry
        self._is_as_it_is = not any(
            isinstance(one.type, StrawberryMaybe) or _is_id(one.type) for one in self._arguments
        )
        # Of leaves alone, which need no conversion, the names are all that changes.
        self._names: dict[str, str] | None = None
        if all(_is_leaf(one.type) for one in self._arguments):
            naming = schema.config.name_converter
            self._names = {naming.from_argument(one): one.python_name for one in self._arguments}
        self._has_variables = any(_has_variable(one.value) for one in self._node.arguments or ())
        self._ready: Given | None = None

    def read(self, run: Run) -> Given:
        """The arguments for this run. Raises GraphQLError."""
        found = self._ready or run.given.get(self)
        if found is not None:
            return found
        coerced = get_argument_values(self._definition, self._node, run.variables)
        if not (self._is_as_it_is and all(map(_is_constant, coerced.values()))):
            # What a resolver could change is made anew for each.
            return lambda info: self._convert(coerced, info)
        converted = self._convert(coerced, None)
        given: Given = lambda _: converted  # noqa: E731
        if self._has_variables:
            run.given[self] = given
        else:
            self._ready = given
        return given

    def _convert(self, coerced: dict[str, Any], info: Any) -> dict[str, Any]:
        if self._names is not None:
            return {python_name: coerced[name] for name, python_name in self._names.items() if name in coerced}
        return convert_arguments(coerced, self._arguments, self._scalars, self._config, info)


def raw_arguments(definition: GraphQLField, node: Any, run: Run) -> dict[str, Any]:
    """The arguments as graphql-core hands them on. Raises GraphQLError."""
    return get_argument_values(definition, node, run.variables) if definition.args else {}


def _is_constant(value: object) -> bool:
    return value.__class__ in CONSTANT or isinstance(value, Enum)


def _is_id(kind: object) -> bool:
    return kind is GlobalID or getattr(kind, "of_type", None) is GlobalID


def _is_leaf(kind: object) -> bool:
    if type(kind) is StrawberryOptional:
        return _is_leaf(kind.of_type)
    return kind in _LEAVES


def _has_variable(node: ValueNode | ArgumentNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(_has_variable(one) for one in node.values)
    if isinstance(node, ObjectValueNode):
        return any(_has_variable(one.value) for one in node.fields)
    return isinstance(node, VariableNode)
