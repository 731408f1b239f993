"""Aggregates counted from the transactions that are stored already.

All that a configuration adds or defines anew, in the database transaction that puts it in force, while nobody posts
in the program; those of two members whom an undone merge parts; and one part of a `min` or `max` of one member whose
least or greatest value a refund took away.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection

from domain.program_zone import local_date, start_of_day
from domain.rules.aggregate import EMPTY, Stats, bucket_end, bucket_start, contributions, merge, with_value, without
from domain.rules.compile import CompiledRules, compile_rules
from domain.rules.facts import Facts
from domain.rules.model import Aggregate, Configuration
from domain.store.bulk import Bulk
from domain.store.member import references_of
from domain.store.merge import answering_for, merged_ids
from domain.store.program import ProgramState
from domain.store.reading import read
from domain.store.tally import BucketKey, Tallies, forget_aggregates
from domain.store.transaction import StoredTransaction, page_purchases, purchases_between
from resolvers.fact import transaction_facts

_PAGE = 1000
_ONE = Decimal(1)


def recount_aggregates(tx: Connection, program_id: int, before: Configuration, after: Configuration) -> None:
    """Forget the aggregates that `after` no longer has as they were, and count the new ones from the beginning.

    The program's row is locked. Each page of transactions is joined with what stands, so memory is bounded.
    """
    # What is gone from one side, or is another one there: forgotten as it was, counted as it will be.
    forgotten, wanted = aggregates_to_count(after, before), aggregates_to_count(before, after)
    if forgotten:
        forget_aggregates(tx, program_id, sorted(forgotten))
    if not wanted:
        return
    rules, last = compile_rules(after), 0
    while rows := page_purchases(tx, program_id, after_id=last, limit=_PAGE):
        last = rows[-1].id
        _add(tx, program_id, _counted(tx, program_id, rows, after, rules, wanted))


def recount_members(tx: Connection, state: ProgramState, member_ids: Sequence[int]) -> None:
    """All aggregates of these members, from the purchases of each and of those for whom it answers.

    Their accounts are locked.
    """
    tallies, bulk = Tallies(state.id), Bulk(tx)
    tallies.read_all(tx, member_ids)
    for one in member_ids:
        tallies.forget_aggregates(one)
    keys = {one.key for one in state.configuration.aggregates}
    makers = [*member_ids, *merged_ids(tx, state.id, member_ids)]
    rows = purchases_between(tx, state.id, sorted(set(makers)), None, None) if keys else []
    for place, stats in _counted(tx, state.id, rows, state.configuration, state.rules, keys).items():
        if place[0] in member_ids:
            tallies.put_stats(*place, stats)
    tallies.store(bulk)
    bulk.store()


def recount_bucket(
    tx: Connection, state: ProgramState, member_id: int, aggregate: Aggregate, start: date, *, gone: Collection[int]
) -> Stats:
    """One bucket of a member from the stored purchases of its days, without those `gone`. The account is locked."""
    end = bucket_end(aggregate.period, start)
    rows = purchases_between(
        tx,
        state.id,
        [member_id, *merged_ids(tx, state.id, [member_id])],
        None if end is None else start_of_day(start, state.zone),
        None if end is None else start_of_day(end, state.zone),
    )
    rows = [one for one in rows if one.id not in gone]
    counted = _counted(tx, state.id, rows, state.configuration, state.rules, {aggregate.key})
    return counted.get((member_id, aggregate.key, start), EMPTY)


def aggregates_to_count(before: Configuration, after: Configuration) -> set[str]:
    """The aggregates of `after` whose stored buckets, if there are any, are not its own."""
    old, new = _definitions(before), _definitions(after)
    if before.program.time_zone != after.program.time_zone:
        # Other clocks, other days: every bucket begins elsewhere.
        return set(new)
    return {key for key, one in new.items() if old.get(key) != one}


def count_of_member(
    tx: Connection, program_id: int, member_id: int, configuration: Configuration, rules: CompiledRules, keys: set[str]
) -> dict[BucketKey, Stats]:
    """What these aggregates would stand at for one member, those it answers for included. Only reads."""
    owners = [member_id, *merged_ids(tx, program_id, [member_id])]
    buckets: dict[BucketKey, Stats] = {}
    last = 0
    while rows := page_purchases(tx, program_id, after_id=last, limit=_PAGE, members=owners):
        last = rows[-1].id
        for place, stats in _counted(tx, program_id, rows, configuration, rules, keys).items():
            if place[0] == member_id:
                buckets[place] = merge(buckets.get(place, EMPTY), stats)
    return buckets


def _definitions(configuration: Configuration) -> dict[str, Aggregate]:
    return {one.key: one for one in configuration.aggregates}


def _counted(
    tx: Connection,
    program_id: int,
    rows: Sequence[StoredTransaction],
    configuration: Configuration,
    rules: CompiledRules,
    wanted: set[str],
) -> dict[BucketKey, Stats]:
    """What these purchases are in the wanted aggregates, less what refunds took back of them."""
    members = sorted({one.member_id for one in rows})
    references, answers = references_of(tx, program_id, members), answering_for(tx, program_id, members)
    counted: dict[BucketKey, Stats] = {}
    for row in rows:
        facts = Facts(
            transaction=transaction_facts(configuration, row, references[row.member_id]),
            at=row.transaction_date,
            member={},
        )
        added = contributions(rules, facts)
        for one in (one.aggregate for one in rules.aggregates if one.aggregate.key in wanted & added.keys()):
            start = bucket_start(one.period, local_date(row.transaction_date, rules.zone))
            # A merge leaves the victim its own figures and adds them to the survivor's.
            for owner in {row.member_id, answers.get(row.member_id, row.member_id)}:
                stats = with_value(EMPTY, one, added[one.key])
                if row.refunded:
                    whole = row.refunded >= (row.amount or _ONE)
                    stats = without(stats, one, added[one.key], row.refunded, is_whole=whole)
                place = owner, one.key, start
                counted[place] = merge(counted.get(place, EMPTY), stats)
    return counted


def _add(tx: Connection, program_id: int, counted: Mapping[BucketKey, Stats]) -> None:
    tallies, bulk = Tallies(program_id), Bulk(tx)
    members = sorted({member_id for member_id, _, _ in counted})
    read(tx, tallies.reading(members, {start.year for _, _, start in counted}))
    for place, stats in counted.items():
        tallies.put_stats(*place, merge(tallies.stats(*place), stats))
    tallies.store(bulk)
    bulk.store()
