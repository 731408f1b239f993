"""WebSockets: the `graphql-transport-ws` protocol, one connection with many operations."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from starlette.types import Message, Receive, Scope, Send

from domain.access import Principal
from domain.errors import BadRequest, Forbidden, TesseraError, TooManyRequests, Unauthorized
from resolvers.feed import FeedStopped, FollowerTooSlow
from resolvers.publishable import refuse_foreign_page
from resolvers.token import check_again
from schema.closing import (
    BAD_REQUEST,
    FORBIDDEN,
    ID_TAKEN,
    INIT_TIMEOUT,
    INTERNAL_ERROR,
    NO_SUBPROTOCOL,
    SERVICE_RESTART,
    TOO_MANY_INITS,
    TRY_AGAIN,
    UNAUTHORIZED,
    ClientLeft,
    Closed,
)
from schema.context import read_credentials
from schema.cors import Visit, open_visit
from schema.crowd import Crowd
from schema.document import Documents
from schema.failure import log_surprise, render_refusal
from schema.handshake import may_open, reject, told_headers
from schema.request import GraphQLRequest, read_in_turn, read_operation
from schema.response import to_json
from schema.stream import refusal_of_surprise, stream

SUBPROTOCOL = "graphql-transport-ws"
INIT_LIMIT_S = 10.0
SEND_LIMIT_S = 30.0
MAX_OPERATIONS = 50
MAX_ID_LENGTH = 100


@dataclass(slots=True)
class Sockets:
    """The connections of a process."""

    documents: Documents
    timeout_s: float
    crowd: Crowd = field(default_factory=Crowd)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from the handshake to its end."""
        await receive()
        headers = dict(scope["headers"])
        visit = open_visit(scope, headers)
        if not await may_open(visit):
            await reject(send, 403)
            return
        if b"idempotency-key" in headers:
            # One key for all mutations of a connection would take the second for the first.
            await reject(send, 400)
            return
        if self.crowd.is_full(visit.address):
            await reject(send, 503)
            return
        with self.crowd.place():
            await _Connection(self, visit, headers, receive, send).run()


