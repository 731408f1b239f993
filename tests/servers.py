"""`tessera serve` as processes of their own, and callers that speak REST to them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.postgres import free_port

STARTUP_LIMIT_S = 60.0
SHUTDOWN_LIMIT_S = 30.0
SECRET = "one secret for all servers of a test, 32 characters"


class ServerError(RuntimeError):
    """A server or a command did not do what it was started for; the message holds what it wrote."""


class Deployment:
    """A database with the data folder and secret that its servers and commands share."""

    def __init__(self, database_url: str, data_dir: Path) -> None:
        self.database_url = database_url
        self.data_dir = data_dir

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process, without settings of whoever runs the tests."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("TESSERA_")}
        return own | {
            "TESSERA_DATABASE_URL": self.database_url,
            "TESSERA_DATA_DIR": str(self.data_dir),
            "TESSERA_SECRET_KEY": SECRET,
        }

    def command(self, *arguments: str, expect: int | None = 0) -> str:
        """Run `tessera` with these arguments and give what it printed. Raises ServerError."""
        done = subprocess.run(
            [sys.executable, "-m", "tessera", *arguments],
            env=self.environment,
            cwd=self.data_dir,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if expect is not None and done.returncode != expect:
            raise ServerError(f"tessera {arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def create_program(self, name: str, configuration: bytes) -> "Credentials":
        """A program with its configuration, through the command line."""
        issued = json.loads(self.command("program", "create", name, "--json"))
        file = self.data_dir / f"{name}.yaml"
        file.write_bytes(configuration)
        self.command("rules", "apply", str(file), "--program", str(issued["program_id"]))
        return Credentials(issued["program_id"], issued["client_id"], issued["client_secret"])


@dataclass(frozen=True)
class Credentials:
    """What a program's own servers know."""

    program_id: int
    client_id: str
    client_secret: str


