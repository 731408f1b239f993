"""What a connection may take before there is a request: a bounded head, in bounded time."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
HEAD_LIMIT_S = 10.0

_HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the limits that it does not have.

    No timer runs for a request whose head arrives whole, which is nearly every one.
    """

    _in_head = False
    _head_bytes = 0
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
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.transport.write(_HEAD_TOO_LARGE)
                self.transport.close()
                return
        # Bytes after an answer that begin no request have ended uvicorn's own timer of idle connections.
        if self._in_head or (self.cycle is not None and self.cycle.response_complete):
            self._start_timer()

    def on_message_begin(self) -> None:
        """Count from here."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole; what follows is limited by the edge that reads it."""
        self._in_head = False
        if self._head_timer is not None:
            self._stop_timer()
        super().on_headers_complete()
        if self.cycle is not None:
            # An edge need not wait for the first piece of a body: it has an empty one, and times the next.
            self.cycle.message_event.set()

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
