"""The beginning of a WebSocket: who may open one, and what it says in place of headers."""

from collections.abc import Mapping
from typing import Any

from starlette.types import Send


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
        if name.lower() in ("authorization", "x-program-id") and isinstance(value, str | int)
    }


def is_foreign(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a page of another origin opens the connection. The scheme is left out: a proxy may have taken it off."""
    origin = headers.get(b"origin")
    return origin is not None and origin.partition(b"://")[2].lower() != headers.get(b"host", b"").lower()


async def reject(send: Send, status: int) -> None:
    """Refuse the handshake."""
    await send({"type": "websocket.http.response.start", "status": status, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b""})