class Server:
    """One serving process, which can be stopped, killed and started again on the same port."""

    def __init__(self, deployment: Deployment, name: str = "server") -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._deployment = deployment
        self._log = deployment.data_dir / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready. Raises ServerError."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tessera", "serve", "--port", str(self.port)],
                env=self._deployment.environment,
                cwd=self._deployment.data_dir,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._guard = _guard(self._process.pid)
        deadline = time.monotonic() + STARTUP_LIMIT_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerError(f"tessera serve does not start:\n{self.log_tail()}")
            time.sleep(0.05)

    def stop(self) -> int:
        """Ask it to end, as a service manager does; its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it and all that it started as `kill -9` does, wherever they are."""
        self._end(signal.SIGKILL)

    @property
    def is_running(self) -> bool:
        """Whether the process that was started still lives."""
        return self._process is not None and self._process.poll() is None

    def log_tail(self) -> str:
        """The end of what it wrote."""
        return self._log.read_text(errors="replace")[-4000:]

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310 - our own
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def _end(self, how: signal.Signals) -> int:
        process, guard, self._process, self._guard = self._process, self._guard, None, None
        if process is None:
            return 0
        if process.poll() is None:
            # The whole group on a kill, because a server may have started processes of its own.
            os.killpg(process.pid, how) if how is signal.SIGKILL else process.send_signal(how)
        try:
            return process.wait(SHUTDOWN_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise ServerError(f"tessera serve does not stop:\n{self.log_tail()}") from None
        finally:
            if guard is not None:
                guard.kill()
                guard.communicate()


@contextmanager
def running_servers(deployment: Deployment, count: int = 1) -> Iterator[list[Server]]:
    """Servers on one database for as long as the context lasts."""
    with ExitStack() as stack:
        servers = [Server(deployment, f"server-{number}") for number in range(count)]
        for server in servers:
            stack.callback(server.kill)
            server.start()
        yield servers


@dataclass(frozen=True)
class Answer:
    """An answer of the REST API with its envelope."""

    status: int
    headers: Mapping[str, str]
    envelope: Mapping[str, Any]

    @property
    def code(self) -> str:
        """The catalogued code: 000 for success."""
        return str(self.envelope["ErrorCode"])

    @property
    def value(self) -> Any:
        """What the operation returned."""
        return self.envelope["ReturnObject"]

    @property
    def is_replay(self) -> bool:
        """Whether it is the answer that an earlier request with the same key was given."""
        return self.headers.get("idempotency-replayed") == "true"


class Caller:
    """A program's own server: holds a token and calls Tessera."""

    def __init__(self, client: httpx2.AsyncClient, credentials: Credentials) -> None:
        self.client = client
        self._credentials = credentials

    async def authenticate(self) -> None:
        """Get a token. Raises ServerError."""
        answer = await self.client.post(
            "/oauth/Auth/Token",
            json={
                "grant_type": "client_credentials",
                "client_id": self._credentials.client_id,
                "client_secret": self._credentials.client_secret,
            },
        )
        if answer.status_code != 200:
            raise ServerError(f"no token: {answer.status_code} {answer.text}")
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    @property
    def token(self) -> str:
        """The token that it calls with."""
        return str(self.client.headers["Authorization"]).removeprefix("Bearer ")

    async def post(self, operation: str, body: Mapping[str, Any], key: str | None = None) -> Answer:
        """Call an operation of `/v1`. Raises httpx2.TransportError where no whole answer comes."""
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = await self.client.post(f"/v1/{operation}", json=body, headers=headers)
        return Answer(answer.status_code, answer.headers, answer.json())

    async def enroll(self, member: str) -> None:
        """Enrol an active member."""
        await self._expect("CreateProfileWithAttributes", {"relation_reference": member, "status": "1"})

    async def earn(self, member: str, points: int, transaction_id: str) -> None:
        """Let a member earn points, one for each unit of the amount."""
        await self._expect(
            "InsertTransactionData",
            {
                "transaction_id": transaction_id,
                "transaction_type": "DR",
                "amount": points,
                "transaction_date": time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400)),
                "product_code": "PLAIN",
                "member_relation_reference": member,
            },
        )

    async def redeem(self, member: str, points: int, key: str | None = None) -> Answer:
        """Redeem points of a member at the one merchant of these tests."""
        body = {"RelationReference": member, "Points": points, "Amount": points, "MerchantName": MERCHANT}
        return await self.post("RedeemPoints", body | {"LoyaltyTxnType": 30}, key)

    async def reverse(self, member: str, reference: str, key: str | None = None) -> Answer:
        """Reverse a redemption."""
        body = {"RelationReference": member, "MerchantName": MERCHANT, "ExternalReference": reference}
        return await self.post("ReversalPoints", body, key)

    async def available(self, member: str) -> int:
        """The points that a member may redeem."""
        return int((await self._expect("CheckAvailability", {"RelationReference": member})).value)

    async def _expect(self, operation: str, body: Mapping[str, Any]) -> Answer:
        answer = await self.post(operation, body)
        if answer.code != "000":
            raise ServerError(f"{operation} {body}: {answer.status} {answer.envelope}")
        return answer


MERCHANT = "Shop"

CONFIGURATION = b"""
version: 1
program: {time_zone: UTC}
product_codes: [{code: PLAIN}]
rule_groups:
  - name: Spend
    rules:
      - {name: A point for a unit, award: {type: per_unit, of: transaction.amount, points: 1, per: 1}}
"""


@asynccontextmanager
async def callers(
    servers: Sequence[Server], credentials: Credentials, timeout_s: float = 60.0
) -> AsyncIterator[list[Caller]]:
    """A caller for each server, each with a token."""
    clients = [
        httpx2.AsyncClient(
            base_url=server.url, timeout=timeout_s, trust_env=False, limits=httpx2.Limits(max_connections=100)
        )
        for server in servers
    ]
    try:
        result = [Caller(client, credentials) for client in clients]
        await asyncio.gather(*(caller.authenticate() for caller in result))
        yield result
    finally:
        for client in clients:
            await client.aclose()


def _guard(pid: int) -> subprocess.Popen[bytes]:
    """A process that ends the server's group when we are gone without having stopped it."""
    return subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _; kill -KILL "-$1"', "guard", str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
