"""One operation: prepared, weighed, run for its caller, rendered."""

from collections.abc import Mapping
from typing import Any

from domain.errors import MethodNotAllowed, QueryTooComplex
from resolvers.context import Services
from schema.context import RequestContext, open_context
from schema.cost import check_cost
from schema.document import Documents
from schema.failure import DocumentRefused, render_errors, render_refusal
from schema.mutations.idempotency import read_header
from schema.request import GraphQLRequest


async def run(
    documents: Documents,
    request: GraphQLRequest,
    services: Services,
    headers: Mapping[bytes, bytes],
    request_id: str,
) -> dict[str, Any]:
    """The body of the response; without `data` where nothing ran.

    Raises MethodNotAllowed, BadRequest, InvalidRequest, TooManyRequests.
    """
    try:
        prepared = documents.prepare(request.query)
        operation = prepared.operation(request.operation_name)
        cost = operation.cost(request.variables)
        check_cost(cost)
    except DocumentRefused as refused:
        return {"errors": render_errors(refused.errors, request_id, code=refused.code)}
    except QueryTooComplex as refused:
        return {"errors": [render_refusal(refused, request_id)]}
    if request.by_get and not operation.is_query:
        raise MethodNotAllowed("mutations need a POST")
    key = read_header(headers, operation)
    context = await open_context(services, prepared, headers, request_id, key)
    body = await _execute(documents, context, request, operation.name, request_id)
    return {**body, "extensions": {"cost": cost}}


async def _execute(
    documents: Documents, context: RequestContext, request: GraphQLRequest, name: str | None, request_id: str
) -> dict[str, Any]:
    result = await documents.schema.execute(
        request.query, variable_values=dict(request.variables), context_value=context, operation_name=name
    )
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = render_errors(result.errors, request_id, suggest=documents.suggest)
    # Errors of no field are errors of the request: its variables do not fit, and nothing ran.
    if result.data is not None or any(error.path for error in result.errors or ()):
        body["data"] = result.data
    return body
