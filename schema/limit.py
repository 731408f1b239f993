"""What a document may ask for: counted before validation, in one pass that looks at each fragment once.

A fragment may be spread by others that are spread twice each, so whoever follows spreads without a memory
can be kept busy for hours by a few hundred bytes. Validation comes after, and costs the square of some of these counts.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    ListValueNode,
    Node,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from domain.errors import IntrospectionDisabled, QueryTooComplex

MAX_TOKENS = 2000
MAX_COMMENTS = 500
MAX_LENGTH = 100_000
"""Of the text, in characters: whoever has more to say says it in a variable."""
MAX_VISITS = 10_000
"""Nodes that this pass looks at, each as often as it does."""
MAX_OPERATIONS = 10
# Each is compared with each other.
MAX_FRAGMENTS = 100
MAX_VARIABLES = 100
MAX_ARGUMENTS = 50
MAX_VALUE_DEPTH = 32
MAX_DEPTH = 15
# The usual introspection query follows types of types of types.
MAX_INTROSPECTION_DEPTH = 20
MAX_ALIASES = 30
MAX_FIELDS = 400
MAX_FIELDS_OF_ALL = 1000
"""Of all operations together."""
# Pairs of equal fields at one place.
MAX_REPEATS = 4000
MAX_DIRECTIVES = 50
MAX_DIRECTIVES_AT_ONE_PLACE = 4

_INTROSPECTION = frozenset({"__schema", "__type"})


class _Size(NamedTuple):
    """How large a part of a document is, all its fragments written out."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    directives: int = 0


