"""A deployment of the kit's own: a data folder that is thrown away, a database, and `tessera serve --all`."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import httpx2
from pydantic import ValidationError

from domain.store.digest import ledger_lines
from resolvers.program import apply_configuration, create_program, list_environment_programs
from resolvers.sftp_login import create_sftp_login
from tessera.data_folder import ensure_data_dir, ensure_secret_key
from tessera.locking import CommandRefused
from tessera.migration import USABLE, migrate, read_schema_state
from tessera.parity.door import Account
from tessera.runtime import Runtime, deployment_context, find_program, open_runtime, program_context, require_own_key
from tessera.settings import PREFIX, Settings, SettingsRefused, accepted_values
from tessera.sftp import open_host_keys

Result = TypeVar("Result")

_LOCAL = "127.0.0.1"
_START_LIMIT_S = 120.0
_STOP_LIMIT_S = 30.0


class Deployment:
    """A running server with the database and the folder that it works in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def new_account(self, name: str) -> Account:
        """A new program, with credentials for its API and its partner."""

        async def body(runtime: Runtime) -> Account:
            issued = await create_program(deployment_context(runtime), name)
            login = await create_sftp_login(program_context(runtime, await find_program(runtime, issued.program_id)))
            return Account(
                program_id=issued.program_id,
                base_url=f"http://{_LOCAL}:{self._settings.port}",
                client_id=issued.client_id,
                client_secret=issued.client_secret,
                sftp_port=self._settings.sftp_port,
                username=login.username,
                password=str(login.password),
                host_key=open_host_keys(self._settings)[0],
            )

        return self._run(body)

    def configure(self, account: Account, configuration: bytes) -> None:
        """Put a configuration in force, as `tessera rules apply` does. Raises ConfigurationRefused."""

        async def body(runtime: Runtime) -> None:
            program = await find_program(runtime, account.program_id)
            await apply_configuration(program_context(runtime, program), configuration)

        self._run(body)

    def ledger(self, account: Account) -> Sequence[bytes]:
        """What the program's ledger says, sorted."""

        async def body(runtime: Runtime) -> Sequence[bytes]:
            program = await find_program(runtime, account.program_id)
            return await runtime.services.db.read(lambda tx: ledger_lines(tx, program.id))

        return self._run(body)

    def prepare(self) -> None:
        """Bring the database to the newest schema. Raises CommandRefused where it has programs already."""
        migrate(self._settings)

        async def body(runtime: Runtime) -> None:
            if await read_schema_state(runtime) not in USABLE or await list_environment_programs(runtime.services):
                raise CommandRefused("The parity kit wants an empty database, and this one has programs.")
            await require_own_key(runtime)

        self._run(body)

    def _run(self, body: Callable[[Runtime], Awaitable[Result]]) -> Result:
        async def work() -> Result:
            async with open_runtime(self._settings) as runtime:
                return await body(runtime)

        # In a thread of its own: whoever calls may have an event loop that runs.
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(asyncio.run, work()).result()


@contextmanager
def running_deployment(database_url: str | None = None) -> Iterator[Deployment]:
    """A deployment that serves for as long as the context lasts; its folder, and an embedded database, go with it.

    `database_url`: an empty database to use in place of the embedded one; what was loaded stays there.
    Raises CommandRefused, SettingsRefused.
    """
    with TemporaryDirectory(prefix="tessera-parity-") as folder:
        settings = _settings(Path(folder), database_url)
        ensure_data_dir(settings)
        deployment = Deployment(settings)
        deployment.prepare()
        with _serving(settings):
            yield deployment


def _settings(folder: Path, database_url: str | None) -> Settings:
    """Settings that are the kit's own, whatever those of the caller are."""
    port, sftp_port = _free_ports(2)
    own: dict[str, Any] = {
        "_env_file": None,
        "env": "sandbox",
        "data_dir": folder / "data",
        "secret_key": secrets.token_urlsafe(48),
        "database_url": database_url or f"sqlite:///{folder / 'data' / 'tessera.db'}",
        "host": _LOCAL,
        "port": port,
        "sftp_host": _LOCAL,
        "sftp_port": sftp_port,
    }
    try:
        return Settings(**own)
    except ValidationError:
        # All else is the kit's own.
        raise SettingsRefused(f"--database-url must be {accepted_values('database_url')}.") from None


@contextmanager
def _serving(settings: Settings) -> Iterator[None]:
    log = settings.data_dir / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "tessera", "serve", "--all"],
            env=_environment(settings),
            # No `.env` of the caller is found there.
            cwd=settings.data_dir,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    try:
        _await_ready(settings, process, log)
        yield
    finally:
        _stop(process)


def _environment(settings: Settings) -> dict[str, str]:
    own = {
        "ENV": settings.env,
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.effective_database_url,
        "SECRET_KEY": ensure_secret_key(settings),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "SFTP_HOST": settings.effective_sftp_host,
        "SFTP_PORT": str(settings.sftp_port),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**kept, **{f"{PREFIX}{name}": value for name, value in own.items()}}


def _await_ready(settings: Settings, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until API and SFTP answer. Raises CommandRefused."""
    deadline = time.monotonic() + _START_LIMIT_S
    with httpx2.Client(trust_env=False, verify=False) as client:
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(httpx2.TransportError, OSError):
                ready = client.get(f"http://{_LOCAL}:{settings.port}/readyz").status_code == httpx2.codes.OK
                socket.create_connection((_LOCAL, settings.sftp_port), timeout=1).close()
                if ready:
                    return
            time.sleep(0.1)
    told = log.read_text(errors="replace").strip().splitlines()[-5:]
    raise CommandRefused("\n".join(["The server of the parity kit did not start:", *told]))


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, found by holding all of them at once."""
    held = [socket.create_server((_LOCAL, 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports
