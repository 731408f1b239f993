"""What is measured, made ready: databases, the product's server, the floors' programs."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from bench import bare_stack
from bench.load import load
from bench.measure import RoundVoid
from bench.population import Past
from bench.rules import configuration
from domain.migrations import upgrade
from tests.ports import free_port
from tests.postgres import LocalPostgres, find_binaries, running_postgres
from tests.servers import SECRET, Credentials, Deployment

# As a server is set up that is to be measured, not started from a box: memory, and log for half an hour.
_POSTGRES = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "min_wal_size": "2GB",
    "checkpoint_timeout": "30min",
}
_STARTUP_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Subject:
    """A loaded database with the credentials of its program; `postgres` is the server it is in, if any."""

    deployment: Deployment
    credentials: Credentials
    postgres: LocalPostgres | None

    @property
    def dsn(self) -> str:
        """The plain URL of the PostgreSQL database."""
        url = make_url(self.deployment.database_url).set(drivername="postgresql")
        return url.render_as_string(hide_password=False)


@dataclass(frozen=True, slots=True)
class Serving:
    """A server process that takes requests."""

    url: str
    pid: int


@contextmanager
def postgres_subject(pasts: Sequence[Past], *, aggregates: int = 5) -> Iterator[Subject]:
    """Durable PostgreSQL with these members, and the table of the bare stack."""
    with running_postgres(durable=True, settings=_POSTGRES) as server, _folder() as folder:
        subject = _loaded(server.create_database("bench"), folder, pasts, server, aggregates)
        for statement in (*bare_stack.SCHEMA.split(";"), "CHECKPOINT"):
            ask(subject, statement)
        yield subject


@contextmanager
def sqlite_subject(pasts: Sequence[Past]) -> Iterator[Subject]:
    """The embedded database with these members."""
    with _folder() as folder:
        yield _loaded(f"sqlite+aiosqlite:///{folder / 'tessera.db'}", folder, pasts, None)


def _loaded(
    url: str, folder: Path, pasts: Sequence[Past], server: LocalPostgres | None, aggregates: int = 5
) -> Subject:
    deployment = Deployment(url, folder)
    upgrade(url)
    credentials = deployment.create_program("bench", json.dumps(configuration(aggregates=aggregates)).encode())
    load(url, SECRET, pasts)
    return Subject(deployment, credentials, server)


@contextmanager
def product(subject: Subject) -> Iterator[Serving]:
    """One `tessera serve` worker, as it is shipped."""
    port = free_port()
    command = [sys.executable, "-m", "tessera", "serve", "--port", str(port)]
    with served(command, subject.deployment.environment, subject.deployment.data_dir, port) as serving:
        yield serving


@contextmanager
def bare(subject: Subject) -> Iterator[Serving]:
    """Floor (a)."""
    with uvicorn_worker("bench.bare_stack:app", {bare_stack.URL_VARIABLE: subject.dsn}) as serving:
        yield serving


@contextmanager
def uvicorn_worker(app: str, environment: Mapping[str, str], *more: str) -> Iterator[Serving]:
    """One uvicorn worker with the options that the product's server has."""
    port = free_port()
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--no-server-header"]
    options += ["--no-proxy-headers", "--timeout-keep-alive", "75", "--log-level", "warning", *more]
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), *options]
    with served(command, os.environ | environment, Path.cwd(), port) as serving:
        yield serving


def token(serving: Serving, credentials: Credentials) -> str:
    """A token of the program."""
    body = {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
    }
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{serving.url}/oauth/Auth/Token", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
        return str(json.loads(answer.read())["access_token"])


def tool(name: str) -> str | None:
    """A program of PostgreSQL: beside the server's own, or on the path."""
    folder = find_binaries()
    beside = folder / name if folder is not None else None
    return str(beside) if beside is not None and beside.exists() else shutil.which(name)


def ask(subject: Subject, statement: str) -> Any:
    """The single value that a statement of the PostgreSQL database gives."""

    async def fetch() -> Any:
        connection = await asyncpg.connect(subject.dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(fetch())


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as name:
        yield Path(name)


@contextmanager
def served(command: Sequence[str], environment: Mapping[str, str], folder: Path, port: int) -> Iterator[Serving]:
    """A process that takes requests on this port of ours. Raises RoundVoid where it does not start."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + _STARTUP_LIMIT_S
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise RoundVoid(f"{' '.join(command[1:3])} does not start:\n{log.read()[-4000:]}")
                time.sleep(0.05)
            yield Serving(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
