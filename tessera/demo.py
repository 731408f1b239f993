"""The demo program: real purchases become members, points and statements through the file path."""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from ingestion.inspection import inspect_file
from ingestion.load import Report, load_file
from resolvers.administrator_link import offer_setup
from resolvers.batch import FINISHED, find_batch_by_content
from resolvers.program import (
    IssuedCredential,
    Program,
    apply_configuration,
    create_program,
    list_programs,
    reset_credential,
)
from resolvers.sftp_login import MAX_LOGINS, create_sftp_login, list_sftp_logins
from tessera.data_folder import ensure_data_dir
from tessera.demo_catalog import fill_catalog
from tessera.demo_data import (
    demo_rules,
    members_to_try,
    read_purchases,
    write_members,
    write_transactions,
    year_shift,
)
from tessera.listening import local_host
from tessera.locking import CommandRefused
from tessera.messenger import otp_outbox
from tessera.runtime import Runtime, deployment_context, program_context
from tessera.settings import Settings

PROGRAM_NAME = "Demo CD shop"
DOCUMENT = "demo.json"

Progress = Callable[[str], AbstractContextManager[Report]]
"""Shows how far the file of this name is, for as long as the context lasts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoSummary:
    """The demo as it stands. `points`: what the purchases gave. `was_built`: this run made it, or a part."""

    program_id: int
    members: int
    transactions: int
    points: Decimal
    was_built: bool
    document: Path
    details: Mapping[str, Any]


async def build_demo(runtime: Runtime, *, reset: bool, progress: Progress | None = None) -> DemoSummary:
    """Make the demo program unless it stands; a build that broke off goes on where it was.

    `reset` starts a new program: the ledger of the old one is append-only and stays. Raises
    CommandRefused.
    """
    if runtime.settings.is_production:
        raise CommandRefused("The demo is for a sandbox: TESSERA_ENV is production, which takes no demo data.")
    known = None if reset else _read_document(runtime.settings)
    details, program = await _ensure_program(runtime, known, reset=reset)
    was_built, points = await _load_files(runtime, program, details["year_shift"], progress)
    purchases = read_purchases()
    return DemoSummary(
        program_id=program.public_id,
        members=len({purchase.reference for purchase in purchases}),
        transactions=len(purchases),
        points=points,
        was_built=was_built,
        document=demo_document(runtime.settings),
        details=details,
    )


def demo_document(settings: Settings) -> Path:
    """Where the demo's credentials and addresses are written."""
    return settings.data_dir / DOCUMENT


async def _ensure_program(
    runtime: Runtime, known: Mapping[str, Any] | None, *, reset: bool
) -> tuple[dict[str, Any], Program]:
    """The document and the program, made where absent; the document is on the disk before data is."""
    programs = [] if reset else await _demo_programs(runtime)
    program = next((one for one in programs if known and one.public_id == known["program_id"]), None)
    if program is not None and known is not None:
        details = {**known, **_addresses(runtime.settings)}
    else:
        issued = await _issue(runtime, programs)
        details = _new_document(runtime, issued)
        program = next(one for one in await _demo_programs(runtime) if one.public_id == issued.program_id)
    details["portal"]["setup_url"] = await _setup_url(runtime, details["portal"]["url"])
    details["sftp"] = await _sftp(runtime, program, details.get("sftp"))
    await asyncio.to_thread(_write_document, runtime.settings, details)
    return details, program


async def _issue(runtime: Runtime, programs: list[Program]) -> IssuedCredential:
    """Credentials of the demo: of a new program, or new ones where the document that held them is lost."""
    if not programs:
        return await create_program(deployment_context(runtime), PROGRAM_NAME)
    return await reset_credential(program_context(runtime, programs[-1]))


