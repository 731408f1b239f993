"""The caps and aggregates of a merge: the victim's are added to the survivor's, and parted again when it is undone."""

from sqlalchemy import Connection

from domain.rules.aggregate import merge
from domain.store.bulk import Bulk
from domain.store.program import ProgramState
from domain.store.tally import Tallies
from resolvers.recount import recount_members


def join_counters(tx: Connection, program_id: int, victim_id: int, survivor_id: int) -> None:
    """Add the victim's caps and aggregates to the survivor's.

    The victim's caps stay as well, for the way back: refunds of what it bought go on to lower them.
    """
    tallies = _both(tx, program_id, victim_id, survivor_id)
    for key, points in tallies.counters(victim_id).items():
        tallies.put_points(survivor_id, key, points + tallies.points(survivor_id, key))
    for place, stats in tallies.buckets(victim_id).items():
        tallies.put_stats(survivor_id, *place, merge(stats, tallies.stats(survivor_id, *place)))
    _store(tx, tallies)


def part_counters(tx: Connection, state: ProgramState, victim_id: int, survivor_id: int) -> None:
    """Take the victim's caps off again, and count the aggregates of both anew.

    The members answer for themselves again already. Refunds and new definitions since the merge have changed what
    the victim's part of an aggregate is, so it is not what was added.
    """
    tallies = _both(tx, state.id, victim_id, survivor_id)
    for key, points in tallies.counters(victim_id).items():
        tallies.put_points(survivor_id, key, max(0, tallies.points(survivor_id, key) - points))
    _store(tx, tallies)
    recount_members(tx, state, [victim_id, survivor_id])


def _both(tx: Connection, program_id: int, victim_id: int, survivor_id: int) -> Tallies:
    tallies = Tallies(program_id)
    tallies.read_all(tx, [victim_id, survivor_id])
    return tallies


def _store(tx: Connection, tallies: Tallies) -> None:
    bulk = Bulk(tx)
    tallies.store(bulk)
    bulk.store()
