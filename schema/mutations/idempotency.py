"""Idempotency keys of mutations."""

from domain.access import PrincipalKind
from domain.errors import BadRequest, InvalidRequest
from schema.context import RequestContext

MAX_KEY_LENGTH = 100


def read_key(given: str | None) -> str | None:
    """The key, if there is one. Raises InvalidRequest."""
    if given is None:
        return None
    if not (0 < len(given) <= MAX_KEY_LENGTH and given.isascii() and given.isprintable()):
        raise InvalidRequest(
            f"idempotencyKey: 1 to {MAX_KEY_LENGTH} printable ASCII characters", field="idempotency_key"
        )
    return given


def read_money_key(given: str | None, context: RequestContext) -> str | None:
    """The key of a mutation that moves points, which an app in a member's hand must send.

    Phones lose answers all the time, and a tap is soon repeated. Raises BadRequest, InvalidRequest.
    """
    if given is None and context.ctx.principal.kind is PrincipalKind.MEMBER:
        raise BadRequest("idempotencyKey: is needed with a member's token", field="idempotency_key")
    return read_key(given)
