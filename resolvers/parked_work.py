"""Use cases of lines that wait: posted when their member or card is known, rejected when their time is over.

A portion is posted with its outcomes and the sums of its files in one database transaction: whoever is killed in the
middle leaves it as it was. The handbacks of the files are written anew afterwards, from what is stored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from domain.access import Permission, Principal, PrincipalKind
from domain.errors import MemberNotFound, ServiceUnavailable, UnexpectedFailure
from domain.store import batch as batch_store
from domain.store import parked as store
from domain.store.program import ProgramState
from resolvers.batch_line import (
    ACCEPTED,
    POSTERS,
    BatchLine,
    BatchRow,
    amount_of,
    post_lines,
    refund_of,
    stored_row,
    to_row,
)
from resolvers.context import Context, Services
from resolvers.parked_payload import load_command
from resolvers.program import list_environment_programs

ROWS_PER_COMMIT = 500
_TYPES = ("CRD", "TXN", "BNS")
_PERMISSIONS = frozenset(POSTERS[one].permission for one in _TYPES)

_log = structlog.get_logger("tessera.parking")

Find = Callable[[Connection, Context], Sequence[Row[Any]]]


async def parking_contexts(services: Services) -> list[Context]:
    """A context for each program in which lines wait, or are kept since they were rejected."""
    waiting = await services.db.read(store.programs_with_parked)
    programs = await list_environment_programs(services) if waiting else ()
    return [
        Context(
            services=services,
            principal=Principal(
                kind=PrincipalKind.SYSTEM,
                actor="system:parking",
                program_id=program.id,
                public_program_id=program.public_id,
                environment=program.environment,
                permissions=frozenset({Permission.BATCH_READ, Permission.BATCH_WRITE}),
            ),
            source="job",
            request_id="parking",
        )
        for program in programs
        if program.id in waiting
    ]


async def settle_parked(ctx: Context) -> int:
    """Post every line of the program whose member or card is known by now, and reject those whose time is over.

    Sub-relations go first, then transactions, then bonuses, each in the order of files and lines. How many were
    decided on. Any number of processes may do so: the files of a portion are locked, and what waits no longer is left
    out. Raises Forbidden.
    """
    ctx.principal.require(Permission.BATCH_WRITE)
    if ctx.principal.program not in await ctx.services.db.read(store.programs_with_parked):
        return 0
    done = 0
    while count := await _portion(ctx):
        done += count
    while count := await ctx.write(lambda tx: _settle(tx, ctx, _overdue, ROWS_PER_COMMIT, _lapsed)):
        done += count
    await ctx.write(lambda tx: _forget(tx, ctx))
    return done


def _ready(tx: Connection, ctx: Context) -> Sequence[Row[Any]]:
    return store.ready_rows(tx, ctx.principal.program, ROWS_PER_COMMIT)


def _overdue(tx: Connection, ctx: Context) -> Sequence[Row[Any]]:
    before = ctx.services.clock() - timedelta(days=ctx.program(tx).configuration.files.park_days)
    return store.overdue_rows(tx, ctx.principal.program, before, ROWS_PER_COMMIT)


def _forget(tx: Connection, ctx: Context) -> None:
    days = ctx.program(tx).configuration.files.retention_days
    store.forget_rejected(tx, ctx.principal.program, ctx.services.clock() - timedelta(days=days))


async def _portion(ctx: Context) -> int:
    """Post the next lines; where that fails, one alone, and where even that fails, it is rejected."""
    # Mostly nobody came, and to find that out of millions of lines must not keep others from writing.
    if not await ctx.read(lambda tx: store.ready_rows(tx, ctx.principal.program, 1)):
        return 0
    try:
        return await ctx.write(lambda tx: _settle(tx, ctx, _ready, ROWS_PER_COMMIT, _posted))
    except ServiceUnavailable:
        raise
    except Exception:
        _log.exception("lines that waited cannot be posted together", program_id=ctx.principal.program)
    try:
        return await ctx.write(lambda tx: _settle(tx, ctx, _ready, 1, _posted))
    except ServiceUnavailable:
        raise
    except Exception:
        _log.exception("a line that waited cannot be posted", program_id=ctx.principal.program)
        return await ctx.write(lambda tx: _settle(tx, ctx, _ready, 1, _failed))


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that waits, with the file that it came in."""

    row: Row[Any]
    batch: Row[Any]
    command: Any

    @property
    def place(self) -> tuple[int, int]:
        return self.row.batch_id, self.row.line


