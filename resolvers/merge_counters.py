"""The caps and aggregates of a merge: the victim's are added to the survivor's, and parted again when it is undone."""

from datetime import date
from typing import Any

from sqlalchemy import Connection

from domain.rules.aggregate import EMPTY, merge
from domain.store.bulk import Bulk
from domain.store.counter import buckets_of, counters_of, put_buckets, put_counters
from domain.store.program import ProgramState
from resolvers.recount import recount_members


def join_counters(tx: Connection, program_id: int, victim_id: int, survivor_id: int) -> dict[str, Any]:
    """Add the victim's caps and aggregates to the survivor's; the caps that were added, for the way back."""
    bulk = Bulk(tx)
    caps, own_caps = counters_of(tx, program_id, victim_id), counters_of(tx, program_id, survivor_id)
    put_counters(bulk, program_id, {(survivor_id, *key): points + own_caps.get(key, 0) for key, points in caps.items()})
    buckets, own = buckets_of(tx, program_id, victim_id), buckets_of(tx, program_id, survivor_id)
    put_buckets(
        bulk, program_id, {(survivor_id, *key): merge(one, own.get(key, EMPTY)) for key, one in buckets.items()}
    )
    bulk.store()
    return {"caps": [[*map(str, key), points] for key, points in caps.items()]}


def part_counters(tx: Connection, state: ProgramState, victim_id: int, survivor_id: int, added: dict[str, Any]) -> None:
    """Take the caps off again that a merge added, and count the aggregates of both anew.

    The members answer for themselves again already. Refunds and new definitions since the merge have changed what
    the victim's part of an aggregate is, so it is not what was added.
    """
    caps, left = counters_of(tx, state.id, survivor_id), {}
    for scope, window, start, points in added["caps"]:
        key = (scope, window, date.fromisoformat(start))
        left[survivor_id, *key] = max(0, caps.get(key, 0) - points)
    bulk = Bulk(tx)
    put_counters(bulk, state.id, left)
    bulk.store()
    recount_members(tx, state, [victim_id, survivor_id])
