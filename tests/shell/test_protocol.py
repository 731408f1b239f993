"""Connections that never become a request end, and take little until then."""

import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tessera.protocol import HEAD_LIMIT_S, MAX_HEAD_BYTES
from tests.database import FreshDatabase
from tests.shell.command import Deployment, new_deployment

pytestmark = [
    pytest.mark.parametrize("dialect", ["sqlite"], indirect=True),
    # One server for all tests that neither stop it nor measure it.
    pytest.mark.xdist_group("protocol"),
]

Connect = Callable[[], socket.socket]


@pytest.fixture(scope="module")
def shared(fresh_database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A served deployment."""
    with fresh_database() as url:
        deployment = new_deployment(tmp_path_factory.mktemp("shared"), TESSERA_DATABASE_URL=url)
        with deployment.serving():
            yield deployment


@pytest.fixture
def connect(shared: Deployment) -> Iterator[Connect]:
    """Opens connections to the shared server, which end with the test."""
    with _connecting(shared) as connect:
        yield connect


@pytest.fixture
def connect_to_own(deployment: Deployment) -> Iterator[Connect]:
    """Opens connections to the test's own server."""
    with _connecting(deployment) as connect:
        yield connect


@contextmanager
def _connecting(deployment: Deployment) -> Iterator[Connect]:
    with ExitStack() as stack:
        place = ("127.0.0.1", int(deployment.settings["TESSERA_PORT"]))
        yield lambda: stack.enter_context(socket.create_connection(place, HEAD_LIMIT_S + 10))


def _answer(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


def _flood(connection: socket.socket, piece: bytes) -> bytes:
    """Send far more than is taken; the first bytes of the answer, nothing where the connection was reset."""
    try:
        for _ in range(100):
            connection.sendall(piece)
        return connection.recv(100)
    except ConnectionError:
        return b""


def test_heads_are_bounded_in_size_and_time(deployment: Deployment, connect_to_own: Connect) -> None:
    with deployment.serving() as server:
        silent, slow, stray = (connect_to_own() for _ in range(3))
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        stray.sendall(b"\r\n")
        before = _memory(server.pid)
        for start in (b"GET /v1/", b"GET /v1/x HTTP/1.1\r\nX-Long: "):
            connection = connect_to_own()
            connection.sendall(start)
            assert _flood(connection, b"a" * 1_000_000)[:12] in (b"", b"HTTP/1.1 431")
        just_over = connect_to_own()
        just_over.sendall(b"GET /v1/" + b"a" * MAX_HEAD_BYTES)
        assert _answer(just_over).startswith(b"HTTP/1.1 431 ")
        assert _memory(server.pid) - before < 20_000
        assert [_answer(each) for each in (silent, slow, stray)] == [b"", b"", b""]
        assert deployment.get("/healthz").status_code == 200


def test_a_head_in_pieces_and_a_connection_used_again_are_served(connect: Connect) -> None:
    connection = connect()
    for _ in range(2):
        for piece in (b"POST /v1/RedeemPoints HTTP/1.1\r\nHost", b": x\r\nContent-Length: 2\r\n\r\n", b"{}"):
            connection.sendall(piece)
        answer = b""
        while not answer.endswith(b"}"):
            answer += connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 401 ")


_OFFERS = [
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    "Connection: Upgrade\r\nUpgrade: websocket\r\n",
    "Connection: upgrade\r\nUpgrade: TLS/1.0\r\nUpgrade: h2c\r\n",
]


def test_the_body_of_a_request_that_offers_another_protocol_is_read(connect: Connect) -> None:
    body = b'{"grant_type":"client_credentials","client_id":"no","client_secret":"one"}'
    lengths = (
        (b"Content-Length: %d\r\n" % len(body), body),
        (b"Transfer-Encoding: chunked\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
    )
    for offer in _OFFERS:
        for length, sent in lengths:
            head = b"POST /oauth/Auth/Token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + length
            head += offer.encode() + b"\r\n"
            for pieces in ([head + sent], [head, sent], [head[:60], head[60:] + sent[:9], sent[9:]]):
                # Nobody has these credentials, which only a reader of the body can know.
                assert _exchange(connect(), pieces).startswith(b"HTTP/1.1 401 ")


def test_a_body_behind_an_offer_is_never_the_next_request(connect: Connect) -> None:
    hidden = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for offer in _OFFERS:
        head = b"POST /v1/CheckAvailability HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % len(hidden)
        head += offer.encode() + b"\r\n"
        for pieces in ([head + hidden], [head, hidden]):
            following = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            answer = _exchange(connect(), [*pieces, following], until_closed=True)
            assert answer.count(b"HTTP/1.1 ") == 2
            assert b"alive" not in answer
            assert answer.startswith(b"HTTP/1.1 401 ")
            assert b"HTTP/1.1 200 OK" in answer


def test_pipelined_offers_are_answered_in_order(connect: Connect) -> None:
    offer = b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    asked = [b"GET %b HTTP/1.1\r\nHost: x\r\n%b" % (path, offer) for path in (b"/healthz", b"/v1/Nope")]
    last = b"GET /docs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = _exchange(connect(), [b"".join(asked) + last], until_closed=True)
    assert re.findall(rb"HTTP/1.1 (\d+) ", answer) == [b"200", b"404", b"200"]


def test_the_server_stops_while_offers_of_websockets_are_open(deployment: Deployment, connect_to_own: Connect) -> None:
    offer = (
        b"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n{}"
    )
    with deployment.serving() as server:
        for _ in range(30):
            assert _exchange(connect_to_own(), [offer]).startswith(b"HTTP/1.1 404 ")
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0


def test_a_proxy_is_not_to_be_had(connect: Connect) -> None:
    for target in (b"example.com:443", b"/v1/RedeemPoints"):
        asked = b"CONNECT " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n"
        assert _exchange(connect(), [asked], until_closed=True).startswith(b"HTTP/1.1 400 ")


def test_a_head_that_comes_at_once_is_bounded_too(connect: Connect) -> None:
    start = b"GET /v1/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    many = b"".join(b"X-%d: b\r\n" % number for number in range(10_000))
    for size, status in ((MAX_HEAD_BYTES - 200, b"404"), (MAX_HEAD_BYTES, b"431")):
        asked = start + b"X-Long: " + b"a" * size + b"\r\n\r\n"
        assert _exchange(connect(), [asked], until_closed=True).startswith(b"HTTP/1.1 " + status)
    for large in (many, b"X-Long: " + b"a" * 200_000 + b"\r\n"):
        # What is still on its way when the server closes may take the answer with it.
        assert _flood(connect(), start + large + b"\r\n")[:12] in (b"", b"HTTP/1.1 431")


_HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
)
_SWITCHED = b"HTTP/1.1 101 "
_HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_websocket_is_spoken_at_one_path_and_only_where_nothing_else_is_sent(connect: Connect) -> None:
    whole = _HANDSHAKE + b"\r\n"
    assert _exchange(connect(), [whole]).startswith(_SWITCHED)
    assert _exchange(connect(), [whole[:70], whole[70:]]).startswith(_SWITCHED)
    doubtful = [
        whole + _HIDDEN,
        whole + b"\x81\x80\x00\x00\x00\x00",
        whole.replace(b"GET", b"POST"),
        whole.replace(b"/graphql", b"/graphql/"),
        whole.replace(b"/graphql", b"//graphql"),
        whole.replace(b"/graphql", b"/%67raphql"),
        whole.replace(b"/graphql", b"/v1/RedeemPoints"),
        whole.replace(b"Upgrade: websocket", b"Upgrade: h2c\r\nUpgrade: websocket"),
        whole.replace(b"Upgrade: websocket", b"Upgrade: websocket, h2c"),
        _HANDSHAKE + b"Content-Length: %d\r\n\r\n" % len(_HIDDEN) + _HIDDEN,
        _HANDSHAKE + b"Content-Length: 0\r\n\r\n",
        _HANDSHAKE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        _HANDSHAKE + b"Host: y\r\n\r\n",
        _HANDSHAKE + b"X-Long: " + b"a" * 20_000 + b"\r\n\r\n",
        _HANDSHAKE + b"".join(b"X-%d: b\r\n" % number for number in range(150)) + b"\r\n",
    ]
    for sent in doubtful:
        assert re.match(rb"HTTP/1\.[01] [45]\d\d ", _exchange(connect(), [sent])), sent


def test_what_stands_behind_a_handshake_is_no_request_of_the_websocket(connect: Connect) -> None:
    following = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    head = _HANDSHAKE + b"Content-Length: %d\r\n\r\n" % len(_HIDDEN)
    for pieces in ([head + _HIDDEN], [head, _HIDDEN]):
        answer = _exchange(connect(), [*pieces, following], until_closed=True)
        assert answer.count(b"HTTP/1.1 ") == 2
        assert b"alive" not in answer
        assert _SWITCHED not in answer


def test_a_handshake_behind_a_request_under_way_waits_for_nobody(connect: Connect) -> None:
    last = b"GET /docs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = _exchange(
        connect(), [b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n" + _HANDSHAKE + b"\r\n" + last], until_closed=True
    )
    assert [status[:1] for status in re.findall(rb"HTTP/1.1 (\d+) ", answer)] == [b"2", b"4", b"2"]


def test_a_websocket_on_a_connection_used_before_outlives_the_time_of_a_head(
    deployment: Deployment, connect_to_own: Connect
) -> None:
    with deployment.serving() as server:
        connection = connect_to_own()
        assert _exchange(connection, [_HIDDEN]).startswith(b"HTTP/1.1 200 ")
        assert _exchange(connection, [_HANDSHAKE + b"\r\n"]).startswith(_SWITCHED)
        # What was begun must be ended: the protocol asks for `connection_init` within ten seconds.
        assert b"\x11\x38Connection initialisation timeout" in _answer(connection)
        still_open = connect_to_own()
        assert _exchange(still_open, [_HANDSHAKE + b"\r\n"]).startswith(_SWITCHED)
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
        # 1012: the client is to come back.
        assert _answer(still_open).startswith(b"\x88\x02\x03\xf4")


def _exchange(connection: socket.socket, pieces: list[bytes], *, until_closed: bool = False) -> bytes:
    """Send pieces so that each arrives alone; the whole answer, or with `until_closed` all of them."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for number, piece in enumerate(pieces):
        if number:
            time.sleep(0.05)
        connection.sendall(piece)
    return _answer(connection) if until_closed else _one_answer(connection)


def _one_answer(connection: socket.socket) -> bytes:
    """One answer with its body, which may come behind its head."""
    received = b""
    # A server that closes before it read everything may take the rest of its answer with it.
    with suppress(ConnectionResetError):
        while not _is_whole(received) and (piece := connection.recv(65_536)):
            received += piece
    return received


def _is_whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head.lower())
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


def _memory(pid: int) -> int:
    """Kilobytes that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