Decide = Callable[[Connection, Context, ProgramState, Sequence[_Line]], Sequence[object]]


def _settle(tx: Connection, ctx: Context, find: Find, limit: int, decide: Decide) -> int:
    """Decide on the first lines that `find` gives, all of one type and one sender; how many."""
    program_id, keys = ctx.principal.program, ctx.services.keys
    found = find(tx, ctx)[:limit]
    if not found:
        return 0
    # Of one type: a card that is linked now makes transactions ready which come before others that are ready already.
    places = [(row.batch_id, row.line) for row in found if row.turn == found[0].turn]
    # Files first, then the configuration, as whoever loads a file has it.
    batches = store.lock_batches(tx, program_id, {batch_id for batch_id, _ in places})
    state = ctx.program_in_force(tx)
    lines = [
        _Line(row, batches[row.batch_id], load_command(keys.open_queued(row.payload)))
        for row in store.waiting_rows(tx, program_id, places)
    ]
    lines = [one for one in lines if one.batch.actor == lines[0].batch.actor]
    if lines:
        outcomes = decide(tx, ctx, state, lines)
        _store(tx, ctx, state, lines, [to_row(one.row.line, got) for one, got in zip(lines, outcomes, strict=True)])
    # Where others were faster there may be more.
    return len(lines) or len(places)


def _posted(tx: Connection, ctx: Context, state: ProgramState, lines: Sequence[_Line]) -> Sequence[object]:
    sender = replace(ctx.principal, actor=lines[0].batch.actor, permissions=_PERMISSIONS)
    numbered = [BatchLine(line=number, command=one.command) for number, one in enumerate(lines)]
    file_type = _TYPES[lines[0].row.turn]
    return list(post_lines(tx, replace(ctx, principal=sender), state, file_type, numbered).values())


def _lapsed(_tx: Connection, _ctx: Context, _state: ProgramState, lines: Sequence[_Line]) -> Sequence[object]:
    return [MemberNotFound() for _ in lines]


def _failed(_tx: Connection, _ctx: Context, _state: ProgramState, lines: Sequence[_Line]) -> Sequence[object]:
    return [UnexpectedFailure() for _ in lines]


def _store(tx: Connection, ctx: Context, state: ProgramState, lines: Sequence[_Line], rows: Sequence[BatchRow]) -> None:
    """Store outcomes, the sums of the files, and what is kept of rejected lines."""
    posted: list[tuple[int, int]] = []
    rejected: dict[bool, list[tuple[int, int]]] = {False: [], True: []}
    by_batch: dict[int, list[tuple[_Line, BatchRow]]] = {}
    for one, row in zip(lines, rows, strict=True):
        by_batch.setdefault(one.batch.id, []).append((one, row))
        (posted if row.status == ACCEPTED else rejected[one.batch.status == "FINISHED"]).append(one.place)
    for mine in by_batch.values():
        _settle_batch(tx, state, mine)
    store.end_waiting(tx, state.id, posted=posted, rejected=rejected, now=ctx.services.clock())


def _settle_batch(tx: Connection, state: ProgramState, mine: Sequence[tuple[_Line, BatchRow]]) -> None:
    batch = mine[0][0].batch
    stored = [stored_row(row, state.places) for _, row in mine]
    accepted = [one for one, row in mine if row.status == ACCEPTED]
    batch_store.settle_rows(
        tx,
        batch,
        stored,
        accepted=len(accepted),
        amount=sum((amount_of(one.command) for one in accepted), Decimal(0)),
        refunded=sum((refund_of(one.command) for one in accepted), Decimal(0)),
        points=sum(row["points"] for row in stored),
    )
