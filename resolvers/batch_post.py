"""Posting lines of a batch file: a share of a chunk, or all of it, in one database transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission
from domain.errors import BatchRefused
from domain.record import record
from domain.store import batch as store
from domain.store.statistics import refresh_statistics
from resolvers.batch_line import REJECTED, BatchLine, BatchRow, not_standing, post_fresh_lines
from resolvers.batch_record import HELD, RUNNING
from resolvers.context import Context
from resolvers.member import ImportMember
from resolvers.reject_limit import BatchHeld, hold_over_limit
from resolvers.transaction import SubmitTransaction


@record
class Share:
    """Lines of a chunk, and which buckets of members they are of; None: they are all of the chunk."""

    lines: Sequence[BatchLine]
    buckets: Sequence[int] | None = None

    def __reduce__(self) -> tuple[Callable[..., "Share"], tuple[object, ...]]:
        """Through a pipe goes what the commands hold: to write down and read objects takes twice as long."""
        packed = [(one.line, type(one.command), _packed(one.command), one.raw) for one in self.lines]
        return _unpacked_share, (packed, self.buckets)


_NAMES: Mapping[type[Any], Sequence[str]] = {
    kind: [one.name for one in fields(kind)] for kind in (ImportMember, SubmitTransaction)
}
"""What the commands hold of which there are millions."""
_VALUES = {kind: attrgetter(*names) for kind, names in _NAMES.items()}


def _packed(command: object) -> object:
    values = _VALUES.get(type(command))
    return command if values is None else values(command)


def _unpacked(kind: type[Any], packed: Any) -> Any:
    names = _NAMES.get(kind)
    return packed if names is None else kind(**dict(zip(names, packed, strict=True)))


def _unpacked_share(packed: Sequence[tuple[int, type[Any], Any, bytes]], buckets: Sequence[int] | None) -> Share:
    lines = [BatchLine(line=line, command=_unpacked(kind, values), raw=raw) for line, kind, values, raw in packed]
    return Share(lines=lines, buckets=buckets)


@record
class Posted:
    """How many lines of a share got their outcome just now, and how many of those were rejected."""

    lines: int
    rejected: int


async def post_rows(ctx: Context, batch_id: int, share: Share) -> list[BatchRow]:
    """Post lines: rows, outcomes and the restart point together.

    Lines that stand already (a second worker, a restart) are left out. Too many rejected ones hold the batch.
    Raises Forbidden, BatchRefused, BatchHeld.
    """
    ctx.principal.require(Permission.BATCH_WRITE)
    return await ctx.write(lambda tx: _post(tx, ctx, batch_id, share))


async def post_share(ctx: Context, batch_id: int, share: Share) -> Posted:
    """The same, told in two numbers: the outcomes are stored, and through a pipe they would take long."""
    rows = await post_rows(ctx, batch_id, share)
    return Posted(lines=len(rows), rejected=sum(row.status == REJECTED for row in rows))


async def note_growth(ctx: Context) -> None:
    """Tell the database that its tables have grown many times over. Raises Forbidden."""
    ctx.principal.require(Permission.BATCH_WRITE)
    await ctx.write(refresh_statistics)


def _post(tx: Connection, ctx: Context, batch_id: int, share: Share) -> list[BatchRow]:
    # Locked before anything is read, so that two loaders of one file never post a line twice.
    locked = store.lock_batch(tx, ctx.principal.program, batch_id, share.buckets)
    if locked is None:
        raise BatchRefused("no such batch")
    fresh = not_standing(tx, locked, share.lines)
    if not fresh:
        return []
    if locked.status == HELD:
        raise BatchHeld
    if locked.status != RUNNING:
        raise BatchRefused(f"the batch is {locked.status.lower()}")
    state = ctx.program_in_force(tx)
    rows = post_fresh_lines(tx, ctx, state, locked, fresh)
    hold_over_limit(tx, state, locked, rows)
    return rows
