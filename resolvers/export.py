"""Use cases of exports: asked for, begun, finished. What they tell is read by `resolvers.export_page`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from domain.access import Permission
from domain.errors import InvalidRequest, PendingRequestExists, RedemptionNotFound, RequestNotPending
from domain.export import KINDS
from domain.models import export as export_table
from domain.store import export as store
from domain.store.audit import record
from domain.store.export import DOWNLOAD, FAILED, FILE, FINISHED, REQUESTED, RUNNING
from domain.store.ids import allocate_ids
from domain.store.program import ProgramState
from resolvers.context import Context
from resolvers.outbox import number_program

__all__ = [
    "DOWNLOAD",
    "FAILED",
    "FILE",
    "FINISHED",
    "REQUESTED",
    "RUNNING",
    "Export",
    "RequestExport",
    "begin_waiting_export",
    "fail_export",
    "get_export",
    "finish_export",
    "keep_export",
    "list_exports",
    "request_export",
    "start_export",
    "stored_request",
]

LEASE = timedelta(minutes=2)
"""How long a process that writes an export may be silent before another takes it up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestExport:
    """What is to be written. `since_last`: what happened since the last one of this kind that was asked for so.

    `with_personal_data` and `is_pipe` None: as the program's settings of files say.
    """

    kind: str
    since_last: bool = False
    with_personal_data: bool | None = None
    is_pipe: bool | None = None
    is_gzip: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """An export. It covers the events in (from_seq, to_seq] of the program's feed.

    `left_out` counts what cannot stand in a file; `message` says why it failed; `due_at` is the schedule's instant.
    """

    id: int
    kind: str
    destination: str
    since_last: bool
    is_pipe: bool
    is_gzip: bool
    personal_data: bool
    status: str
    from_seq: int | None
    to_seq: int | None
    rows: int
    left_out: int
    sha256: str | None
    file_name: str | None
    message: str | None
    actor: str
    due_at: datetime | None
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempt: int

    @property
    def is_whole(self) -> bool:
        """Whether it tells of everything there is, and not only of what was touched."""
        return not self.from_seq


async def request_export(ctx: Context, command: RequestExport) -> Export:
    """Ask for a file in the program's download folder; it is written soon. Raises Forbidden, InvalidRequest."""
    _check(ctx, command)

    def body(tx: Connection) -> Export:
        return _load(tx, ctx, stored_request(tx, ctx, ctx.program(tx), command))

    return await ctx.write(body)


async def start_export(ctx: Context, command: RequestExport, file_name: str) -> Export:
    """Begin an export into a file of the caller's own.

    Raises Forbidden, InvalidRequest, PendingRequestExists (one since the last one is being written).
    """
    _check(ctx, command)
    await number_program(ctx.services, ctx.principal.program)

    def body(tx: Connection) -> Export:
        newest = store.lock_feed(tx, ctx.principal.program)
        now = ctx.services.clock()
        if command.since_last and not _frees_chain(tx, ctx, command.kind, now):
            raise PendingRequestExists("an export of this kind since the last one is being written")
        export_id = stored_request(tx, ctx, ctx.program(tx), command, destination=FILE)
        return _begin(tx, ctx, _load(tx, ctx, export_id), newest, file_name, now)

    return await ctx.write(body)


async def begin_waiting_export(ctx: Context) -> Export | None:
    """Begin the oldest export that waits for the program's download folder, or one that was left half written.

    Of one kind, one export since the last one at a time. None: nothing is to be done. Raises Forbidden.
    """
    ctx.principal.require(Permission.EXPORT_WRITE)
    program_id = ctx.principal.program
    now = ctx.services.clock()
    if not await ctx.read(lambda tx: store.waiting_exports(tx, program_id, now)):
        return None
    await number_program(ctx.services, program_id)

    def body(tx: Connection) -> Export | None:
        newest = store.lock_feed(tx, program_id)
        for row in store.waiting_exports(tx, program_id, now):
            running = store.running_in_chain(tx, program_id, row.kind, DOWNLOAD) if row.since_last else None
            if running is None or running.id == row.id:
                return _begin(tx, ctx, to_export(row), newest, None, now)
        return None

    return await ctx.write(body)


async def keep_export(ctx: Context, export: Export, *, rows: int, left_out: int) -> None:
    """Say that an export is still being written. Raises Forbidden, RequestNotPending (another process took it up)."""
    values = {"rows": rows, "left_out": left_out, "leased_until": ctx.services.clock() + LEASE}
    await _change(ctx, export, values)


async def finish_export(
    ctx: Context, export: Export, *, rows: int, left_out: int, sha256: str, file_name: str
) -> Export:
    """An export stands under its name, whole. Raises Forbidden, RequestNotPending (another process took it up)."""
    values = {"status": FINISHED, "rows": rows, "left_out": left_out, "sha256": sha256, "file_name": file_name}
    return await _change(ctx, export, values | {"finished_at": ctx.services.clock(), "leased_until": None})


async def fail_export(ctx: Context, export: Export, message: str) -> None:
    """An export could not be written; the next since the last one has it all. Raises Forbidden, RequestNotPending."""
    values = {"status": FAILED, "message": message, "finished_at": ctx.services.clock(), "leased_until": None}
    await _change(ctx, export, values)


