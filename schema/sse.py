"""Results as server-sent events: the distinct connections mode of the GraphQL over SSE protocol."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any

from starlette.types import Receive

from domain.errors import Unauthorized
from resolvers.feed import FeedStopped, FollowerTooSlow
from schema.failure import log_surprise, render_refusal
from schema.response import Response, to_json
from schema.stream import Body, refusal_of_surprise

EVENT_STREAM = b"text/event-stream"
HEARTBEAT_S = 12.0
"""Shorter than proxies and browsers wait for a silent connection."""
SEND_LIMIT_S = 30.0

_HEADERS = [
    (b"content-type", EVENT_STREAM + b"; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"vary", b"accept"),
    # A proxy that collects an answer before it passes it on would hold back every event.
    (b"x-accel-buffering", b"no"),
]


def wants_events(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a client asks for events. Some list them behind JSON in each request, and expect JSON."""
    accepted = headers.get(b"accept", b"").lower()
    return EVENT_STREAM in accepted and b"json" not in accepted


class EventStream:
    """One operation's results, sent as they come."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self._request_id = response.request_id

    async def serve(self, bodies: AsyncGenerator[Body, None], receive: Receive) -> None:
        """Send the results until there are no more, or the client goes away."""
        pump = asyncio.create_task(self._pump(bodies))
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            pump.cancel()
            await asyncio.gather(pump, gone, return_exceptions=True)
        error = None if pump.cancelled() else pump.exception()
        if isinstance(error, Exception) and not isinstance(error, OSError | TimeoutError):
            log_surprise(error, self._request_id)

    async def _pump(self, bodies: AsyncGenerator[Body, None]) -> None:
        await self._response.begin(_HEADERS)
        # So that the client knows at once that it is served.
        await self._write(b":\n\n")
        try:
            async with aclosing(bodies):
                await self._results(bodies)
        except Unauthorized as error:
            await self._next({"errors": [render_refusal(error, self._request_id)]})
        except (FollowerTooSlow, FeedStopped):
            # Without `complete`, by which a client knows that it is to come back with the id of its last event.
            await self._write(b"", more=False)
            return
        except (OSError, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - masked and logged
            await self._next(refusal_of_surprise(error, self._request_id))
        await self._write(b"event: complete\ndata:\n\n", more=False)

    async def _results(self, bodies: AsyncGenerator[Body, None]) -> None:
        coming: asyncio.Task[Body] | None = None
        try:
            while True:
                coming = asyncio.ensure_future(anext(bodies))
                while not (await asyncio.wait({coming}, timeout=HEARTBEAT_S))[0]:
                    await self._write(b":\n\n")
                body = coming.result()
                await self._next(body)
                if "data" not in body:
                    return
        except StopAsyncIteration:
            return
        finally:
            if coming is not None and not coming.done():
                coming.cancel()
                with suppress(asyncio.CancelledError):
                    await coming

    async def _next(self, body: Mapping[str, Any]) -> None:
        event_id = body.get("extensions", {}).get("eventId")
        told = b"" if event_id is None else b"id: " + event_id.encode() + b"\n"
        await self._write(b"event: next\n" + told + b"data: " + to_json(body) + b"\n\n")

    async def _write(self, piece: bytes, *, more: bool = True) -> None:
        """Send a piece. Raises TimeoutError where the client takes nothing for too long."""
        async with asyncio.timeout(SEND_LIMIT_S):
            await self._response.piece(piece, more=more)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
