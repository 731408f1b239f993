"""What a polite client notices while others send hostile GraphQL documents: its own latency, beside that without them.

`python -m bench.hostile URL KIND` is the hostile side, a process of its own until its input ends, so that the two share
nothing but the machine and the server.
"""

import asyncio
import http.client
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from bench.measure import Measured, RoundVoid, percentile
from bench.population import Past
from bench.report import Floor, Line, announce
from bench.scale import Scale
from bench.subject import Serving, product, sqlite_subject, token
from bench.turn import PREFIX

ATTACKERS = 4
LEAST_SECONDS = 2
MEMBERS = 100
MOST = 6.0
"""How many times slower half of a polite client's requests may be: four attackers in front of it, and then some."""

HOME_SCREEN = """query Home($r: String) {member(reference: $r) {
    fullName status tier {name} balance {available nextExpiryAt}
    ledger(first: 10) {edges {node {transactionDate narration points}} pageInfo {hasNextPage endCursor}}}}"""

_numbers = itertools.count()


def _doubling(levels: int) -> str:
    steps = " ".join(f"fragment F{one} on Member {{...F{one + 1} ...F{one + 1}}}" for one in range(levels))
    return f"{{me {{...F0}}}} {steps} fragment F{levels} on Member {{id}}"


def _largest() -> str:
    """About the dearest that is accepted, another each time."""
    fragments = [f"F{one}" for one in range(90)]
    spreads = " ".join(f"...{one}" for one in fragments)
    fields = "balance {available} tier {name}", "relationReference status", "ledger(first: 1) {edges {cursor}}"
    parts = (f"fragment {one} on Member {{{fields[number % 3]}}}" for number, one in enumerate(fragments[:60]))
    rest = (f"fragment {one} on Member {{}}" for one in fragments[60:])
    return f"query Q{next(_numbers)} {{me {{{spreads}}}}} {' '.join((*parts, *rest))}"


def _said(document: str) -> bytes:
    return json.dumps({"query": document}).encode()


ATTACKS: Mapping[str, Callable[[], bytes]] = {
    "2^80 fields in doubling fragments": lambda: _said(_doubling(80)),
    "10,000 aliases": lambda: _said("{" + " ".join(f"a{one}: __typename" for one in range(10_000)) + "}"),
    "nested too deep": lambda: _said("{me " + "{ledger {edges {node {member " * 100 + "{id}" + "}}}}" * 100 + "}"),
    "fragments in a circle": lambda: _said("{me {...A}} fragment A on Member {...B} fragment B on Member {...A}"),
    "repeated directives": lambda: _said("{me {id " + "@include(if: true) " * 300 + "}}"),
    "a list of half a million values": lambda: (
        b'{"query": "{__typename}", "variables": {"a": [' + b"1," * 500_000 + b"1]}}"
    ),
    "5 MB": lambda: _said("{me {" + "id " * 1_700_000 + "}}"),
    "a million blanks": lambda: _said("{__typename" + " " * 1_000_000 + "}"),
    "types of types of types": lambda: _said("{__schema {types {fields {type {fields {type {fields {name}}}}}}}}"),
    "unknown fields": lambda: _said(f"{{{' '.join(f'membr{one}' for one in range(390))}}}"),
    "the largest that is accepted": lambda: _said(_largest()),
}


def measure_hostile(scale: Scale) -> list[Line]:
    """A polite client alone, and beside each kind of hostile ones."""
    pasts = [Past(f"{PREFIX}{number}") for number in range(1, MEMBERS + 1)]
    seconds = max(LEAST_SECONDS, scale.seconds // 2)
    with sqlite_subject(pasts) as subject, product(subject) as serving:
        bearer = token(serving, subject.credentials)
        _be_polite(serving, bearer, 1)
        alone, lines = [_be_polite(serving, bearer, seconds)], []
        for kind in ATTACKS:
            announce(f"hostile: {kind}")
            beside = _beside(serving, bearer, kind, seconds)
            alone.append(_be_polite(serving, bearer, seconds))
            floor = Floor("alone", alone[-2:], most=MOST)
            lines.append(Line("hostile", f"home screen, {ATTACKERS} others: {kind}", [beside], [floor]))
    return lines


def _beside(serving: Serving, bearer: str, kind: str, seconds: int) -> Measured:
    command = [sys.executable, "-m", "bench.hostile", serving.url, kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as attack:
        assert attack.stdout is not None  # noqa: S101 - it is piped
        begun = attack.stdout.readline()
        found = _be_polite(serving, bearer, seconds)
        # It goes on as long as its input is open.
        told, _ = attack.communicate()
    if attack.returncode or not begun or not int(told):
        raise RoundVoid(f"the hostile clients failed: {kind}")
    announce(f"{int(told):,} were answered")
    return found


def _be_polite(serving: Serving, bearer: str, seconds: int) -> Measured:
    """One client that waits for each answer; all must be good."""
    url = urlsplit(serving.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
    headers = {"content-type": "application/json", "authorization": f"Bearer {bearer}"}
    took, start = [], time.perf_counter()
    for number in itertools.count():
        begun = time.perf_counter()
        if begun - start > seconds:
            break
        variables = {"r": f"{PREFIX}{number % MEMBERS + 1}"}
        connection.request("POST", "/graphql", json.dumps({"query": HOME_SCREEN, "variables": variables}), headers)
        answer = json.loads(connection.getresponse().read())
        if "errors" in answer:
            raise RoundVoid(f"the polite client was refused: {answer}")
        took.append(time.perf_counter() - begun)
    connection.close()
    ordered = sorted(took)
    return Measured(
        operations=len(took),
        seconds=time.perf_counter() - start,
        p50_ms=percentile(ordered, 0.5) * 1000,
        p99_ms=percentile(ordered, 0.99) * 1000,
    )


async def _attack(url: str, kind: str) -> int:
    """Send the same kind again and again, each attacker as fast as it is answered, until told to end; how often."""
    address = urlsplit(url)
    answered: list[bytes] = []
    attackers = [
        asyncio.create_task(_attacker(address.hostname or "", address.port or 80, ATTACKS[kind], answered))
        for _ in range(ATTACKERS)
    ]
    while not answered:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    for one in attackers:
        one.cancel()
    await asyncio.gather(*attackers, return_exceptions=True)
    return len(answered)


async def _attacker(host: str, port: int, make: Callable[[], bytes], answered: list[bytes]) -> None:
    while True:
        reader, writer = await asyncio.open_connection(host, port)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                body = make()
                head = f"POST /graphql HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
                writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                answer = await reader.readuntil(b"\r\n\r\n")
                length = int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
                await reader.readexactly(length)
                answered.append(answer[:12])
        # Cut off is an answer as well.
        answered.append(b"closed")
        writer.close()


if __name__ == "__main__":
    sys.stdout.write(str(asyncio.run(_attack(sys.argv[1], sys.argv[2]))))