async def get_export(ctx: Context, export_id: int) -> Export:
    """One export of the caller's program. Raises Forbidden, RedemptionNotFound (123: no such request)."""
    ctx.principal.require(Permission.EXPORT_READ)
    row = await ctx.read(lambda tx: store.load_export(tx, ctx.principal.program, export_id))
    if row is None:
        raise RedemptionNotFound("no such export")
    return to_export(row)


async def list_exports(
    ctx: Context, *, first: int = 50, before_id: int | None = None, kind: str | None = None, status: str | None = None
) -> list[Export]:
    """The newest exports of the caller's program, of one kind and in one status if asked for. Raises Forbidden."""
    ctx.principal.require(Permission.EXPORT_READ)

    def body(tx: Connection) -> Sequence[Row[Any]]:
        return store.page_exports(tx, ctx.principal.program, first=first, before_id=before_id, kind=kind, status=status)

    return [to_export(row) for row in await ctx.read(body)]


def _check(ctx: Context, command: RequestExport) -> None:
    ctx.principal.require(Permission.EXPORT_WRITE)
    kind = {str(name): one for name, one in KINDS.items()}.get(command.kind)
    if kind is None:
        raise InvalidRequest(f"kind: one of {', '.join(KINDS)}", field="kind")
    if command.since_last and kind.prefixes is None:
        raise InvalidRequest(f"since_last: a file of {command.kind} is always whole", field="since_last")


def stored_request(
    tx: Connection,
    ctx: Context,
    state: ProgramState,
    command: RequestExport,
    *,
    destination: str = DOWNLOAD,
    due_at: datetime | None = None,
) -> int:
    """Store a request, with an entry of the audit trail; its id. Raises Forbidden (personal data)."""
    terms, now = state.configuration.files, ctx.services.clock()
    if command.with_personal_data and not terms.personal_data_in_exports:
        ctx.principal.require(Permission.PERSONAL_INFORMATION)
        ctx.principal.require_proof()
    personal, pipe = command.with_personal_data, command.is_pipe
    [export_id] = allocate_ids(tx, export_table, state.id, 1)
    values = {
        "program_id": state.id,
        "id": export_id,
        "kind": command.kind,
        "destination": destination,
        "since_last": command.since_last,
        "is_pipe": terms.delimiter == "pipe" if pipe is None else pipe,
        "is_gzip": command.is_gzip,
        "personal_data": terms.personal_data_in_exports if personal is None else personal,
        "status": REQUESTED,
        "actor": ctx.principal.actor,
        "due_at": due_at,
        "requested_at": now,
    }
    store.insert_export(tx, values)
    told = {name: values[name] for name in ("kind", "destination", "since_last", "personal_data")}
    subject = f"export:{export_id}"
    record(tx, state.id, now=now, actor=ctx.principal, action="export.request", subject=subject, after=told)
    return export_id


def _frees_chain(tx: Connection, ctx: Context, kind: str, now: datetime) -> bool:
    """Whether a chain of the caller's own files can go on: who began its last one and is gone is let go."""
    running = store.running_in_chain(tx, ctx.principal.program, kind, FILE)
    if running is None:
        return True
    if running.leased_until > now:
        return False
    values = {"status": FAILED, "message": "the process that wrote it ended", "finished_at": now, "leased_until": None}
    return store.change_export(tx, running.program_id, running.id, values)


def _begin(tx: Connection, ctx: Context, export: Export, newest: int, file_name: str | None, now: datetime) -> Export:
    """Take up an export under the lock of the feed; one that was begun before keeps the events that it covers."""
    values: dict[str, Any] = {
        "status": RUNNING,
        "attempt": export.attempt + 1,
        "started_at": export.started_at or now,
        "leased_until": now + LEASE,
        "file_name": file_name,
    }
    if export.status == REQUESTED:
        begins = store.end_of_chain(tx, ctx.principal.program, export.kind, export.destination)
        values |= {"from_seq": begins if export.since_last else 0, "to_seq": newest}
    store.change_export(tx, ctx.principal.program, export.id, values)
    return _load(tx, ctx, export.id)


async def _change(ctx: Context, export: Export, values: dict[str, Any]) -> Export:
    ctx.principal.require(Permission.EXPORT_WRITE)

    def body(tx: Connection) -> Export:
        # Whoever begins the next one looks where this one ends.
        store.lock_feed(tx, ctx.principal.program)
        if not store.change_export(tx, ctx.principal.program, export.id, values, attempt=export.attempt):
            raise RequestNotPending("another process took the export up")
        return _load(tx, ctx, export.id)

    return await ctx.write(body)


def _load(tx: Connection, ctx: Context, export_id: int) -> Export:
    row = store.load_export(tx, ctx.principal.program, export_id)
    assert row is not None  # noqa: S101 - it was written just now
    return to_export(row)


_FIELDS = tuple(Export.__dataclass_fields__)


def to_export(row: Row[Any]) -> Export:
    """A stored export as callers see it."""
    return Export(**{name: getattr(row, name) for name in _FIELDS})
