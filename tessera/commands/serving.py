"""`serve`, `worker`, `sftp`: the processes of a deployment."""

import asyncio
import signal
from collections.abc import Callable
from typing import Annotated

import structlog
import typer

from domain.errors import ServiceUnavailable
from resolvers.administrator_link import offer_setup
from tessera.commands.administrator import link_url
from tessera.console import begin, show
from tessera.locking import CommandRefused, only_server
from tessera.memory import FILE_OBJECTS, settle_memory
from tessera.migration import SENTENCES, USABLE, SchemaState, migrate, read_schema_state
from tessera.runtime import deployment_context, open_runtime, require_own_key
from tessera.settings import Settings, load_settings

_log = structlog.get_logger()


def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen; default TESSERA_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; default TESSERA_PORT.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Server processes; more than one needs PostgreSQL.")] = 1,
    everything: Annotated[bool, typer.Option("--all", help="Also the SFTP server and the batch worker.")] = False,
) -> None:
    """Serve API, GraphQL and documentation, with the background jobs."""
    begin()
    settings = load_settings(host=host, port=port)
    if workers > 1:
        _refuse_sqlite(settings, "--workers must be 1")
    with only_server(settings):
        if settings.sqlite_file is None:
            # There an upgrade is a step of its own, beside processes of the version before.
            _require_schema(settings)
        else:
            ensure_schema(settings)
            asyncio.run(_require_key(settings))
        welcome = _offer_setup(settings)
        serve_settings(
            settings, workers=workers, everything=everything, on_started=lambda: _announce(settings, welcome)
        )


def worker() -> None:
    """Take files and run the background jobs, as a process of its own, on PostgreSQL."""
    settings = begin()
    _refuse_sqlite(settings, "`tessera worker` would be a second one")
    _require_schema(settings)
    asyncio.run(_work(settings))


def sftp(
    host: Annotated[str | None, typer.Option(help="Where to listen; default TESSERA_SFTP_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; default TESSERA_SFTP_PORT.")] = None,
) -> None:
    """Run the SFTP server as a process of its own, on PostgreSQL."""
    begin()
    settings = load_settings(sftp_host=host, sftp_port=port)
    _refuse_sqlite(settings, "`tessera sftp` would be a second one, and `tessera serve --all` has the SFTP server")
    _require_schema(settings)
    asyncio.run(_serve_sftp(settings))


def serve_settings(settings: Settings, *, workers: int, everything: bool, on_started: Callable[[], None]) -> None:
    """Serve a prepared database until stopped. Raises CommandRefused."""
    # Importing both edges takes a moment, which a refused start need not spend.
    from tessera.server import serve_until_stopped

    serve_until_stopped(settings, workers=workers, everything=everything, on_started=on_started)


def ensure_schema(settings: Settings) -> None:
    """Bring the database to the newest schema unless it stands there. Raises CommandRefused, ServiceUnavailable."""
    file = settings.sqlite_file
    if (file is not None and not file.exists()) or find_schema_state(settings) not in USABLE:
        migrate(settings)


def find_schema_state(settings: Settings) -> SchemaState:
    """How the schema of an existing database stands. Raises CommandRefused, ServiceUnavailable."""

    async def read() -> SchemaState:
        async with open_runtime(settings, read_only=True) as runtime:
            return await read_schema_state(runtime)

    return asyncio.run(read())


def _require_schema(settings: Settings) -> None:
    """Refuse an unusable schema; a database that is away may come back, and /readyz tells."""
    try:
        state = find_schema_state(settings)
    except ServiceUnavailable:
        _log.warning("the database cannot be reached; starting all the same", database=settings.shown_database_url)
        return
    if state not in USABLE:
        raise CommandRefused(SENTENCES[state])
    asyncio.run(_require_key(settings))


async def _require_key(settings: Settings) -> None:
    async with open_runtime(settings) as runtime:
        await require_own_key(runtime)


def _refuse_sqlite(settings: Settings, consequence: str) -> None:
    if settings.sqlite_file is not None:
        raise CommandRefused(
            f"SQLite has one writer, so one process serves it: {consequence}. Set TESSERA_DATABASE_URL to a "
            "PostgreSQL for several processes."
        )


async def _work(settings: Settings) -> None:
    from ingestion.worker import taking_files
    from tessera.jobs import file_jobs, jobs_with_files, running_jobs, watching_jobs
    from tessera.lane import lanes_beside
    from tessera.metrics_page import serving_metrics

    stop = _stop_signal()
    async with (
        open_runtime(settings, serving=True) as runtime,
        serving_metrics(runtime),
        running_jobs(
            runtime.services,
            (*jobs_with_files(settings.data_dir), *watching_jobs(settings), *file_jobs(settings)),
        ),
        taking_files(runtime.services, settings.data_dir, lanes=lanes_beside(settings)),
    ):
        settle_memory(FILE_OBJECTS)
        _log.info("working", database=settings.shown_database_url)
        await stop.wait()


async def _serve_sftp(settings: Settings) -> None:
    from tessera.metrics_page import serving_metrics
    from tessera.sftp import bind_sftp, running_sftp

    stop, listener = _stop_signal(), bind_sftp(settings)
    async with (
        open_runtime(settings, serving=True) as runtime,
        serving_metrics(runtime),
        running_sftp(settings, runtime.services, listener),
    ):
        await stop.wait()


def _stop_signal() -> asyncio.Event:
    """What SIGTERM and SIGINT set."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    return stop


def _offer_setup(settings: Settings) -> str | None:
    """Where the first administrator makes itself, until there is one; for whoever looks on, and for no log."""
    if settings.log_format == "json":
        return None

    async def offer() -> str | None:
        async with open_runtime(settings) as runtime:
            link = await offer_setup(deployment_context(runtime))
            return None if link is None else link_url(settings, link)

    try:
        link = asyncio.run(offer())
    except ServiceUnavailable:
        _log.warning("the database cannot be reached; `tessera administrator setup` gives the first link later")
        return None
    return None if link is None else f"Nobody administers this deployment yet. Once, within a day: {link}"


def _announce(settings: Settings, welcome: str | None) -> None:
    _log.info("serving", url=f"http://{settings.host}:{settings.port}", environment=settings.env)
    if welcome is not None:
        show(welcome)