class _Connection:
    def __init__(
        self, sockets: Sockets, visit: Visit, headers: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        self._sockets = sockets
        self._visit = visit
        self._headers = headers
        self._receive = receive
        self._transmit = send
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._end: asyncio.Future[Closed | ClientLeft] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Serve until one of both sides has enough."""
        crowd = self._sockets.crowd
        try:
            with crowd.waiting(self._visit.address):
                await self._accept()
                principal = await self._initialise()
            with crowd.known(principal):
                await self._send({"type": "connection_ack"})
                await self._serve()
        except Closed as closed:
            await self._close(closed.code, closed.reason)
        except (ClientLeft, OSError, TimeoutError):
            pass
        except Exception as error:  # noqa: BLE001 - logged; nobody else would answer
            log_surprise(error, uuid4().hex)
            await self._close(INTERNAL_ERROR, "Internal error")
        finally:
            await self._cancel_all()

    async def _accept(self) -> None:
        chosen = SUBPROTOCOL if SUBPROTOCOL in self._visit.scope["subprotocols"] else None
        await self._transmit({"type": "websocket.accept", "subprotocol": chosen})
        if chosen is None:
            raise Closed(NO_SUBPROTOCOL, "Subprotocol not acceptable")

    async def _initialise(self) -> Principal:
        """Who the caller is, by the payload of `connection_init` or the headers of the handshake. Raises Closed."""
        try:
            async with asyncio.timeout(INIT_LIMIT_S):
                while (message := await self._next())["type"] != "connection_init":
                    await self._before_init(message)
        except TimeoutError:
            raise Closed(INIT_TIMEOUT, "Connection initialisation timeout") from None
        self._headers = {**self._headers, **told_headers(message.get("payload"))}
        return await self._caller()

    async def _before_init(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "subscribe":
            raise Closed(UNAUTHORIZED, "Unauthorized")
        await self._common(message)

    async def _caller(self) -> Principal:
        """Who the caller is by now. Raises Closed."""
        services = self._visit.services
        try:
            token, program = read_credentials(self._headers)
            principal = (await check_again(services, token, program=program)).principal
            await refuse_foreign_page(services, principal, self._visit.origin)
        except (Unauthorized, BadRequest, Forbidden):
            raise Closed(FORBIDDEN, "Forbidden") from None
        except TesseraError as error:
            raise Closed(FORBIDDEN if error.status < 500 else TRY_AGAIN, error.message) from None
        return principal

    async def _serve(self) -> None:
        """Take messages, and ask from time to time who the caller is. Raises Closed, ClientLeft."""
        tasks = [asyncio.create_task(one) for one in (self._read_on(), self._watch(), self._until_ended())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for one in done:
            one.result()

    async def _until_ended(self) -> None:
        """Wait for an operation that ends the connection. Raises Closed, ClientLeft."""
        raise await self._end

    async def _watch(self) -> None:
        """Nobody is served who has only a token that is good no longer. Raises Closed."""
        while True:
            await asyncio.sleep(self._visit.services.feed.recheck_s)
            await self._caller()

    async def _read_on(self) -> None:
        while True:
            message = await self._next()
            if message["type"] == "connection_init":
                raise Closed(TOO_MANY_INITS, "Too many initialisation requests")
            if message["type"] == "subscribe":
                await self._subscribe(message)
            elif message["type"] == "complete":
                await self._cancel(message)
            else:
                await self._common(message)

    async def _common(self, message: Mapping[str, Any]) -> None:
        """What may come at any time. Raises Closed for what nobody knows."""
        if message["type"] == "ping":
            payload = {"payload": message["payload"]} if "payload" in message else {}
            await self._send({"type": "pong"} | payload)
        elif message["type"] != "pong":
            raise Closed(BAD_REQUEST, "Unknown message")

    async def _next(self) -> Mapping[str, Any]:
        """The next message. Raises Closed, ClientLeft."""
        received = await self._receive()
        if received["type"] != "websocket.receive":
            raise ClientLeft
        try:
            raw = (received.get("text") or "").encode()
            message = await read_in_turn(raw, self._sockets.documents.large_bodies, self._visit.address)
        except BadRequest:
            raise Closed(BAD_REQUEST, "Not a message") from None
        except TooManyRequests as error:
            raise Closed(TRY_AGAIN, error.message) from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Closed(BAD_REQUEST, "Not a message")
        if not isinstance(message.get("payload", {}), dict | None):
            raise Closed(BAD_REQUEST, "payload: must be an object")
        return message

    async def _subscribe(self, message: Mapping[str, Any]) -> None:
        name = self._id_of(message)
        if name in self._operations:
            raise Closed(ID_TAKEN, f"Subscriber for {name[:50]} already exists")
        try:
            request = read_operation(message.get("payload") or {})
        except BadRequest:
            raise Closed(BAD_REQUEST, "payload: not an operation") from None
        if len(self._operations) >= MAX_OPERATIONS:
            refusal = TooManyRequests(f"more than {MAX_OPERATIONS} operations on one connection")
            await self._send({"type": "error", "id": name, "payload": [render_refusal(refusal, uuid4().hex)]})
            return
        self._operations[name] = asyncio.create_task(self._operate(name, request))

    async def _cancel(self, message: Mapping[str, Any]) -> None:
        task = self._operations.pop(self._id_of(message), None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _id_of(self, message: Mapping[str, Any]) -> str:
        name = message.get("id")
        if not isinstance(name, str) or not 0 < len(name) <= MAX_ID_LENGTH:
            raise Closed(BAD_REQUEST, "id: must be a text")
        return name

    async def _operate(self, name: str, request: GraphQLRequest) -> None:
        """Send the results of one operation; what ends the connection is left to its own task."""
        request_id = uuid4().hex
        try:
            await self._results(name, request, request_id)
        except Unauthorized:
            self._finish(Closed(FORBIDDEN, "Forbidden"))
        except FollowerTooSlow:
            self._finish(Closed(TRY_AGAIN, "Too slow: go on behind the last event"))
        except FeedStopped:
            self._finish(Closed(SERVICE_RESTART, "Service restart"))
        except (OSError, TimeoutError):
            self._finish(ClientLeft())
        except Exception as error:  # noqa: BLE001 - masked and logged
            await self._last(name, refusal_of_surprise(error, request_id))

    async def _results(self, name: str, request: GraphQLRequest, request_id: str) -> None:
        bodies = stream(
            self._sockets.documents,
            request,
            self._visit,
            self._headers,
            request_id,
            timeout_s=self._sockets.timeout_s,
        )
        async with aclosing(bodies):
            async for body in bodies:
                if "data" not in body:
                    await self._last(name, body)
                    return
                await self._send({"type": "next", "id": name, "payload": body})
        # First the name is free, then the client hears of it and may use it again.
        self._operations.pop(name, None)
        await self._send({"type": "complete", "id": name})

    async def _last(self, name: str, body: Mapping[str, Any]) -> None:
        self._operations.pop(name, None)
        await self._send({"type": "error", "id": name, "payload": body["errors"]})

    def _finish(self, end: Closed | ClientLeft) -> None:
        if not self._end.done():
            self._end.set_result(end)

    async def _send(self, message: Mapping[str, Any]) -> None:
        """Send a message. Raises TimeoutError where the client takes nothing for too long, OSError where it is gone."""
        await self._hand_over({"type": "websocket.send", "text": to_json(message).decode()})

    async def _hand_over(self, message: Message) -> None:
        async with asyncio.timeout(SEND_LIMIT_S):
            await self._transmit(message)

    async def _close(self, code: int, reason: str) -> None:
        with suppress(OSError, TimeoutError):
            await self._hand_over({"type": "websocket.close", "code": code, "reason": reason})

    async def _cancel_all(self) -> None:
        tasks, self._operations = list(self._operations.values()), {}
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
