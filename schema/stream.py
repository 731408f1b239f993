"""Operations whose results come one after the other: of a subscription for each event, of others once."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from time import perf_counter
from typing import Any, TypeAlias

from graphql import GraphQLError

from domain.errors import ServiceUnavailable, TesseraError, Unauthorized, UnexpectedFailure
from resolvers.feed import FeedStopped, FollowerTooSlow
from schema.cors import Visit
from schema.document import Documents
from schema.execution import (
    DOCUMENT_REFUSALS,
    Opened,
    finish,
    open_request,
    render_document_refusal,
    render_result,
)
from schema.failure import cause_of, code_of, log_surprise, render_refusal
from schema.request import GraphQLRequest

Body: TypeAlias = dict[str, Any]


async def stream(
    documents: Documents,
    request: GraphQLRequest,
    visit: Visit,
    headers: Mapping[bytes, bytes],
    request_id: str,
    *,
    timeout_s: float,
) -> AsyncGenerator[Body, None]:
    """The bodies of the results. One without `data` is the last: the operation did not run, or goes on no longer.

    Raises Unauthorized, FollowerTooSlow and FeedStopped, which end more than this operation.
    """
    began = perf_counter()
    opened, body = await _opened(documents, request, visit, headers, request_id, timeout_s)
    code = "OK" if body is None else code_of(body)
    # How long a subscription lasts says nothing; it counts as what it took to begin.
    visit.services.figures.request("graphql-stream", visit.operation, code, perf_counter() - began)
    if opened is None or body is not None:
        assert body is not None  # noqa: S101 - what was not opened was refused
        yield body
        return
    opened.context.last_event_id = _header(headers, b"last-event-id")
    async with aclosing(_events(documents, request, opened)) as bodies:
        async for body in bodies:
            yield body | {"extensions": {"cost": opened.cost, "eventId": opened.context.event_id}}


async def _opened(
    documents: Documents,
    request: GraphQLRequest,
    visit: Visit,
    headers: Mapping[bytes, bytes],
    request_id: str,
    timeout_s: float,
) -> tuple[Opened | None, Body | None]:
    """The operation, and the one body that there is where it is no subscription or was refused."""
    try:
        async with asyncio.timeout(timeout_s):
            opened = await open_request(documents, request, visit, headers, request_id)
            return opened, None if opened.operation.is_subscription else await finish(documents, request, opened)
    except DOCUMENT_REFUSALS as refused:
        return None, render_document_refusal(refused, request_id)
    except TesseraError as error:
        return None, {"errors": [render_refusal(error, request_id)]}
    except TimeoutError:
        late = ServiceUnavailable(f"not done within {timeout_s:g} s", retry_after_s=1)
        return None, {"errors": [render_refusal(late, request_id)]}


def refusal_of_surprise(error: Exception, request_id: str) -> Body:
    """The last body of an operation that nobody expected to fail; what happened is logged."""
    log_surprise(error, request_id)
    return {"errors": [render_refusal(UnexpectedFailure(), request_id)]}


async def _events(documents: Documents, request: GraphQLRequest, opened: Opened) -> AsyncGenerator[Body, None]:
    results = await documents.schema.subscribe(
        opened.prepared.text,
        variable_values=dict(request.variables),
        context_value=opened.context,
        operation_name=opened.operation.name,
    )
    async with aclosing(results):
        async for result in results:
            for error in result.errors or ():
                _raise_end(error)
            yield render_result(result.data, result.errors, opened, suggest=documents.suggest)


def _raise_end(error: GraphQLError) -> None:
    cause = cause_of(error)
    if isinstance(cause, Unauthorized | FollowerTooSlow | FeedStopped):
        raise cause


def _header(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    """The text of a header; None where it says nothing."""
    return headers.get(name, b"").decode("latin-1").strip() or None
