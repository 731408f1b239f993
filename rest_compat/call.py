"""From a request to a call: who asks, what is asked, and what is refused before any use case runs.

The order is that of the published precedence: 401, 999, 403, 998.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from zoneinfo import ZoneInfo

from domain.access import Principal
from domain.errors import Forbidden, InvalidRequest, TesseraError, Unauthorized
from domain.idempotency_key import read_key
from resolvers.context import Context, Services
from resolvers.program import get_program_terms
from resolvers.token import authenticate
from rest_compat.body import parse_form, parse_json
from rest_compat.element import Element, read_elements, require_program
from rest_compat.envelope import Answer, Family
from rest_compat.field import Reading
from rest_compat.operation import Call, Operation, Request, Serve
from rest_compat.requests.shared import BODY_KEY

BUSINESS_STATUS = 422
REPLAYED = ((b"idempotency-replayed", b"true"),)

Handler = Callable[[Call], Awaitable[Answer]]


def with_bearer(handler: Handler) -> Serve:
    """Serve an operation that wants an access token."""

    async def serve(operation: Operation, request: Request, services: Services) -> Answer:
        principal = await authenticate(services, bearer_token(request.headers.get(b"authorization")))
        reading = _read(operation, request, bound=principal.member_reference is not None)
        context = Context(services=services, principal=principal, source="rest", request_id=request.request_id)
        elements: tuple[Element, ...] = ()
        if operation.is_array and operation.body is not None:
            most = (await get_program_terms(context)).queue_limit
            # Megabytes take a while to read, and other requests go on meanwhile.
            elements = await asyncio.to_thread(read_elements, operation.body, request.body, principal, most)
        _require_access(operation, principal, reading.values)
        if reading.refusal is not None:
            raise reading.refusal
        call = Call(
            ctx=context,
            family=request.family,
            values=reading.values,
            extra=reading.extra,
            aliased=frozenset(reading.aliased),
            key=_idempotency_key(operation, request, reading.values),
            request=request,
            elements=elements,
        )
        try:
            return await handler(call)
        except TesseraError as error:
            request.hides_refusal = await _hides_refusal(call, operation.status_of(error))
            raise

    return serve


def bearer_token(header: bytes | None) -> str:
    """The token of an `Authorization` header. Raises Unauthorized."""
    scheme, _, token = (header or b"").partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token or not token.isascii():
        raise Unauthorized
    return token.decode("ascii")


def _read(operation: Operation, request: Request, *, bound: bool) -> Reading:
    """Query and body, read by their tables into one; the names of what nobody reads go to the request.

    Of an operation that takes an array only the query.
    """
    parameters = parse_form(request.query)
    has_object = operation.body is not None and not operation.is_array
    given = parse_json(request.body) if has_object else {}
    if operation.query is None:
        request.ignored += parameters
    else:
        query = operation.query.match(parameters)
        request.ignored += query.extra
        operation.query.fill(query, bound=bound)
        if not has_object:
            return query
    assert operation.body is not None  # noqa: S101 - each row of the table reads something
    reading = operation.body.match(given)
    if not operation.free_keys:
        request.ignored += reading.extra
    operation.body.fill(reading, bound=bound)
    if operation.query is not None:
        reading.values.update(query.values)
        reading.refusal = query.refusal or reading.refusal
    return reading


def _require_access(operation: Operation, principal: Principal, values: dict[str, Any]) -> None:
    """Raise Forbidden where the token is for another program or member, or not for this operation."""
    require_program(principal, values)
    if principal.member_reference is not None:
        if not operation.for_members:
            raise Forbidden("not with a token that is bound to a member")
        principal.member(values.get(operation.member_field or ""))


def _idempotency_key(operation: Operation, request: Request, values: dict[str, Any]) -> str | None:
    """The key of a write: the header wins, and a body that names another one is refused."""
    if not operation.keyed:
        return None
    in_body: str | None = values.get(BODY_KEY)
    header = request.headers.get(b"idempotency-key")
    if header is None:
        return in_body
    key = read_key(header.decode("latin-1"))
    if in_body is not None and in_body != key:
        raise InvalidRequest("Idempotency-Key and the key in the body differ")
    return key


async def _hides_refusal(call: Call, status: int) -> bool:
    """Whether the program wants a business failure of the lbms family to be HTTP 200."""
    if call.family is Family.V1 or status != BUSINESS_STATUS:
        return False
    return (await get_program_terms(call.ctx)).lbms_http_200_for_business_errors


async def ignores_unknown(call: Call) -> bool | None:
    """Whether unknown attribute keys are ignored; None leaves it to the program's general setting."""
    if call.family is Family.V1:
        return None
    return (await get_program_terms(call.ctx)).ignore_unknown_attributes_lbms


async def program_zone(call: Call) -> ZoneInfo:
    """The time zone in which the program's dates are written."""
    return ZoneInfo((await get_program_terms(call.ctx)).time_zone)
