"""Running commands in tests: in this process where that is enough, else as a person would."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from typer.testing import CliRunner

from tessera.cli import app
from tests.ports import free_port
from tests.servers import NO_CERTIFICATES
from tests.warm import WarmProcess

START_LIMIT_S = 180.0

_SOURCE = str(Path(__file__).parents[2])
# Nothing is wrapped on a terminal as wide as this.
_WIDE = {"COLUMNS": "300"}


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)


def run_command(folder: Path, settings: dict[str, str], *arguments: str, standard_input: str | None = None) -> Outcome:
    """Run a command in this process, in a folder and with settings of its own."""
    with chdir(folder):
        result = CliRunner().invoke(app, arguments, input=standard_input, env=settings | _WIDE)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


@dataclass(frozen=True)
class Deployment:
    """A data folder, a database and a port: what the settings of one deployment say."""

    folder: Path
    settings: dict[str, str]

    def run(self, *arguments: str, standard_input: str | None = None, **extra: str) -> Outcome:
        """Run a command in this process, with `extra` settings."""
        return run_command(self.folder, self.settings | extra, *arguments, standard_input=standard_input)

    def start(self, *arguments: str, **extra: str) -> WarmProcess:
        """Start `tessera` in a process of its own."""
        return WarmProcess(arguments, env=self._environment(extra), cwd=self.folder)

    def end(self, *arguments: str, **extra: str) -> Outcome:
        """Run a command to its end as a person starts it, with all that Python has to import."""
        done = subprocess.run(
            [sys.executable, "-m", "tessera", *arguments],
            env=self._environment(extra),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def _environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": _SOURCE, **self.settings, **extra}

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is the embedded one."""
        return self.settings.get("TESSERA_DATABASE_URL", "sqlite").startswith("sqlite")

    @property
    def base_url(self) -> str:
        """Where its server listens."""
        return f"http://127.0.0.1:{self.settings['TESSERA_PORT']}"

    @contextmanager
    def serving(self, *arguments: str) -> Iterator[WarmProcess]:
        """Run a server until the context ends; it is ready when this returns."""
        process = self.start(*(arguments or ("serve",)))
        try:
            self._await_ready(process)
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """The answer to a GET."""
        return httpx2.get(self.base_url + path, headers=headers, timeout=10, verify=NO_CERTIFICATES)

    def _await_ready(self, process: WarmProcess) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise AssertionError(f"the server ended with {process.returncode}: {process.communicate()}")
            with suppress(httpx2.TransportError):
                if self.get("/readyz").status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError("the server is not ready")


def new_deployment(folder: Path, **settings: str) -> Deployment:
    """A deployment in a folder of its own, on a port of its own."""
    fixed = {"TESSERA_DATA_DIR": str(folder / "data"), **free_ports()}
    return Deployment(folder=folder, settings=fixed | settings)


def free_ports() -> dict[str, str]:
    """The settings of the ports that a deployment listens on."""
    return {name: str(free_port()) for name in ("TESSERA_PORT", "TESSERA_SFTP_PORT")}
