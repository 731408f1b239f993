"""What an operation costs: the number of objects that it asks for, as far as the document says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from domain.errors import QueryTooComplex
from schema.connection import DEFAULT_PAGE, MAX_PAGE
from schema.limit import fragments_of

MAX_COST = 5000

_WRAPPERS = frozenset({"edges", "node", "pageInfo", "entries"})
_SIZES = frozenset({"first", "last", "ids"})
_PAGED = frozenset(
    {
        "members",
        "batches",
        "configurationVersions",
        "ledger",
        "transactions",
        "rows",
        "statement",
        "expiring",
        "holds",
        "pointsRequests",
        "subRelations",
        "membersBySubRelation",
    }
)


@dataclass(frozen=True, slots=True)
class Rows:
    """A selected object. `times` is how often it stands there: a number, or the name of a variable."""

    times: int | str
    parts: tuple["Rows", ...]


def plan_cost(document: DocumentNode, operation: OperationDefinitionNode) -> tuple[Rows, ...]:
    """What an operation costs, up to its variables. The document is valid and within the limits."""
    return _plan(operation.selection_set, fragments_of(document))


def cost_of(rows: Sequence[Rows], variables: Mapping[str, Any]) -> int:
    """The estimated number of objects: pages multiply what is inside them."""
    total = 0
    for one in rows:
        asked = variables.get(one.times) if isinstance(one.times, str) else one.times
        total += _clamped(asked) * (1 + cost_of(one.parts, variables))
    return total


def check_cost(cost: int) -> None:
    """Raise QueryTooComplex where an operation asks for too much."""
    if cost > MAX_COST:
        raise QueryTooComplex(f"cost {cost}, at most {MAX_COST}: ask for smaller pages")


def _clamped(asked: object) -> int:
    """A page size that its resolver will accept; it says itself what is wrong with another."""
    if isinstance(asked, list):
        return len(asked)
    if isinstance(asked, bool) or not isinstance(asked, int):
        return DEFAULT_PAGE
    return max(0, min(asked, MAX_PAGE))


def _plan(selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> tuple[Rows, ...]:
    rows: list[Rows] = []
    for node in selections.selections:
        if isinstance(node, FragmentSpreadNode):
            rows += _plan(fragments[node.name.value].selection_set, fragments)
            continue
        inner: SelectionSetNode | None = getattr(node, "selection_set", None)
        if inner is None:
            continue
        if isinstance(node, FieldNode) and node.name.value.startswith("__"):
            continue
        parts = _plan(inner, fragments)
        if not isinstance(node, FieldNode) or node.name.value in _WRAPPERS:
            rows += parts
        else:
            rows.append(Rows(_times(node), parts))
    return tuple(rows)


def _times(node: FieldNode) -> int | str:
    sizes = [argument.value for argument in node.arguments or () if argument.name.value in _SIZES]
    if sizes:
        return _size_of(sizes[0])
    return DEFAULT_PAGE if node.name.value in _PAGED else 1


def _size_of(value: ValueNode) -> int | str:
    if isinstance(value, VariableNode):
        return value.name.value
    if isinstance(value, ListValueNode):
        return len(value.values)
    return _clamped(int(value.value)) if isinstance(value, IntValueNode) else DEFAULT_PAGE
