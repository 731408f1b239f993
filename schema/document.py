"""Documents, prepared once: parsed, measured, validated, and kept while they are asked for."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import strawberry
from graphql import (
    ASTValidationRule,
    DocumentNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    Visitor,
    get_named_type,
    parse,
    recommended_rules,
    specified_rules,
    validate,
    visit,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from domain.errors import BadRequest, QueryTooComplex
from schema.coercion import name_literal
from schema.cost import Rows, cost_of, plan_cost
from schema.failure import PARSE_FAILED, VALIDATION_FAILED, DocumentRefused
from schema.introspection import NoIntrospection, hide_types
from schema.limit import MAX_COMMENTS, MAX_TOKENS, Meter, root_fields
from schema.request import MAX_NUMBER_LENGTH

CACHED_DOCUMENTS = 512
# Comments and texts may be long; the cache is bounded in documents, so each of them is bounded too.
MAX_CACHED_LENGTH = 16 * 1024
MAX_REPORTED = 5

_LONG_NUMBER = re.compile(rf"[-0-9.eE+]{{{MAX_NUMBER_LENGTH + 1}}}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document. `takes_key`: it is one mutation, whose input has an `idempotencyKey`."""

    name: str | None
    is_query: bool
    is_subscription: bool
    costs: tuple[Rows, ...]
    takes_key: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def cost(self, variables: Mapping[str, Any]) -> int:
        """The estimated number of objects that it asks for."""
        return cost_of(self.costs, {**self.defaults, **variables})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A valid document."""

    text: str
    document: DocumentNode
    operations: tuple[Operation, ...]

    def operation(self, name: str | None) -> Operation:
        """The operation to run. Raises BadRequest."""
        if name is None and len(self.operations) == 1:
            return self.operations[0]
        for one in self.operations:
            if name is not None and one.name == name:
                return one
        raise BadRequest("operationName: names no operation of the document", field="operationName")


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a text of bounded length was known already (`hits`), and how often it was prepared (`misses`)."""

    hits: int
    misses: int


class Documents:
    """The documents of one schema; those that are good are kept, so that the next request finds them."""

    def __init__(self, schema: strawberry.Schema, *, introspection: bool) -> None:
        self.schema = schema
        self._rules: tuple[type[ASTValidationRule], ...] = (
            *specified_rules,
            *recommended_rules,
            MaybeNullValidationRule,
            OneOfInputValidationRule,
            *(() if introspection else (NoIntrospection,)),
        )
        self._introspection = self.suggest = introspection
        self.cached = lru_cache(CACHED_DOCUMENTS)(self._prepare)

    def prepare(self, text: str) -> Prepared:
        """The document behind a text. Raises DocumentRefused, QueryTooComplex, BadRequest."""
        return self.cached(text) if len(text) <= MAX_CACHED_LENGTH else self._prepare(text)

    @property
    def counts(self) -> Counts:
        """How often a document was found, and how often not, since the process began."""
        info = self.cached.cache_info()
        return Counts(info.hits, info.misses)

    def _prepare(self, text: str) -> Prepared:
        document = _parse(text)
        if errors := self._faults(document):
            raise DocumentRefused([name_literal(one, document) for one in errors[:MAX_REPORTED]], VALIDATION_FAILED)
        if not self._introspection:
            document = hide_types(text, document)
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        return Prepared(text, document, tuple(self._operation(document, node) for node in operations))

    def _faults(self, document: DocumentNode) -> list[GraphQLError]:
        """What is wrong with a document. Raises QueryTooComplex."""
        try:
            Meter(document)
        except GraphQLError as error:
            return [error]
        return validate(self.schema._schema, document, self._rules, MAX_REPORTED, hide_suggestions=not self.suggest)

    def _operation(self, document: DocumentNode, node: OperationDefinitionNode) -> Operation:
        defaults = {
            one.variable.name.value: int(value)
            for one in node.variable_definitions or ()
            if isinstance(value := getattr(one.default_value, "value", None), str) and value.isdecimal()
        }
        return Operation(
            name=node.name.value if node.name else None,
            is_query=node.operation is OperationType.QUERY,
            is_subscription=node.operation is OperationType.SUBSCRIPTION,
            costs=plan_cost(self.schema._schema, document, node),
            takes_key=self._takes_key(document, node),
            defaults=defaults,
        )

    def _takes_key(self, document: DocumentNode, node: OperationDefinitionNode) -> bool:
        fields = root_fields(document, node)
        known = self.schema._schema.mutation_type
        if node.operation is not OperationType.MUTATION or len(fields) != 1 or known is None:
            return False
        (name,) = fields.values()
        given = known.fields[name].args.get("input")
        return given is not None and "idempotencyKey" in getattr(get_named_type(given.type), "fields", ())


def _parse(text: str) -> DocumentNode:
    try:
        document = parse(text, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_COMMENTS)
    except GraphQLError as error:
        if "contains more than" in error.message:
            raise QueryTooComplex(f"more than {MAX_TOKENS} tokens or {MAX_COMMENTS} comments") from error
        raise DocumentRefused([error], PARSE_FAILED) from error
    if "\\u" in text:
        visit(document, _PlainText())
    if _LONG_NUMBER.search(text):
        # It may stand in a text, where it is none.
        visit(document, _ShortNumbers())
    return document


class _PlainText(Visitor):
    """Holds texts that are written with escapes to what every other text is held to."""

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        if "\0" in node.value or not unicodedata.is_normalized("NFC", node.value):
            raise BadRequest("a text has a character that is not accepted")


class _ShortNumbers(Visitor):
    """Holds numbers that are written into the document to the length of those in JSON."""

    def enter(self, node: Node, *_: Any) -> None:
        if isinstance(node, IntValueNode | FloatValueNode) and len(node.value) > MAX_NUMBER_LENGTH:
            raise BadRequest("a number is too long")


class ReadyDocument(SchemaExtension):
    """Hands the prepared document of the request to the execution, which need not do it again."""

    def on_parse(self) -> Iterator[None]:
        """Put the document in place."""
        self.execution_context.graphql_document = self.execution_context.context.prepared.document
        yield

    def on_validate(self) -> Iterator[None]:
        """Say that it was validated."""
        self.execution_context.pre_execution_errors = []
        yield
