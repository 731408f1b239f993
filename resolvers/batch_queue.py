"""Use cases of files that wait: in which order they are taken, and by which worker."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from domain.access import Permission
from domain.store import batch as store
from domain.store.inbox import drop_lease, take_lease
from resolvers.batch_record import RUNNING, WAITING, Batch, load_batch, to_batches
from resolvers.context import Context

ORDER = ("ATT", "CPD", "CRD", "TXN", "BNS")
"""Definitions before the members that have them, members before their cards, cards before what they paid."""

LEASE = timedelta(seconds=8)
"""After so long without a sign of life of its worker, the files of a program are another's."""


def in_order(batches: Iterable[Batch]) -> list[Batch]:
    """These batches as they are to be loaded: what was begun, then by type, then as they came."""
    return sorted(batches, key=lambda one: (one.status != RUNNING, *_place(one)))


async def list_batches_of(ctx: Context, ids: Sequence[int]) -> list[Batch]:
    """Those of these batches that there are. Raises Forbidden."""
    ctx.principal.require(Permission.BATCH_READ)
    return await ctx.read(lambda tx: to_batches(store.batches_by_id(tx, ctx.principal.program, ids), ctx.program(tx)))


async def find_queue_position(ctx: Context, batch_id: int) -> int | None:
    """How many waiting batches come no later than this one: 1 is next; None where it does not wait.

    Raises Forbidden, RedemptionNotFound.
    """
    ctx.principal.require(Permission.BATCH_READ)

    def body(tx: Connection) -> int | None:
        mine = load_batch(tx, ctx, batch_id)
        if mine.status != WAITING:
            return None
        waiting = store.waiting_batches(tx, ctx.principal.program)
        return sum(_place(one) <= _place(mine) for one in waiting)

    return await ctx.read(body)


async def take_inbox(ctx: Context, worker: str) -> bool:
    """Take the files of the caller's program, or go on taking them; False where another worker does.

    Raises Forbidden.
    """
    ctx.principal.require(Permission.BATCH_WRITE)
    now = ctx.services.clock()
    return await ctx.write(lambda tx: take_lease(tx, ctx.principal.program, worker, now=now, until=now + LEASE))


async def leave_inbox(ctx: Context, worker: str) -> None:
    """Let another worker take the files of the program at once. Raises Forbidden."""
    ctx.principal.require(Permission.BATCH_WRITE)
    await ctx.write(lambda tx: drop_lease(tx, ctx.principal.program, worker))


def _place(one: Batch | Row[Any]) -> tuple[int, datetime, int]:
    return ORDER.index(one.type), one.started_at, one.id
