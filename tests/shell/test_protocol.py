"""Connections that never become a request end, and take little until then."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tessera.protocol import HEAD_LIMIT_S, MAX_HEAD_BYTES
from tests.shell.command import Deployment

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


Connect = Callable[[], socket.socket]


@pytest.fixture
def connect(deployment: Deployment) -> Iterator[Connect]:
    """Opens connections to the server, which end with the test."""
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


def test_heads_are_bounded_in_size_and_time(deployment: Deployment, connect: Connect) -> None:
    with deployment.serving() as server:
        silent, slow, stray = (connect() for _ in range(3))
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        stray.sendall(b"\r\n")
        before = _memory(server.pid)
        for start in (b"GET /v1/", b"GET /v1/x HTTP/1.1\r\nX-Long: "):
            connection = connect()
            connection.sendall(start)
            assert _flood(connection, b"a" * 1_000_000)[:12] in (b"", b"HTTP/1.1 431")
        just_over = connect()
        just_over.sendall(b"GET /v1/" + b"a" * MAX_HEAD_BYTES)
        assert _answer(just_over).startswith(b"HTTP/1.1 431 ")
        assert _memory(server.pid) - before < 20_000
        assert [_answer(each) for each in (silent, slow, stray)] == [b"", b"", b""]
        assert deployment.get("/healthz").status_code == 200


def test_a_head_in_pieces_and_a_connection_used_again_are_served(deployment: Deployment, connect: Connect) -> None:
    with deployment.serving():
        connection = connect()
        for _ in range(2):
            for piece in (b"POST /v1/RedeemPoints HTTP/1.1\r\nHost", b": x\r\nContent-Length: 2\r\n\r\n", b"{}"):
                connection.sendall(piece)
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 401 ")


def _memory(pid: int) -> int:
    """Kilobytes that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
