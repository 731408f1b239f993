"""Receivers of webhooks: real HTTP servers that fail, hang, redirect and so on, as a test wants it."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from standardwebhooks import Webhook


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A request as it arrived; headers by their names in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """What stays the same each time that the event is delivered."""
        return self.headers["webhook-id"]

    @property
    def told(self) -> Any:
        """The body."""
        return orjson.loads(self.body)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a receiver does. `hangs` until it is let go on; `body` may be longer than anybody wants to read."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs: bool = False


@dataclass(slots=True, kw_only=True)
class Receiver:
    """Keeps what it was sent; `reply` says what it answers to each."""

    reply: Callable[[Received], Reply] = lambda _: Reply()
    url: str = ""
    received: list[Received] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, one: Received) -> Reply:
        """Keep a request; what is answered to it."""
        with self.arrived:
            self.received.append(one)
            self.arrived.notify_all()
        reply = self.reply(one)
        if reply.hangs:
            self.go_on.wait(60)
        return reply

    def wait_for(self, count: int, seconds: float = 60.0) -> None:
        """Wait until so many requests have arrived; blocking."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.received) >= count, seconds), len(self.received)

    def verified(self, secret: str) -> list[Any]:
        """What was sent, each checked by the official library."""
        return [Webhook(secret).verify(one.body, one.headers) for one in list(self.received)]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


@contextmanager
def receiving(
    receiver: Receiver, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """A receiver that listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 - the standard library's name
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            # A sender that is killed in the middle has sent nothing.
            if len(body) < length:
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = receiver.take(Received(path=self.path, headers=headers, body=body))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = _Server((host, port), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    scheme = "http" if tls is None else "https"
    receiver.url = f"{scheme}://{host}:{server.server_address[1]}/hook?k=v"
    try:
        yield receiver
    finally:
        receiver.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
