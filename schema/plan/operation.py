"""An operation, compiled once and run many times, with the results that graphql-core would give."""

from collections.abc import Iterator, Mapping
from types import CoroutineType
from typing import Any, cast

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution.executor import Executor
from graphql.execution.values import VariableValues
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.types.info import Info

from schema.plan.completion import Select
from schema.plan.run import Run
from schema.plan.selection import Compiler, select_of, serially
from schema.plan.variable import Variables

MAX_VARIANTS = 4
"""Of one operation: what its directives leave of it differs with the variables that they name."""

_CONDITIONS = frozenset({"skip", "include"})


class Plan:
    """A compiled operation."""

    def __init__(self, schema: strawberry.Schema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema, self._document, self._operation = schema, document, operation
        self._variables = Variables(schema._schema, operation)
        self._fragments = _fragments(document)
        self._conditions = tuple(sorted(_conditions(operation.selection_set, self._fragments)))
        self._variants: dict[tuple[Any, ...], Select] = {}
        self._is_serial = operation.operation is OperationType.MUTATION

    async def run(self, given: Mapping[str, Any], context: Any) -> ExecutionResult | None:
        """The result; None where graphql-core is to say what is wrong."""
        variables = self._variables.coerce(given)
        if isinstance(variables, list):
            return ExecutionResult(None, variables)
        select = self._variant(variables)
        if select is None:
            return None
        run = Run(context, variables, lambda: self._executor(given, context))
        try:
            data = select(None, run, None)
            if data.__class__ is CoroutineType:
                data = await data
        except GraphQLError as error:
            run.note(error, None)
            data = None
        return ExecutionResult(data, run.errors or None)

    def _variant(self, variables: VariableValues) -> Select | None:
        values = tuple(variables.coerced.get(name) for name in self._conditions)
        found = self._variants.get(values)
        if found is None and all(isinstance(value, bool) for value in values):
            if len(self._variants) >= MAX_VARIANTS:
                del self._variants[next(iter(self._variants))]
            # The plan outlives the request, so it keeps no more of its variables than it was made for.
            kept = VariableValues(
                {name: variables.sources[name] for name in self._conditions},
                dict(zip(self._conditions, values, strict=True)),
            )
            steps = Compiler(self._schema, self._operation, self._fragments, kept).root()
            found = self._variants[values] = serially(steps) if self._is_serial else select_of(steps)
        return found

    def _executor(self, given: Mapping[str, Any], context: Any) -> Executor[Any]:
        name = self._operation.name
        built = self._schema.execution_context_class.build(
            self._schema._schema,
            self._document,
            context_value=context,
            raw_variable_values=dict(given),
            operation_name=name.value if name else None,
            is_awaitable=cast(Any, optimized_is_awaitable),
            operation_extensions=None,
        )
        assert isinstance(built, Executor)  # noqa: S101 - the variables are good, and so is the document
        return built


def make_plan(schema: strawberry.Schema, document: DocumentNode, operation: OperationDefinitionNode) -> Plan | None:
    """The plan of an operation of a valid document; None for what is left to graphql-core."""
    if (
        schema.config.info_class is not Info
        or operation.operation is OperationType.SUBSCRIPTION
        or operation.directives
    ):
        return None
    if any(one.directives for one in operation.variable_definitions or ()):
        return None
    nodes = list(_walk(operation.selection_set, _fragments(document)))
    if any(isinstance(node, FieldNode) and node.name.value in ("__schema", "__type") for node in nodes):
        return None
    directives = {one.name.value for node in nodes for one in node.directives or ()}
    if not directives <= _CONDITIONS or any(getattr(node, "arguments", None) for node in nodes if _is_spread(node)):
        return None
    return Plan(schema, document, operation)


def _is_spread(node: SelectionNode) -> bool:
    return isinstance(node, FragmentSpreadNode)


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def _walk(selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[SelectionNode]:
    """Every selection, those of fragments once."""
    waiting, seen = [selections], set()
    while waiting:
        for node in waiting.pop().selections:
            yield node
            if isinstance(node, FragmentSpreadNode):
                if node.name.value not in seen:
                    seen.add(node.name.value)
                    waiting.append(fragments[node.name.value].selection_set)
            elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set is not None:
                waiting.append(node.selection_set)


def _conditions(selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> set[str]:
    """The variables that decide what is selected."""
    return {
        argument.value.name.value
        for node in _walk(selections, fragments)
        for directive in node.directives or ()
        for argument in directive.arguments or ()
        if isinstance(argument.value, VariableNode)
    }
