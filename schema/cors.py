"""Pages of other origins: which may call, what a browser is told of it, and where a call comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from starlette.types import Scope

from domain.errors import Forbidden, TesseraError
from resolvers.context import Services
from resolvers.figures import UNKNOWN
from resolvers.publishable import allows_origin

Headers: TypeAlias = list[tuple[bytes, bytes]]

_ASKED = b"access-control-request-method"
# What pages may send; X-Program-Id is of administrators, who do not work from other origins.
_MAY_SEND = b"authorization, content-type, idempotency-key, last-event-id, x-publishable-key, x-request-id"
_MAY_READ = b"retry-after, x-request-id"
_KNOWN_FOR_S = b"600"


@dataclass(slots=True, kw_only=True)
class Visit:
    """Where a request comes from. `origin`: the foreign page, None for no page, or one of our own.

    `program_id`: whose it turned out to be. `address`: that of the client, as the server saw it.
    `operation` and `code`: what it counts as, once that is known.
    """

    scope: Scope
    origin: str | None = None
    address: str = ""
    program_id: int | None = None
    operation: str = UNKNOWN
    code: str | None = None

    @property
    def services(self) -> Services:
        """The services that the lifespan of the process put into the scope."""
        return cast(Services, self.scope["state"]["runtime"].services)


def open_visit(scope: Scope, headers: Mapping[bytes, bytes]) -> Visit:
    """Where a request comes from."""
    origin = headers.get(b"origin")
    client = scope.get("client")
    return Visit(
        scope=scope,
        origin=None if origin is None or _is_own(origin, headers) else origin.decode("latin-1"),
        address=client[0] if client else "",
    )


def _is_own(origin: bytes, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a page was served here. The scheme is left out: a proxy may have taken it off."""
    return origin.partition(b"://")[2].lower() == headers.get(b"host", b"").lower() != b""


def is_preflight(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser asks, before a page may call."""
    return scope["method"] == "OPTIONS" and b"origin" in headers and _ASKED in headers


async def preflight(visit: Visit) -> Headers:
    """The answer to a browser that asks, without saying for which program. Raises Forbidden, ServiceUnavailable."""
    if visit.origin is None or not await allows_origin(visit.services, visit.origin, None):
        raise Forbidden("no program allows this origin")
    return [
        (b"access-control-allow-methods", b"GET, POST"),
        (b"access-control-allow-headers", _MAY_SEND),
        (b"access-control-max-age", _KNOWN_FOR_S),
    ]


async def cors_headers(visit: Visit) -> Headers:
    """What lets a page read an answer: of its program if that allows its origin, of none if any program does.

    There are no cookies, so no answer depends on more than the page sent itself.
    """
    if visit.origin is None:
        return []
    headers: Headers = [(b"vary", b"origin")]
    try:
        allowed = await allows_origin(visit.services, visit.origin, visit.program_id)
    except TesseraError:
        # The answer is on its way, and says itself what is wrong.
        return headers
    if allowed:
        headers.append((b"access-control-allow-origin", visit.origin.encode("latin-1")))
        headers.append((b"access-control-expose-headers", _MAY_READ))
    return headers
