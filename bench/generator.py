"""The load generator for machines without wrk: keep-alive clients on bare sockets, in one process."""

import argparse
import asyncio
import json
import random
import sys
import time
from typing import NoReturn, cast
from urllib.parse import urlsplit

import uvloop

from bench.measure import percentile

_OK = b"HTTP/1.1 200"
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_FAILED = b'"errors"'


class _Client(asyncio.Protocol):
    """One connection: sends a request, waits for the whole answer, sends the next."""

    def __init__(self, tally: "_Tally") -> None:
        self._tally = tally
        self._buffer = b""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A stream has no other; uvloop's is not of this class.
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(_END)
        if not found:
            return
        length = int(head.lower().partition(_LENGTH)[2].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        self._tally.count(head, body, time.perf_counter() - self._sent)
        self._buffer = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tally.lose()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        if self._transport is not None and self._sent < self._tally.deadline:
            self._transport.write(self._tally.request())


class _Tally:
    """What all clients ask, and what they were answered."""

    def __init__(self, arguments: argparse.Namespace, host: str, deadline: float) -> None:
        self.deadline = deadline
        self.refused = self.lost = 0
        self.took: list[float] = []
        self._given = arguments
        self._random = random.Random(arguments.seed)
        self._count = 0
        lines = [f"POST {arguments.path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json"]
        given_token: str = arguments.token.removeprefix("-")
        lines += [f"Authorization: Bearer {given_token}"] if given_token else []
        self._head = "\r\n".join(lines)

    def request(self) -> bytes:
        given = self._given
        self._count += 1
        member = given.prefix + (str(self._random.randint(1, given.members)) if given.members else "")
        head, body = self._head, f'{{"RelationReference":"{member}"}}'
        if given.kind == "ask":
            body = given.body.replace("@member", member)
        elif given.kind == "insert":
            # As the published API has it: a purchase is told from others by its own id.
            body = self._purchase(f"{given.run}-{self._count}", member)
        elif given.kind == "redeem":
            head += f"\r\nIdempotency-Key: {given.run}-{self._count}"
            body = (
                f'{{"RelationReference":"{member}","Points":{self._random.randint(1, 100)},"Amount":1,'
                '"MerchantName":"Corner Shop","LoyaltyTxnType":30}'
            )
        return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()

    def _purchase(self, number: str, member: str) -> str:
        return json.dumps(
            {
                "transaction_id": number,
                "member_relation_reference": member,
                "transaction_type": "DR",
                "amount": f"{self._random.randint(1, 500)}.25",
                "transaction_date": time.strftime("%Y-%m-%d", time.gmtime()),
                "product_code": self._random.choice(("MUSIC", "BOOK", "FILM")),
                "quantity": self._random.randint(1, 8),
            }
        )

    def count(self, head: bytes, body: bytes, seconds: float) -> None:
        # GraphQL tells a failure with status 200.
        is_ok = head.startswith(_OK) and not (self._given.kind == "ask" and _FAILED in body)
        self.took.append(seconds)
        self.refused += not is_ok

    def lose(self) -> None:
        self.lost += time.perf_counter() < self.deadline


async def _run(arguments: argparse.Namespace) -> str:
    url = urlsplit(arguments.url)
    start = time.perf_counter()
    tally = _Tally(arguments, url.netloc, start + arguments.d)
    loop = asyncio.get_running_loop()
    for _ in range(arguments.c):
        await loop.create_connection(lambda: _Client(tally), url.hostname, url.port)
    await asyncio.sleep(tally.deadline - time.perf_counter())
    seconds = time.perf_counter() - start
    took = sorted(tally.took) or [0.0]
    return json.dumps(
        {
            "requests": len(tally.took),
            "refused": tally.refused,
            "lost": tally.lost,
            "seconds": seconds,
            "p50_ms": percentile(took, 0.5) * 1000,
            "p99_ms": percentile(took, 0.99) * 1000,
        }
    )


def main() -> NoReturn:
    """Take the same arguments as wrk does, and print the same line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", type=int)
    parser.add_argument("-d", type=int)
    for name in ("url", "path", "token", "prefix"):
        parser.add_argument(name)
    parser.add_argument("members", type=int)
    for name in ("run", "kind"):
        parser.add_argument(name)
    parser.add_argument("seed", type=int)
    parser.add_argument("body")
    arguments = parser.parse_args()
    sys.stdout.write(uvloop.run(_run(arguments)) + "\n")
    sys.exit(0)


if __name__ == "__main__":
    main()
