"""The beginning of a WebSocket: who may open one, and what it says in place of headers."""

from collections.abc import Mapping
from typing import Any

from starlette.types import Send

from resolvers.publishable import allows_origin
from schema.cors import Visit


def told_headers(payload: Mapping[str, Any] | None) -> dict[bytes, bytes]:
    """What the payload of `connection_init` says in place of headers, which browsers cannot send; in any letter case.

    Clients put them into the payload itself or under `headers`.
    """
    given = payload or {}
    nested = given.get("headers")
    told = {**(nested if isinstance(nested, dict) else {}), **given}
    return {
        name.lower().encode(): str(value).encode()
        for name, value in told.items()
        if name.lower() in ("authorization", "x-program-id", "x-publishable-key") and isinstance(value, str | int)
    }


async def may_open(visit: Visit) -> bool:
    """Whether this page, if it is one, may open a connection; for which program it does is not said yet."""
    return visit.origin is None or await allows_origin(visit.services, visit.origin, None)


async def reject(send: Send, status: int) -> None:
    """Refuse the handshake."""
    await send({"type": "websocket.http.response.start", "status": status, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b""})
