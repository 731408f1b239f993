"""The variables of an operation: what they are declared as is looked up once."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    get_named_type,
    get_variable_values,
    is_leaf_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.utilities.coerce_input_value import coerce_input_value

MAX_ERRORS = 50
"""As graphql-core has it."""


class Variables:
    """Coerces the variables of one operation."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema, self._nodes = schema, operation.variable_definitions or ()
        found = [get_variable_signature(schema, node) for node in self._nodes]
        self._signatures: list[tuple[GraphQLVariableSignature, bool]] = [
            (one, is_leaf_type(get_named_type(one.type))) for one in found if not isinstance(one, GraphQLError)
        ]

    def coerce(self, given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """The values, or what is wrong with them."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for signature, is_leaf in self._signatures:
            value = given.get(signature.name, Undefined)
            # What is missing may have a default, and what is nested may be nested too deeply.
            if value is Undefined or not is_leaf or value.__class__ in (list, dict):
                return self._coerce_all(given)
            try:
                found = coerce_input_value(value, signature.type)
            except GraphQLError:
                found = Undefined
            if found is Undefined:
                return self._coerce_all(given)
            sources[signature.name] = VariableValueSource(signature, value)
            coerced[signature.name] = found
        return VariableValues(sources, coerced)

    def _coerce_all(self, given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        return get_variable_values(self._schema, self._nodes, dict(given), max_errors=MAX_ERRORS)
