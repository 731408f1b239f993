"""One operation: prepared, weighed, run for its caller, rendered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

from domain.errors import (
    BadRequest,
    DocumentNotTrusted,
    IntrospectionDisabled,
    MethodNotAllowed,
    PersistedQueryNotFound,
    QueryTooComplex,
    TesseraError,
)
from resolvers.figures import UNKNOWN
from schema.context import RequestContext, open_context
from schema.cors import Visit
from schema.document import Documents, Operation, Prepared
from schema.failure import DocumentRefused, render_errors, render_refusal
from schema.mutations.idempotency import read_header
from schema.request import GraphQLRequest

DOCUMENT_REFUSALS = (
    DocumentRefused,
    QueryTooComplex,
    PersistedQueryNotFound,
    DocumentNotTrusted,
    IntrospectionDisabled,
)
"""What is wrong with the document itself: told in the body, as GraphQL does."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A request that may run: by whom, which operation, at what cost."""

    context: RequestContext
    prepared: Prepared
    operation: Operation
    cost: int


async def run(
    documents: Documents,
    request: GraphQLRequest,
    visit: Visit,
    headers: Mapping[bytes, bytes],
    request_id: str,
) -> dict[str, Any]:
    """The body of the response; without `data` where nothing ran.

    Raises TooManyRequests, MethodNotAllowed, BadRequest, InvalidRequest.
    """
    try:
        opened = await open_request(documents, request, visit, headers, request_id)
    except DOCUMENT_REFUSALS as refused:
        return render_document_refusal(refused, request_id)
    if opened.operation.is_subscription:
        raise BadRequest("subscriptions need `Accept: text/event-stream`, or a WebSocket", field="query")
    return await finish(documents, request, opened)


async def open_request(
    documents: Documents,
    request: GraphQLRequest,
    visit: Visit,
    headers: Mapping[bytes, bytes],
    request_id: str,
) -> Opened:
    """Find out who asks, and then for what: who is over a rate limit costs no look at a document.

    Raises TooManyRequests, DocumentRefused, QueryTooComplex, PersistedQueryNotFound, DocumentNotTrusted,
    IntrospectionDisabled, BadRequest, InvalidRequest, MethodNotAllowed.
    """
    context = await open_context(visit, headers, request_id)
    prepared = await documents.look_up(request, context.owner, visit.address)
    operation = prepared.operation(request.operation_name)
    cost = operation.cost(request.variables)
    if request.by_get and not operation.is_query and not operation.is_subscription:
        raise MethodNotAllowed("mutations need a POST")
    # Whoever has no good token could make up names for ever.
    visit.operation = UNKNOWN if isinstance(context.caller, TesseraError) else _name(operation, visit)
    context.document, context.counts = prepared.document, "totalCount" in prepared.text
    context.header_key = None if operation.is_subscription else read_header(headers, operation)
    return Opened(context, prepared, operation, cost)


def _name(operation: Operation, visit: Visit) -> str:
    return visit.services.figures.bounded(operation.name)


async def finish(documents: Documents, request: GraphQLRequest, opened: Opened) -> dict[str, Any]:
    """Run an operation that gives one result."""
    context = opened.context
    data, errors = await documents.execute(opened.prepared, opened.operation, request.variables, context)
    body = render_result(data, errors, opened, suggest=documents.suggest)
    return {**body, "extensions": {"cost": opened.cost}}


def render_document_refusal(refused: Exception, request_id: str) -> dict[str, Any]:
    """The body for a document that never runs."""
    if isinstance(refused, TesseraError):
        return {"errors": [render_refusal(refused, request_id)]}
    assert isinstance(refused, DocumentRefused)  # noqa: S101 - there are no others
    return {"errors": render_errors(refused.errors, request_id, code=refused.code)}


def render_result(
    data: dict[str, Any] | None, errors: Sequence[GraphQLError] | None, opened: Opened, *, suggest: bool
) -> dict[str, Any]:
    """The body for what an operation gave."""
    body: dict[str, Any] = {}
    if errors:
        places = opened.prepared.places
        body["errors"] = render_errors(errors, opened.context.request_id, places=places, suggest=suggest)
    # Errors of no field are errors of the request: its variables do not fit, and nothing ran.
    if data is not None or any(error.path for error in errors or ()):
        body["data"] = data
    return body
