"""Idempotency keys of mutations."""

from domain.access import PrincipalKind
from domain.errors import BadRequest
from domain.idempotency_key import read_key
from schema.context import RequestContext

__all__ = ["read_key", "read_money_key"]


def read_money_key(given: str | None, context: RequestContext) -> str | None:
    """The key of a mutation that moves points, which an app in a member's hand must send.

    Phones lose answers all the time, and a tap is soon repeated. Raises BadRequest, InvalidRequest.
    """
    if given is None and context.ctx.principal.kind is PrincipalKind.MEMBER:
        raise BadRequest("idempotencyKey: is needed with a member's token", field="idempotency_key")
    return read_key(given)
