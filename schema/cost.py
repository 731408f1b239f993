"""What an operation costs: the number of objects that it asks for, as far as the document says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)

from domain.errors import QueryTooComplex
from schema.connection import DEFAULT_PAGE, MAX_PAGE
from schema.limit import fragments_of

MAX_COST = 5000

_WRAPPERS = frozenset({"edges", "node", "pageInfo", "entries"})
_SIZES = ("first", "last", "ids")


@dataclass(frozen=True, slots=True)
class Rows:
    """A selected object. `times` is how often it stands there: a number, or the name of a variable.

    `otherwise` is how often where the variable says nothing.
    """

    times: int | str
    parts: tuple["Rows", ...]
    otherwise: int = DEFAULT_PAGE


def plan_cost(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> tuple[Rows, ...]:
    """What an operation costs, up to its variables. The document is valid and within the limits."""
    root = schema.get_root_type(operation.operation)
    return _Planner(schema, fragments_of(document)).plan(operation.selection_set, root)


def cost_of(rows: Sequence[Rows], variables: Mapping[str, Any]) -> int:
    """The estimated number of objects: pages multiply what is inside them."""
    total = 0
    for one in rows:
        asked = variables.get(one.times) if isinstance(one.times, str) else one.times
        total += _clamped(asked, one.otherwise) * (1 + cost_of(one.parts, variables))
    return total


def check_cost(cost: int) -> None:
    """Raise QueryTooComplex where an operation asks for too much."""
    if cost > MAX_COST:
        raise QueryTooComplex(f"cost {cost}, at most {MAX_COST}: ask for smaller pages")


def _clamped(asked: object, otherwise: int) -> int:
    """A page size that its resolver will accept; it says itself what is wrong with another."""
    if isinstance(asked, list):
        return len(asked)
    if isinstance(asked, bool) or not isinstance(asked, int):
        return otherwise
    return max(0, min(asked, MAX_PAGE))


@dataclass(frozen=True, slots=True)
class _Planner:
    """Walks a document along the types of the schema, which know what is listed and how much unless asked."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]

    def plan(self, selections: SelectionSetNode, parent: GraphQLNamedType | None) -> tuple[Rows, ...]:
        rows: list[Rows] = []
        for node in selections.selections:
            if isinstance(node, FieldNode):
                rows += self._field(node, parent)
                continue
            fragment = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(fragment, FragmentDefinitionNode | InlineFragmentNode)  # noqa: S101 - there are no others
            narrowed = fragment.type_condition
            inside = parent if narrowed is None else self.schema.get_type(narrowed.name.value)
            rows += self.plan(fragment.selection_set, inside)
        return tuple(rows)

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> tuple[Rows, ...]:
        if node.selection_set is None or node.name.value.startswith("__"):
            return ()
        definition = cast(GraphQLField, getattr(parent, "fields", {})[node.name.value])
        parts = self.plan(node.selection_set, get_named_type(definition.type))
        if node.name.value in _WRAPPERS and "first" not in definition.args:
            return parts
        times, otherwise = _times(node, definition)
        return (Rows(times, parts, otherwise),)


def default_size(definition: GraphQLField) -> int:
    """How many objects a field gives at most where its arguments say nothing."""
    first = definition.args.get("first")
    if first is None:
        return 1
    return first.default_value if isinstance(first.default_value, int) else DEFAULT_PAGE


def _times(node: FieldNode, definition: GraphQLField) -> tuple[int | str, int]:
    otherwise = default_size(definition)
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    for name in _SIZES:
        value = given.get(name)
        if name in definition.args and value is not None:
            return _size_of(value, otherwise), otherwise
    return otherwise, otherwise


def _size_of(value: ValueNode, otherwise: int) -> int | str:
    if isinstance(value, VariableNode):
        return value.name.value
    if isinstance(value, ListValueNode):
        return len(value.values)
    return _clamped(int(value.value), otherwise) if isinstance(value, IntValueNode) else otherwise
