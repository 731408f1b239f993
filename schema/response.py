"""Responses of GraphQL over HTTP: which media type, which status."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from starlette.types import Send

from domain.errors import TesseraError
from domain.points import plain_text
from schema.failure import render_refusal
from schema.request import BODY_LATE

RESPONSE_TYPE, JSON_TYPE = b"application/graphql-response+json", b"application/json"


class Response:
    """Answers one request, in the media type that it accepts."""

    def __init__(self, send: Send, headers: Mapping[bytes, bytes], request_id: str) -> None:
        self._send = send
        self._is_strict = RESPONSE_TYPE in headers.get(b"accept", b"").lower()
        self.request_id = request_id
        self.told: list[tuple[bytes, bytes]] = []
        """Headers that every answer gets besides: what a browser is told of who may read it."""

    async def data(self, body: Mapping[str, Any]) -> None:
        """What an operation gave, its errors included: it ran, so the status is 200."""
        await self._json(200, body)

    async def request_error(self, body: Mapping[str, Any]) -> None:
        """Nothing ran. In plain JSON that is told by the body alone, because old clients expect 200."""
        status: int = body["errors"][0]["extensions"]["httpStatus"]
        await self._json(status if self._is_strict else 200, body)

    async def refusal(self, error: TesseraError, *, allow: bytes | None = None) -> None:
        """The request was no GraphQL request, or the server could not serve it: its status says so."""
        extra = [(b"allow", allow)] if allow else []
        if error.status == 413 or error.detail == BODY_LATE:
            # What is still coming is not read; on a connection that stays open it would have to be.
            extra.append((b"connection", b"close"))
        if error.retry_after_s is not None:
            extra.append((b"retry-after", str(error.retry_after_s).encode()))
        await self._json(error.status, {"errors": [render_refusal(error, self.request_id)]}, extra)

    async def empty(self, headers: list[tuple[bytes, bytes]]) -> None:
        """An answer without a body."""
        given = [(b"cache-control", b"no-store"), (b"x-request-id", self.request_id.encode())]
        await self._send({"type": "http.response.start", "status": 204, "headers": [*given, *self.told, *headers]})
        await self._send({"type": "http.response.body", "body": b""})

    async def begin(self, headers: list[tuple[bytes, bytes]]) -> None:
        """The head of an answer whose body comes in pieces."""
        given = [*headers, (b"x-request-id", self.request_id.encode()), *self.told]
        await self._send({"type": "http.response.start", "status": 200, "headers": given})

    async def piece(self, body: bytes, *, more: bool = True) -> None:
        """A piece of the body, or the last."""
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _json(self, status: int, body: Mapping[str, Any], extra: list[tuple[bytes, bytes]] | None = None) -> None:
        raw = to_json(body)
        media_type = RESPONSE_TYPE if self._is_strict else JSON_TYPE
        headers = [
            (b"content-type", media_type + b"; charset=utf-8"),
            (b"content-length", str(len(raw)).encode()),
            (b"cache-control", b"no-store"),
            (b"vary", b"accept"),
            (b"x-request-id", self.request_id.encode()),
            *self.told,
            *(extra or ()),
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": raw})


def to_json(body: Mapping[str, Any]) -> bytes:
    """A body in JSON, decimals as they are."""
    return orjson.dumps(body, default=_json_value)


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(plain_text(value))
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
