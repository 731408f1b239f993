"""What a connection may take before there is a request: a bounded head, in bounded time."""

import asyncio

import httptools
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MAX_HEAD_BYTES = 64 * 1024
HEAD_LIMIT_S = 10.0
WEBSOCKET_PATH = b"/graphql"
MAX_LINES, MAX_LINE = 100, 8000

_HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the limits that it does not have, and without most of its upgrades.

    No timer runs for a request whose head arrives whole, which is nearly every one. An offer to speak another
    protocol (`Upgrade: h2c` from curl and Java, `websocket`) is not taken up, so the request is an ordinary one: but
    for a WebSocket where one is served, offered by a request that is nothing else.
    """

    _in_head = False
    _head_bytes = 0
    _piece_bytes = 0
    _is_too_large = False
    _is_handed_over = False
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and look at what is still incomplete."""
        self._unset_keepalive_if_required()
        self._piece_bytes = len(data)
        self._parse(data)
        if self._is_handed_over:
            return
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self._refuse_head()
                return
        # Bytes after an answer that begin no request have ended uvicorn's own timer of idle connections.
        if self._in_head or (self.cycle is not None and self.cycle.response_complete):
            self._start_timer()

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as offer:
                rest = data[offer.args[0] :]
                if not rest and self._is_websocket():
                    self._speak_websocket()
                    return
                # The parser took what follows for another protocol, and never tells a body of it.
                data = self._head_without_offer() + rest
            except httptools.HttpParserError:
                self.send_400_response("Invalid HTTP request received.")
                return

    def _is_websocket(self) -> bool:
        """Whether to take up the offer in the head that was just read: there is no doubt where it ends, or what it is.

        A body, or anything behind the head, could be a request to who stands in front of us and a message to us. Nor
        is a connection handed over while answers to earlier requests are still to be sent on it.
        """
        named: dict[bytes, list[bytes]] = {}
        for name, value in self.headers:
            named.setdefault(name, []).append(value)
        if self.url.partition(b"?")[0] != WEBSOCKET_PATH or self.parser.get_method() != b"GET":
            return False
        if self.parser.get_http_version() != "1.1" or self.pipeline:
            return False
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        if named.get(b"upgrade", []) not in ([b"websocket"], [b"WebSocket"]) or len(named.get(b"host", [])) != 1:
            return False
        if {b"content-length", b"transfer-encoding", b"expect"} & named.keys():
            return False
        # The library behind takes no more in a head.
        lines = [len(self.url), *(len(name) + len(value) for name, value in self.headers)]
        return len(lines) <= MAX_LINES and max(lines) <= MAX_LINE and sum(lines) <= MAX_HEAD_BYTES

    def _speak_websocket(self) -> None:
        self._is_handed_over, self._in_head = True, False
        self._stop_timer()
        self.scope["method"] = "GET"
        self.handle_websocket_upgrade()

    def shutdown(self) -> None:
        """End with the request under way; subscriptions have no end of their own, so they are told."""
        super().shutdown()
        if (runtime := self.app_state.get("runtime")) is not None:
            runtime.services.feed.stop()

    def _head_without_offer(self) -> bytes:
        """The head that was just read, once more, as of a client that offers nothing."""
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, or one whose head is too large."""
        if self._is_too_large:
            self._refuse_head()
        else:
            super().send_400_response(msg)

    def _refuse_head(self) -> None:
        self.transport.write(_HEAD_TOO_LARGE)
        self.transport.close()

    def on_message_begin(self) -> None:
        """Count from here."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole; what follows is limited by the edge that reads it."""
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise ValueError("no proxy")
            return
        self._in_head = False
        if self._head_bytes + self._piece_bytes > MAX_HEAD_BYTES:
            self._measure_head()
        if self._head_timer is not None:
            self._stop_timer()
        super().on_headers_complete()
        if self.cycle is not None:
            # An edge need not wait for the first piece of a body: it has an empty one, and times the next.
            self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        """The request is whole, unless it is about to be read again without its offer."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _measure_head(self) -> None:
        """Raise ValueError for a head that came in one large piece and is too large itself."""
        size = len(self.url) + sum(len(name) + len(value) + len(b": \r\n") for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            self._is_too_large = True
            raise ValueError("head too large")

    def _start_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_LIMIT_S, self._close)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol of WebSockets, for which a handshake that was refused with a response is complete.

    It would call each of them an error in the log, so that any page could fill that.
    """

    async def send(self, message: ASGISendEvent) -> None:
        """Send, and know that an answer was the end of the handshake."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True