class Meter:
    """Counts one document. Raises QueryTooComplex as soon as a limit is passed, and IntrospectionDisabled."""

    def __init__(self, document: DocumentNode, *, introspection: bool = True) -> None:
        self.visits = 0
        self._introspection = introspection
        self._fragments = fragments_of(document)
        self._sizes: dict[str, _Size] = {}
        self._active: set[str] = set()
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        _check(operations=len(operations), fragments=len(self._fragments))
        self.fields = 0
        """Of all operations together, all fragments written out."""
        for operation in operations:
            self._measure_head(operation)
            self.fields += self._measure(operation.selection_set, MAX_DEPTH).fields
            _check(fields_of_all=self.fields)
            # By now no fragment spreads itself, and all of them written out are a few hundred fields at most.
            self._check_repeats(operation)
        for name in self._fragments:
            if name not in self._sizes:
                # Validation would find out too, but not before it has looked into what was not counted here.
                raise GraphQLError(f"Fragment '{name}' is never used.")

    def visit(self, _node: Node) -> None:
        """Count one look at a node."""
        self.visits += 1
        _check(visits=self.visits)

    def _measure_head(self, operation: OperationDefinitionNode) -> None:
        self.visit(operation)
        variables = operation.variable_definitions or ()
        _check(variables=len(variables))
        self._measure_directives(operation.directives)
        for one in variables:
            self.visit(one)
            self._measure_directives(one.directives)
            if one.default_value is not None:
                self._measure_value(one.default_value, 1)

    def _measure_directives(self, directives: Sequence[DirectiveNode] | None) -> int:
        _check(directives_at_one_place=len(directives or ()))
        for one in directives or ():
            self._measure_arguments(one.arguments)
        return len(directives or ())

    def _measure_arguments(self, arguments: Sequence[ArgumentNode] | None) -> None:
        _check(arguments=len(arguments or ()))
        for one in arguments or ():
            self._measure_value(one.value, 1)

    def _measure_value(self, value: Node, depth: int) -> None:
        self.visit(value)
        _check(value_depth=depth)
        inner: Sequence[Node] = ()
        if isinstance(value, ListValueNode):
            inner = value.values or ()
        elif isinstance(value, ObjectValueNode):
            inner = [one.value for one in value.fields or () if isinstance(one, ObjectFieldNode)]
        for one in inner:
            self._measure_value(one, depth + 1)

    def _check_repeats(self, operation: OperationDefinitionNode) -> None:
        """Equal fields are compared pair by pair, with all that is below them: that costs the square."""
        pairs, levels = 0, [[operation.selection_set]]
        while levels:
            below: dict[str, list[SelectionSetNode]] = {}
            counts: Counter[str] = Counter()
            for node in self._written_out(levels.pop()):
                name = (node.alias or node.name).value
                counts[name] += 1
                if node.selection_set is not None:
                    below.setdefault(name, []).append(node.selection_set)
            levels += below.values()
            pairs += sum(count * (count - 1) for count in counts.values())
            if pairs > MAX_REPEATS:
                raise QueryTooComplex("the same fields too often at the same place")

    def _written_out(self, selections: list[SelectionSetNode]) -> Iterator[FieldNode]:
        for one in selections:
            for node in one.selections:
                self.visit(node)
                if isinstance(node, FieldNode):
                    yield node
                elif isinstance(node, FragmentSpreadNode):
                    fragment = self._fragments.get(node.name.value)
                    yield from self._written_out([fragment.selection_set] if fragment else [])
                elif isinstance(node, InlineFragmentNode):
                    yield from self._written_out([node.selection_set])

    def _measure(self, selections: SelectionSetNode, allowed: int) -> _Size:
        if allowed <= 0:
            raise QueryTooComplex(f"deeper than {MAX_DEPTH} levels")
        depth = aliases = fields = directives = 0
        for node in selections.selections:
            self.visit(node)
            directives += self._measure_directives(node.directives)
            one = self._size(node, allowed)
            depth = max(depth, one.depth)
            aliases += one.aliases
            fields += one.fields
            directives += one.directives
            _check(aliases=aliases, fields=fields, directives=directives)
        if depth > allowed:
            raise QueryTooComplex(f"deeper than {MAX_DEPTH} levels")
        return _Size(depth, aliases, fields, directives)

    def _size(self, node: SelectionNode, allowed: int) -> _Size:
        # A fragment counts by itself too, because it may be empty.
        if isinstance(node, FragmentSpreadNode):
            one = self._fragment(node.name.value)
            return one._replace(fields=one.fields + 1)
        inner = getattr(node, "selection_set", None)
        if not isinstance(node, FieldNode):
            one = self._measure(inner, allowed) if inner else _Size()
            return one._replace(fields=one.fields + 1)
        if node.name.value == "__schema" and not self._introspection:
            raise IntrospectionDisabled
        self._measure_arguments(node.arguments)
        is_introspection = node.name.value in _INTROSPECTION
        below = (MAX_INTROSPECTION_DEPTH if is_introspection else allowed) - 1
        one = self._measure(inner, below) if inner else _Size()
        return _Size(
            1 if is_introspection else one.depth + 1,
            one.aliases + (node.alias is not None),
            one.fields + 1,
            one.directives,
        )

    def _fragment(self, name: str) -> _Size:
        """The size of a fragment; nothing for one that is unknown: validation says so."""
        if name not in self._fragments:
            return _Size()
        if name in self._active:
            raise GraphQLError(f"Cannot spread fragment '{name}' within itself.")
        if name not in self._sizes:
            self._active.add(name)
            self.visit(self._fragments[name])
            self._measure_directives(self._fragments[name].directives)
            # Introspection may stand in a fragment, so its own depth is allowed here; where the fragment
            # is spread, its depth is compared with what is left.
            self._sizes[name] = self._measure(self._fragments[name].selection_set, MAX_INTROSPECTION_DEPTH)
            self._active.discard(name)
        return self._sizes[name]


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragments by name. Raises GraphQLError where two have one name."""
    found: dict[str, FragmentDefinitionNode] = {}
    for node in document.definitions:
        if isinstance(node, FragmentDefinitionNode):
            if node.name.value in found:
                raise GraphQLError(f"There can be only one fragment named '{node.name.value}'.")
            found[node.name.value] = node
    return found


def root_fields(document: DocumentNode, operation: OperationDefinitionNode) -> dict[str, str]:
    """The fields that an operation begins with, by the name in the answer; whatever directives say of them.

    The document is valid and within the limits.
    """
    fragments, found = fragments_of(document), {}
    waiting = list(operation.selection_set.selections)
    while waiting:
        node = waiting.pop()
        if isinstance(node, FragmentSpreadNode):
            waiting += fragments[node.name.value].selection_set.selections
        elif isinstance(node, InlineFragmentNode):
            waiting += node.selection_set.selections
        elif isinstance(node, FieldNode) and not node.name.value.startswith("__"):
            found[(node.alias or node.name).value] = node.name.value
    return found


_LIMITS = {
    "operations": MAX_OPERATIONS,
    "fragments": MAX_FRAGMENTS,
    "variables": MAX_VARIABLES,
    "arguments": MAX_ARGUMENTS,
    "aliases": MAX_ALIASES,
    "fields": MAX_FIELDS,
    "fields_of_all": MAX_FIELDS_OF_ALL,
    "directives": MAX_DIRECTIVES,
    "directives_at_one_place": MAX_DIRECTIVES_AT_ONE_PLACE,
    "value_depth": MAX_VALUE_DEPTH,
    "visits": MAX_VISITS,
}
_WORDS = {
    "arguments": "arguments at one place",
    "fields_of_all": "fields in all operations",
    "directives_at_one_place": "directives at one place",
    "value_depth": "values inside each other",
    "visits": "nodes to look at",
}


def _check(**counts: int) -> None:
    for name, count in counts.items():
        if count > _LIMITS[name]:
            raise QueryTooComplex(f"more than {_LIMITS[name]} {_WORDS.get(name, name)}")