async def _sftp(runtime: Runtime, program: Program, known: Mapping[str, Any] | None) -> dict[str, Any]:
    """How the demo is reached over SFTP: by the login that the document has, unless that is lost or revoked."""
    ctx = program_context(runtime, program)
    logins = await list_sftp_logins(ctx, first=MAX_LOGINS)
    live = {one.username for one in logins if one.revoked_at is None}
    if known is None or known.get("username") not in live:
        issued = await create_sftp_login(ctx)
        known = {"username": issued.username, "password": issued.password}
    host = local_host(runtime.settings.effective_sftp_host)
    return {**known, "host": host, "port": runtime.settings.sftp_port}


async def _setup_url(runtime: Runtime, portal: str) -> str | None:
    """Where the first administrator makes itself, once, within a day; None where there is one already."""
    link = await offer_setup(deployment_context(runtime))
    return None if link is None else f"{portal}/link/{link.token}"


async def _demo_programs(runtime: Runtime) -> list[Program]:
    """The demo programs of this deployment, the newest last."""
    programs = await list_programs(deployment_context(runtime))
    return sorted((one for one in programs if one.name == PROGRAM_NAME), key=lambda one: one.public_id)


async def _load_files(
    runtime: Runtime, program: Program, years: int, progress: Progress | None
) -> tuple[bool, Decimal]:
    """Apply the rules and load both files, unless that was done; whether it was done now, and the points."""
    ctx = program_context(runtime, program)
    folder = runtime.settings.data_dir / "demo" / str(program.public_id)
    paths = await asyncio.to_thread(_write_files, folder, years)
    found = [await find_batch_by_content(ctx, await asyncio.to_thread(_content_hash, path)) for path in paths]
    missing = [path for path, batch in zip(paths, found, strict=True) if batch is None or batch.status != FINISHED]
    if missing:
        await apply_configuration(ctx, demo_rules())
        await fill_catalog(ctx)
    for path in missing:
        with nullcontext() if progress is None else progress(path.name) as report:
            await load_file(ctx, path, data_dir=runtime.settings.data_dir, progress=report)
    transactions = await find_batch_by_content(ctx, await asyncio.to_thread(_content_hash, paths[-1]))
    return bool(missing), Decimal(0) if transactions is None else transactions.points


def _write_files(folder: Path, years: int) -> tuple[Path, Path]:
    purchases = read_purchases()
    return write_members(folder, purchases), write_transactions(folder, purchases, years)


def _content_hash(path: Path) -> str:
    return inspect_file(path, is_gzip=False).sha256


def _new_document(runtime: Runtime, issued: IssuedCredential) -> dict[str, Any]:
    """The document of `interface.md`: every key is there, null for what does not exist yet."""
    purchases = read_purchases()
    return {
        **_addresses(runtime.settings),
        "program_id": issued.program_id,
        "client_id": issued.client_id,
        "client_secret": issued.client_secret,
        "publishable_key": issued.publishable_key,
        "members": members_to_try(purchases),
        "year_shift": year_shift(purchases, runtime.services.clock()),
    }


def _addresses(settings: Settings) -> dict[str, Any]:
    """What the settings decide, and may change from one start to the next."""
    return {
        "base_url": _base_url(settings),
        "portal": {"url": f"{_base_url(settings)}/portal", "setup_url": None},
        "otp_outbox": str(otp_outbox(settings)),
    }


def _base_url(settings: Settings) -> str:
    host = local_host(settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _read_document(settings: Settings) -> dict[str, Any] | None:
    try:
        document = orjson.loads(demo_document(settings).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return document if isinstance(document, dict) and document.keys() >= _SECRETS else None


_SECRETS = {"program_id", "client_id", "client_secret", "publishable_key", "members", "year_shift"}
"""What cannot be made again from the settings: where one of them is missing, the document is made anew."""


def _write_document(settings: Settings, details: Mapping[str, Any]) -> None:
    """Write the document whole, for its owner alone."""
    ensure_data_dir(settings)
    path = demo_document(settings)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(details, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    os.replace(draft, path)
