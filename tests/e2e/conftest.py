"""Servers with one program, and the place where foreign tools are put."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.callers import callers
from tests.e2e.programs import Packages, run
from tests.rest.world import CONFIGURATION
from tests.servers import CONFIGURATION as SMALL
from tests.servers import Credentials, Deployment, Server, running_servers

SOURCE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Served:
    """A server, the credentials of its program, and its OpenAPI document in a file."""

    url: str
    credentials: Credentials
    openapi: Path


@dataclass(frozen=True)
class Rich:
    """A server with members who have points, and the token of its program."""

    url: str
    token: str
    members: tuple[str, ...]

    @property
    def graphql(self) -> str:
        """The address of GraphQL."""
        return f"{self.url}/graphql"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on an embedded database."""
    folder = tmp_path_factory.mktemp("served")
    deployment = Deployment(f"sqlite+aiosqlite:///{folder / 'tessera.db'}", folder)
    deployment.command("db", "upgrade")
    credentials = deployment.create_program("Shop", CONFIGURATION.encode())
    server = Server(deployment)
    server.start()
    try:
        document = folder / "openapi.json"
        run("curl", "--silent", "--fail", f"{server.url}/openapi.json", "--output", str(document), cwd=folder)
        yield Served(server.url, credentials, document)
    finally:
        server.stop()


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rich]:
    """A server as it runs in production, with what `tessera serve` starts there and nothing allowed besides."""
    with _rich(tmp_path_factory.mktemp("production"), env="production") as rich:
        yield rich


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rich]:
    """A server that shows its schema."""
    with _rich(tmp_path_factory.mktemp("sandbox")) as rich:
        yield rich


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """Stock clients for Node."""
    return Packages("clients", tmp_path_factory.mktemp("node"))


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """Linters and compilers that read the schema."""
    return Packages("tools", tmp_path_factory.mktemp("node"))


@pytest.fixture(scope="session")
def codegen(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """The generator of typed documents, with the compiler that reads them."""
    return Packages("codegen", tmp_path_factory.mktemp("node"))


@contextmanager
def _rich(folder: Path, **settings: str) -> Iterator[Rich]:
    deployment = Deployment(f"sqlite+aiosqlite:///{folder / 'tessera.db'}", folder, **settings)
    deployment.command("db", "upgrade")
    credentials = deployment.create_program("Shop", SMALL)
    with running_servers(deployment) as [server]:
        members = ("M-1", "M-2")
        yield Rich(server.url, asyncio.run(_enriched(server, credentials, members)), members)


async def _enriched(server: Server, credentials: Credentials, members: tuple[str, ...]) -> str:
    async with callers([server], credentials) as [caller]:
        for reference in members:
            await caller.enroll(reference)
            await caller.earn(reference, 1_000, f"of {reference}")
        return caller.token
