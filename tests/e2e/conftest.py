"""A server with one program, and the place where foreign tools are put."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rest.world import CONFIGURATION
from tests.servers import Credentials, Deployment, Server

SOURCE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Served:
    """A server, the credentials of its program, and its OpenAPI document in a file."""

    url: str
    credentials: Credentials
    openapi: Path


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


def run(*command: str, cwd: Path) -> str:
    """Run a foreign program and give what it printed; its complaint is the failure of the test."""
    # A tool that is missing fails here and loudly: `make e2e` skips nothing.
    assert shutil.which(command[0]), f"{command[0]} is not on this machine, and `make e2e` needs it"
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def uv() -> str:
    """The uv of the environment that the tests run in."""
    return str(Path(sys.executable).with_name("uv"))
