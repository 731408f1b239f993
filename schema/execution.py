"""One operation: prepared, weighed, run for its caller, rendered."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from domain.errors import BadRequest, MethodNotAllowed, QueryTooComplex
from schema.context import RequestContext, open_context
from schema.cors import Visit
from schema.cost import check_cost
from schema.document import Documents, Operation, Prepared
from schema.failure import DocumentRefused, render_errors, render_refusal
from schema.mutations.idempotency import read_header
from schema.request import GraphQLRequest


async def run(
    documents: Documents,
    request: GraphQLRequest,
    visit: Visit,
    headers: Mapping[bytes, bytes],
    request_id: str,
) -> dict[str, Any]:
    """The body of the response; without `data` where nothing ran.

    Raises MethodNotAllowed, BadRequest, InvalidRequest, TooManyRequests.
    """
    try:
        prepared, operation, cost = weigh(documents, request)
    except (DocumentRefused, QueryTooComplex) as refused:
        return render_document_refusal(refused, request_id)
    if operation.is_subscription:
        raise BadRequest("subscriptions need `Accept: text/event-stream`, or a WebSocket", field="query")
    if request.by_get and not operation.is_query:
        raise MethodNotAllowed("mutations need a POST")
    key = read_header(headers, operation)
    context = await open_context(visit, prepared, headers, request_id, key)
    body = await _execute(documents, context, request, operation.name, request_id)
    return {**body, "extensions": {"cost": cost}}


def weigh(documents: Documents, request: GraphQLRequest) -> tuple[Prepared, Operation, int]:
    """The document, the operation to run and its cost. Raises DocumentRefused, QueryTooComplex, BadRequest."""
    prepared = documents.prepare(request.query)
    operation = prepared.operation(request.operation_name)
    cost = operation.cost(request.variables)
    check_cost(cost)
    return prepared, operation, cost


def render_document_refusal(refused: DocumentRefused | QueryTooComplex, request_id: str) -> dict[str, Any]:
    """The body for a document that never runs."""
    if isinstance(refused, QueryTooComplex):
        return {"errors": [render_refusal(refused, request_id)]}
    return {"errors": render_errors(refused.errors, request_id, code=refused.code)}


async def _execute(
    documents: Documents, context: RequestContext, request: GraphQLRequest, name: str | None, request_id: str
) -> dict[str, Any]:
    result = await documents.schema.execute(
        request.query, variable_values=dict(request.variables), context_value=context, operation_name=name
    )
    return render_result(result.data, result.errors, request_id, suggest=documents.suggest)


def render_result(
    data: dict[str, Any] | None, errors: Sequence[GraphQLError] | None, request_id: str, *, suggest: bool
) -> dict[str, Any]:
    """The body for what an operation gave."""
    body: dict[str, Any] = {}
    if errors:
        body["errors"] = render_errors(errors, request_id, suggest=suggest)
    # Errors of no field are errors of the request: its variables do not fit, and nothing ran.
    if data is not None or any(error.path for error in errors or ()):
        body["data"] = data
    return body
