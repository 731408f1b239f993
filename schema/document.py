"""Documents, prepared once: parsed, measured, validated, and kept while they are asked for."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import strawberry
from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    recommended_rules,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from domain.errors import (
    BadRequest,
    DocumentNotTrusted,
    InvalidRequest,
    PersistedQueryNotFound,
    TesseraError,
)
from schema.cache import FairCache
from schema.coercion import Places, name_literal, places_of
from schema.cost import Rows, check_cost, fixed_cost, literal_size, plan_cost
from schema.failure import VALIDATION_FAILED, DocumentRefused
from schema.gate import Gate
from schema.introspection import hide_types
from schema.limit import Meter, root_fields
from schema.parsing import parse_text
from schema.plan.operation import MAX_VARIANTS, Plan, make_plan
from schema.request import GraphQLRequest
from schema.trusted import TrustedRefused

CACHED_DOCUMENTS = 512
# Comments and texts may be long.
MAX_CACHED_LENGTH = 16 * 1024
# A token of a prepared document takes one to two KiB, and a field of a plan as much.
MAX_CACHED_WEIGHT = 50_000
MAX_HASHED_CHARACTERS = 4 * 1024 * 1024
MAX_REPORTED = 5


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document. `takes_key`: it is one mutation, whose input has an `idempotencyKey`."""

    name: str | None
    is_query: bool
    is_subscription: bool
    costs: tuple[Rows, ...]
    fixed_cost: int | None = None
    takes_key: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def cost(self, variables: Mapping[str, Any]) -> int:
        """The estimated number of objects that it asks for. Raises QueryTooComplex."""
        if self.fixed_cost is not None:
            return self.fixed_cost
        return check_cost(self.costs, {**self.defaults, **variables})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A valid document. `plans` are those of its operations, by their names, as they are made.

    `places` are those of its variables, by which a value that does not fit is named.
    `weight` is what it takes with its plans, in tokens.
    """

    text: str
    document: DocumentNode
    operations: tuple[Operation, ...]
    weight: int
    places: Places
    plans: dict[str | None, Plan | None] = field(default_factory=dict, compare=False)

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
    """The documents of one schema; those that are good are kept, so that the next request finds them.

    `trusted` are known from the start, by their ids; with `only_trusted` no others run. Raises TrustedRefused for
    one of them that would not. Without `compiled` everything is left to graphql-core: for comparisons.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        introspection: bool,
        trusted: Mapping[str, str] | None = None,
        only_trusted: bool = False,
        compiled: bool = True,
    ) -> None:
        self.schema = schema
        # What other extensions add to an operation a plan knows nothing of.
        self._compiled = compiled and all(type(one) is ReadyDocument for one in schema.get_extensions())
        self._rules: tuple[type[ASTValidationRule], ...] = (
            *specified_rules,
            *recommended_rules,
            MaybeNullValidationRule,
            OneOfInputValidationRule,
        )
        self.suggest = introspection
        self._hits = self._misses = 0
        # A new version of an app brings the same new documents from many phones at once; bodies take memory.
        self._new, self._new_of_strangers, self.large_bodies = Gate(room=5), Gate(room=5), Gate()
        self._kept: FairCache[Prepared] = FairCache(entries=CACHED_DOCUMENTS, weight=MAX_CACHED_WEIGHT)
        # Texts by their hashes; they outlive what was prepared from them, which costs more memory.
        self._hashed: FairCache[str] = FairCache(entries=4 * CACHED_DOCUMENTS, weight=MAX_HASHED_CHARACTERS)
        self.only_trusted = only_trusted
        self.trusted = {name: self._trust(name, text) for name, text in (trusted or {}).items()}
        self._trusted_texts = {one.text: one for one in self.trusted.values()}

    @property
    def counts(self) -> Counts:
        """How often a document was found, and how often not, since the process began."""
        return Counts(self._hits, self._misses)

    async def look_up(self, request: GraphQLRequest, owner: Hashable, address: str = "") -> Prepared:
        """`find` in its turn: what is known at once, what is new one after the other. Raises TooManyRequests too.

        Owners take turns, and so do the addresses of strangers, and of whoever shares a publishable key.
        """
        if self.only_trusted or self._knows(request):
            return self.find(request, owner)
        async with self._new_of_strangers.turn(address) if owner is None else self._new.turn((owner, address)):
            return self.find(request, owner)

    def _knows(self, request: GraphQLRequest) -> bool:
        text = request.query or self._hashed.get(request.document or "") or ""
        return not text or text in self._kept or text in self._trusted_texts

    def find(self, request: GraphQLRequest, owner: Hashable = None) -> Prepared:
        """The document that a request names or brings; a good one is kept, for all, on its owner's account.

        Raises PersistedQueryNotFound, DocumentNotTrusted, InvalidRequest, and what `prepare` raises.
        """
        name, text = request.document, request.query
        if name is None:
            return self.prepare(text, owner)
        if name in self.trusted and text in ("", self.trusted[name].text):
            return self.trusted[name]
        if not text:
            known = self._hashed.get(name)
            if known is None:
                raise DocumentNotTrusted if self.only_trusted else PersistedQueryNotFound
            return self.prepare(known, owner)
        if sha256(text.encode()).hexdigest() != name:
            raise InvalidRequest("extensions.persistedQuery.sha256Hash: not the hash of query", field="extensions")
        prepared = self.prepare(text, owner)
        if len(text) <= MAX_CACHED_LENGTH and not self.only_trusted:
            self._hashed.put(name, text, weight=len(text), owner=owner)
        return prepared

    def prepare(self, text: str, owner: Hashable = None) -> Prepared:
        """The document behind a text.

        Raises DocumentNotTrusted, QueryTooComplex, IntrospectionDisabled, DocumentRefused, BadRequest.
        """
        found = self._trusted_texts.get(text) or self._kept.get(text)
        if found is not None:
            self._hits += 1
            return found
        if self.only_trusted:
            raise DocumentNotTrusted
        if len(text) > MAX_CACHED_LENGTH:
            return self._prepare(text)
        self._misses += 1
        prepared = self._prepare(text)
        self._kept.put(text, prepared, weight=prepared.weight, owner=owner)
        return prepared

    async def execute(
        self, prepared: Prepared, operation: Operation, variables: Mapping[str, Any], context: Any
    ) -> tuple[dict[str, Any] | None, Sequence[GraphQLError] | None]:
        """Data and errors of an operation that is no subscription: by its plan, or else by graphql-core."""
        plan = self.plan(prepared, operation)
        result = None if plan is None else await plan.run(variables, context)
        if result is not None:
            return result.data, result.errors
        left = await self.schema.execute(
            prepared.text, variable_values=dict(variables), context_value=context, operation_name=operation.name
        )
        return left.data, left.errors

    def plan(self, prepared: Prepared, operation: Operation) -> Plan | None:
        """The plan of an operation, made when it is asked for first; None where there is none."""
        if not self._compiled:
            return None
        if operation.name not in prepared.plans:
            nodes = [node for node in prepared.document.definitions if isinstance(node, OperationDefinitionNode)]
            node = nodes[prepared.operations.index(operation)]
            prepared.plans[operation.name] = make_plan(self.schema, prepared.document, node)
        return prepared.plans[operation.name]

    def _trust(self, name: str, text: str) -> Prepared:
        try:
            return self._prepare(text)
        except DocumentRefused as refused:
            raise TrustedRefused(f"document '{name}': {refused.errors[0].message}") from None
        except TesseraError as refused:
            raise TrustedRefused(f"document '{name}': {refused.text}") from None

    def _prepare(self, text: str) -> Prepared:
        document = parse_text(text)
        errors, fields = self._examine(document)
        if errors:
            raise DocumentRefused([name_literal(one, document) for one in errors[:MAX_REPORTED]], VALIDATION_FAILED)
        if not self.suggest:
            document = hide_types(text, document)
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        weight = _tokens(document) + fields * (MAX_VARIANTS if "@" in text else 1)
        found = tuple(self._operation(document, node) for node in operations)
        return Prepared(text, document, found, weight, places_of(document))

    def _examine(self, document: DocumentNode) -> tuple[list[GraphQLError], int]:
        """What is wrong with a document, and how many fields it has. Raises QueryTooComplex, IntrospectionDisabled."""
        try:
            fields = Meter(document, introspection=self.suggest).fields
        except GraphQLError as error:
            return [error], 0
        suggest = self.suggest
        return validate(self.schema._schema, document, self._rules, MAX_REPORTED, hide_suggestions=not suggest), fields

    def _operation(self, document: DocumentNode, node: OperationDefinitionNode) -> Operation:
        defaults = {
            one.variable.name.value: size
            for one in node.variable_definitions or ()
            if (size := literal_size(one.default_value)) is not None
        }
        costs = plan_cost(self.schema._schema, document, node)
        return Operation(
            name=node.name.value if node.name else None,
            is_query=node.operation is OperationType.QUERY,
            is_subscription=node.operation is OperationType.SUBSCRIPTION,
            costs=costs,
            fixed_cost=fixed_cost(costs),
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


def _tokens(document: DocumentNode) -> int:
    count, token = 0, document.loc.start_token if document.loc else None
    while token is not None:
        count, token = count + 1, token.next
    return count


class ReadyDocument(SchemaExtension):
    """Hands the prepared document of the request to the execution, which need not do it again."""

    def on_parse(self) -> Iterator[None]:
        """Put the document in place."""
        self.execution_context.graphql_document = self.execution_context.context.document
        yield

    def on_validate(self) -> Iterator[None]:
        """Say that it was validated."""
        self.execution_context.pre_execution_errors = []
        yield
