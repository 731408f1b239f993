"""The caps and aggregates of a merge: the victim's are added to the survivor's, and parted again when it is undone."""

from sqlalchemy import Connection

from domain.rules.aggregate import EMPTY, merge
from domain.store.bulk import Bulk
from domain.store.counter import buckets_of, counters_of, put_buckets, put_counters
from domain.store.program import ProgramState
from resolvers.recount import recount_members


def join_counters(tx: Connection, program_id: int, victim_id: int, survivor_id: int) -> None:
    """Add the victim's caps and aggregates to the survivor's.

    The victim's caps stay as well, for the way back: refunds of what it bought go on to lower them.
    """
    bulk = Bulk(tx)
    caps, own_caps = counters_of(tx, program_id, victim_id), counters_of(tx, program_id, survivor_id)
    put_counters(bulk, program_id, {(survivor_id, *key): points + own_caps.get(key, 0) for key, points in caps.items()})
    buckets, own = buckets_of(tx, program_id, victim_id), buckets_of(tx, program_id, survivor_id)
    put_buckets(
        bulk, program_id, {(survivor_id, *key): merge(one, own.get(key, EMPTY)) for key, one in buckets.items()}
    )
    bulk.store()


def part_counters(tx: Connection, state: ProgramState, victim_id: int, survivor_id: int) -> None:
    """Take the victim's caps off again, and count the aggregates of both anew.

    The members answer for themselves again already. Refunds and new definitions since the merge have changed what
    the victim's part of an aggregate is, so it is not what was added.
    """
    caps, own_caps = counters_of(tx, state.id, victim_id), counters_of(tx, state.id, survivor_id)
    bulk = Bulk(tx)
    left = {(survivor_id, *key): max(0, own_caps.get(key, 0) - points) for key, points in caps.items()}
    put_counters(bulk, state.id, left)
    bulk.store()
    recount_members(tx, state, [victim_id, survivor_id])
