"""Merges as they are stored, and the use case that reads those of a member."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from domain.access import Permission
from domain.points import from_minor
from domain.store.merge import merged_ids, merges_of
from domain.store.program import ProgramState
from resolvers.context import Context

MOST_MERGES = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """A merge as stored. `undone_at` None: it stands."""

    id: int
    victim_id: int
    survivor_id: int
    points: Decimal
    merged_at: datetime
    undone_at: datetime | None = None
    replayed: bool = False


async def list_merges(ctx: Context, member_id: int) -> Sequence[Merge]:
    """The newest merges that made a member, and those it answers for, what they are; undone ones too.

    At most MOST_MERGES. Raises Forbidden.
    """
    ctx.principal.require(Permission.MEMBER_MERGE)

    def body(tx: Connection) -> list[Merge]:
        state = ctx.program(tx)
        members = [member_id, *merged_ids(tx, state.id, [member_id])]
        return [merge_of(row, state) for row in merges_of(tx, state.id, members, MOST_MERGES)]

    return await ctx.read(body)


def merge_of(row: Any, state: ProgramState, *, replayed: bool = False) -> Merge:
    """A stored merge in points."""
    return Merge(
        id=row.id,
        victim_id=row.victim_id,
        survivor_id=row.survivor_id,
        points=from_minor(row.detail["points"], state.places),
        merged_at=row.merged_at,
        undone_at=row.undone_at,
        replayed=replayed,
    )
