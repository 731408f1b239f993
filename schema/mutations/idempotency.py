"""Idempotency keys of mutations: in the input, or in the header `Idempotency-Key` of a request with one mutation."""

from collections.abc import Mapping

from domain import idempotency_key
from domain.errors import InvalidRequest
from schema.context import RequestContext
from schema.document import Operation

HEADER = b"idempotency-key"


def read_header(headers: Mapping[bytes, bytes], operation: Operation) -> str | None:
    """The key of the header, for the one mutation of the operation. Queries change nothing and need none.

    Raises InvalidRequest where it is not plain which mutation it is for: one that is ignored would let a retry
    do everything twice.
    """
    given = headers.get(HEADER)
    if given is None or operation.is_query:
        return None
    if not operation.takes_key:
        raise InvalidRequest(
            "Idempotency-Key: only where an operation is one mutation, and that takes an idempotencyKey",
            field="idempotency_key",
        )
    return idempotency_key.read_key(given.decode("latin-1"))


def read_key(given: str | None, context: RequestContext) -> str | None:
    """The key of the input or else that of the header, if there is one. Raises InvalidRequest."""
    if given is None:
        return context.header_key
    key = idempotency_key.read_key(given)
    if context.header_key not in {None, key}:
        raise InvalidRequest("idempotencyKey: another key than in the header", field="idempotency_key")
    return key
