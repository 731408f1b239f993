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
from schema.limit import MAX_FIELDS, fragments_of

MAX_COST = 5000
# Each value is some microseconds of Python, in which nobody else is served.
MAX_VALUES = 30_000

_WRAPPERS = frozenset({"edges", "node", "pageInfo", "entries"})
_SIZES = ("first", "last", "ids")


@dataclass(frozen=True, slots=True)
class Rows:
    """A selected object. `times` say how often it stands there, by numbers or names of variables: the most counts.

    `otherwise` is how often where none of them says anything; `values` how many fields of it are no objects.
    """

    times: tuple[int | str, ...]
    parts: tuple["Rows", ...]
    otherwise: int = DEFAULT_PAGE
    values: int = 0


def plan_cost(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> tuple[Rows, ...]:
    """What an operation costs, up to its variables. The document is valid and within the limits."""
    root = schema.get_root_type(operation.operation)
    return _Planner(schema, fragments_of(document)).plan(operation.selection_set, root)[0]


def cost_of(rows: Sequence[Rows], variables: Mapping[str, Any]) -> int:
    """The estimated number of objects: pages multiply what is inside them."""
    return sum(_times_of(one, variables) * (1 + cost_of(one.parts, variables)) for one in rows)


def values_of(rows: Sequence[Rows], variables: Mapping[str, Any]) -> int:
    """The estimated number of values in these objects."""
    return sum(_times_of(one, variables) * (one.values + values_of(one.parts, variables)) for one in rows)


def fixed_cost(rows: Sequence[Rows]) -> int | None:
    """The cost of what no variable makes larger; None where one does, and for what is too much."""
    if _varies(rows):
        return None
    try:
        return check_cost(rows, {})
    except QueryTooComplex:
        return None


def _varies(rows: Sequence[Rows]) -> bool:
    return any(_varies(one.parts) or any(isinstance(size, str) for size in one.times) for one in rows)


def check_cost(rows: Sequence[Rows], variables: Mapping[str, Any]) -> int:
    """The cost. Raises QueryTooComplex where an operation asks for too much."""
    cost = cost_of(rows, variables)
    if cost > MAX_COST:
        raise QueryTooComplex(f"cost {cost}, at most {MAX_COST}: ask for smaller pages")
    # Hardly anybody selects so many fields that this would be more.
    if cost > MAX_VALUES // MAX_FIELDS and (values := values_of(rows, variables)) > MAX_VALUES:
        raise QueryTooComplex(f"{values} values, at most {MAX_VALUES}: ask for smaller pages or fewer fields")
    return cost


def _times_of(one: Rows, variables: Mapping[str, Any]) -> int:
    asked = [_clamped(variables.get(size)) if isinstance(size, str) else size for size in one.times]
    return max((size for size in asked if size is not None), default=one.otherwise)


def _clamped(asked: object) -> int | None:
    """A page size that its resolver will accept; it says itself what is wrong with another. None: it is not said."""
    if isinstance(asked, Sequence) and not isinstance(asked, str):
        return len(asked)
    if isinstance(asked, bool) or not isinstance(asked, int):
        return None
    return max(0, min(asked, MAX_PAGE))


@dataclass(frozen=True, slots=True)
class _Planner:
    """Walks a document along the types of the schema, which know what is listed and how much unless asked."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]

    def plan(self, selections: SelectionSetNode, parent: GraphQLNamedType | None) -> tuple[tuple[Rows, ...], int]:
        """The objects below a selection, and how many values stand beside them."""
        rows: list[Rows] = []
        values = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                below, beside = self._field(node, parent)
            else:
                fragment = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
                assert isinstance(fragment, FragmentDefinitionNode | InlineFragmentNode)  # noqa: S101 - no others
                narrowed = fragment.type_condition
                inside = parent if narrowed is None else self.schema.get_type(narrowed.name.value)
                below, beside = self.plan(fragment.selection_set, inside)
            rows += below
            values += beside
        return tuple(rows), values

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> tuple[tuple[Rows, ...], int]:
        if node.selection_set is None or node.name.value.startswith("__"):
            return (), 1
        definition = cast(GraphQLField, getattr(parent, "fields", {})[node.name.value])
        parts, values = self.plan(node.selection_set, get_named_type(definition.type))
        if node.name.value in _WRAPPERS and "first" not in definition.args:
            # A page has one `pageInfo`, however many objects it has.
            return parts, 0 if node.name.value == "pageInfo" else values
        return (Rows(_times(node, definition), parts, default_size(definition), values),), 0


def default_size(definition: GraphQLField) -> int:
    """How many objects a field gives at most where its arguments say nothing."""
    first = definition.args.get("first")
    if first is None:
        return 1
    return first.default_value if isinstance(first.default_value, int) else DEFAULT_PAGE


def _times(node: FieldNode, definition: GraphQLField) -> tuple[int | str, ...]:
    """What each size says. Which of them its resolver goes by is its own business, and null says nothing."""
    given = [
        one.value for one in node.arguments or () if one.name.value in _SIZES and one.name.value in definition.args
    ]
    return tuple(size for size in map(_size_of, given) if size is not None)


def _size_of(value: ValueNode) -> int | str | None:
    return value.name.value if isinstance(value, VariableNode) else _clamped(literal_size(value))


def literal_size(value: ValueNode | None) -> int | Sequence[ValueNode] | None:
    """What a literal says of a size: a number, or a list of as many; None: nothing."""
    if isinstance(value, ListValueNode):
        return value.values
    return int(value.value) if isinstance(value, IntValueNode) else None
