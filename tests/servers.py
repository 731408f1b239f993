"""`tessera serve` as processes of their own."""

import asyncio
import os
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resolvers.program import apply_configuration, create_program
from tessera.runtime import deployment_context, find_program, open_runtime, program_context, require_own_key
from tessera.settings import PREFIX, Settings
from tests.ports import free_port
from tests.warm import WarmProcess

STARTUP_LIMIT_S = 60.0
SHUTDOWN_LIMIT_S = 30.0
# Books of a long campaign take a busy machine minutes.
COMMAND_LIMIT_S = 600.0
# Servers here speak plain HTTP. Without this each new client, and each request made without one, would first read the
# machine's certificates, which takes a third of a processor from a server that is waited for.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
SECRET = "one secret for all servers of a test, 32 characters"

CONFIGURATION = b"""
version: 1
program: {time_zone: UTC}
product_codes: [{code: PLAIN}]
rule_groups:
  - name: Spend
    rules:
      - {name: A point for a unit, award: {type: per_unit, of: transaction.amount, points: 1, per: 1}}
"""


class ServerError(RuntimeError):
    """A server or a command did not do what it was started for; the message holds what it wrote."""


class Deployment:
    """A database with the data folder and secret that its servers and commands share."""

    def __init__(self, database_url: str, data_dir: Path, **settings: str) -> None:
        self.database_url = database_url
        self.data_dir = data_dir
        self._settings = {f"{PREFIX}{name.upper()}": value for name, value in settings.items()}

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process, without settings of whoever runs the tests."""
        return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)} | self._own

    @property
    def _own(self) -> dict[str, str]:
        return {
            f"{PREFIX}DATABASE_URL": self.database_url,
            f"{PREFIX}DATA_DIR": str(self.data_dir),
            f"{PREFIX}SECRET_KEY": SECRET,
            **self._settings,
        }

    def command(self, *arguments: str, expect: int | None = 0) -> str:
        """Run `tessera` with these arguments and give what it printed. Raises ServerError."""
        process = WarmProcess(arguments, env=self.environment, cwd=self.data_dir)
        out, messages = process.communicate(COMMAND_LIMIT_S)
        if expect is not None and process.returncode != expect:
            raise ServerError(f"tessera {arguments} ended with {process.returncode}:\n{out}{messages}")
        return out

    def create_program(self, name: str, configuration: bytes) -> "Credentials":
        """A program with its configuration, as `program create` and `rules apply` make it.

        In this process, where each of the two commands would take a second to start.
        """
        own: dict[str, Any] = {name.removeprefix(PREFIX).lower(): value for name, value in self._own.items()}
        own["_env_file"] = None

        async def create() -> Credentials:
            async with open_runtime(Settings(**own)) as runtime:
                await require_own_key(runtime)
                issued = await create_program(deployment_context(runtime), name)
                program = await find_program(runtime, issued.program_id)
                await apply_configuration(program_context(runtime, program), configuration)
            return Credentials(issued.program_id, issued.client_id, issued.client_secret)

        # In a thread of its own, because a test may call this while its event loop runs.
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(asyncio.run, create()).result()


@dataclass(frozen=True)
class Credentials:
    """What a program's own servers know."""

    program_id: int
    client_id: str
    client_secret: str


class Server:
    """One serving process, which can be stopped, killed and started again on the same port."""

    def __init__(self, deployment: Deployment, name: str = "server", *options: str) -> None:
        self._options = options
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._deployment = deployment
        self._log = deployment.data_dir / f"{name}.log"
        self._process: WarmProcess | None = None

    def start(self) -> None:
        """Start it and wait until it is ready. Raises ServerError."""
        with self._log.open("ab") as log:
            arguments = ("serve", "--port", str(self.port), *self._options)
            environment, folder = self._deployment.environment, self._deployment.data_dir
            self._process = WarmProcess(arguments, env=environment, cwd=folder, out=log)
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
    def pid(self) -> int:
        """The process that was started. Raises ServerError."""
        if self._process is None:
            raise ServerError("this server is not running")
        return self._process.pid

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
        process, self._process = self._process, None
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


@contextmanager
def running_servers(deployment: Deployment, count: int = 1) -> Iterator[list[Server]]:
    """Servers on one database for as long as the context lasts."""
    with ExitStack() as stack:
        servers = [Server(deployment, f"server-{number}") for number in range(count)]
        for server in servers:
            stack.callback(server.kill)
            server.start()
        yield servers
