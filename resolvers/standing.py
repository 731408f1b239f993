"""What beside the ledger decides on an earning: caps, aggregates, tier, segments, of all members of one run.

Read with a few statements for the whole run, kept up in memory from transaction to transaction, and stored
at its end. The accounts are locked meanwhile, so nobody else counts on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from domain.member import Member
from domain.program_zone import local_date
from domain.rules.aggregate import (
    EMPTY,
    Stats,
    bucket_start,
    contributions,
    loses_extreme,
    merge,
    value_of,
    window,
    with_extremes,
    with_value,
    without,
)
from domain.rules.cap import CapKey, cap_keys, window_starts
from domain.rules.evaluate import Evaluation, Facts
from domain.rules.model import Aggregate
from domain.rules.segment import frozen_segments
from domain.store.bulk import Bulk
from domain.store.counter import BucketKey, Counter, buckets, counters, put_buckets, put_counters, rolling_buckets
from domain.store.program import ProgramState
from domain.store.reading import Reading, into, read_together
from domain.store.segment import snapshots
from domain.store.transaction import StoredTransaction, purchases
from resolvers.fact import Counted, Purchases, member_facts, transaction_facts
from resolvers.tier_history import TierHistories


@dataclass(slots=True)
class Standing:
    """The standing of members, as it is after each transaction of a run.

    `recounted` are aggregates whose stored buckets do not count, because the definition is another one.
    `of_segments`: what segments may ask is read as well, also those that decide on no purchase.
    """

    state: ProgramState
    recounted: frozenset[str] = frozenset()
    of_segments: bool = False
    tiers: TierHistories = field(init=False)
    _counters: dict[Counter, int] = field(default_factory=dict)
    _buckets: dict[BucketKey, Stats] = field(default_factory=dict)
    _moved_counters: set[Counter] = field(default_factory=set)
    _days: dict[tuple[int, str], set[date]] | None = None
    _moved_buckets: set[BucketKey] = field(default_factory=set)
    _counted_now: dict[BucketKey, list[Counted]] = field(default_factory=dict)
    _snapshots: dict[int, frozenset[str]] = field(default_factory=dict)
    _purchases: dict[int, tuple[int, datetime | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tiers = TierHistories(self.state)

    @property
    def _has_purchases(self) -> bool:
        return self.state.asks_for_purchases or (self.of_segments and self.state.segments_ask_for_purchases)

    def load(self, tx: Connection, members: Sequence[Member], instants: Iterable[datetime]) -> None:
        """Read what transactions of these instants may need."""
        read_together(tx, *self.readings([one.id for one in members], instants))

    def load_history(self, tx: Connection, ids: Sequence[int]) -> None:
        """Read the tiers that these members had, and the snapshots that they are in."""
        read_together(tx, *self._history(ids))

    def fresh(self) -> "Standing":
        """A standing with the same history, in which nothing was counted yet."""
        fresh = Standing(self.state, _snapshots=self._snapshots)
        fresh.tiers = self.tiers
        return fresh

    def load_counts(self, tx: Connection, ids: Sequence[int], instants: Iterable[datetime]) -> None:
        """Read the caps and aggregates that transactions of these instants may move, unless they are known."""
        read_together(tx, *self._counts(ids, instants))

    def load_aggregate(self, tx: Connection, ids: Sequence[int], key: str, at: datetime) -> None:
        """Read one aggregate as it stands at an instant, and no cap."""
        wanted = [one.aggregate for one in self.state.rules.aggregates if one.aggregate.key == key]
        read_together(tx, *self._buckets_of(wanted, ids, {local_date(at, self.state.zone)}))

    def readings(self, ids: Sequence[int], instants: Iterable[datetime]) -> list[Reading[None]]:
        """What `load` reads, to be read together with something else."""
        if not ids:
            return []
        state = self.state
        wanted = self._counts(ids, instants) + self._history(ids)
        if self._has_purchases:
            wanted.append(into(purchases(state.id, ids), self._purchases))
        return wanted

    def _history(self, ids: Sequence[int]) -> list[Reading[None]]:
        state, wanted = self.state, self.tiers.readings(ids)
        if frozen := frozen_segments(state.configuration):
            wanted.append(into(snapshots(state.id, frozen, ids), self._snapshots))
        return wanted

    def _counts(self, ids: Sequence[int], instants: Iterable[datetime]) -> list[Reading[None]]:
        state, days = self.state, {local_date(at, self.state.zone) for at in instants}
        wanted: list[Reading[None]] = []
        # What is read now is not in it.
        self._days = None
        if not days:
            return wanted
        if state.rules.caps:
            starts = {start for day in days for start in window_starts(day).values()}
            wanted.append(into(counters(state.id, ids, sorted(starts)), self._counters))
        stored = [one.aggregate for one in state.rules.aggregates if one.aggregate.key not in self.recounted]
        return wanted + self._buckets_of(stored, ids, days)

    def _buckets_of(self, stored: Sequence[Aggregate], ids: Sequence[int], days: set[date]) -> list[Reading[None]]:
        state, wanted = self.state, list[Reading[None]]()
        rolling = [one for one in stored if one.period == "rolling_365"]
        fixed = [one for one in stored if one.period != "rolling_365"]
        if fixed:
            starts = {bucket_start(one.period, day) for one in fixed for day in days}
            wanted.append(into(buckets(state.id, ids, [one.key for one in fixed], sorted(starts)), self._buckets))
        if rolling:
            first = window("rolling_365", min(days))[0]
            keys = [one.key for one in rolling]
            wanted.append(into(rolling_buckets(state.id, ids, keys, first, max(days)), self._buckets))
        return wanted

    def suppose(self, buckets: Mapping[BucketKey, Stats]) -> None:
        """Parts of aggregates that were counted elsewhere, in place of stored ones."""
        self._buckets |= buckets
        self._days = None

    def facts(
        self, member: Member, transaction: Mapping[str, Any], at: datetime, sub_relation: Mapping[str, Any]
    ) -> tuple[Facts, Counted]:
        """The transaction as the rules see it, aggregates with itself in them, and what it adds to those."""
        values: dict[str, Decimal] = {}
        facts = self._facts(member, transaction, at, sub_relation, values)
        added, day = contributions(self.state.rules, facts), local_date(at, self.state.zone)
        for one in self.state.rules.aggregates:
            aggregate = one.aggregate
            stats, own = self._stats(member.id, aggregate, day), added.get(aggregate.key)
            value = value_of(aggregate, stats if own is None else with_value(stats, aggregate, own))
            if value is not None:
                values[aggregate.key] = value
        return facts, Counted(at, day, added)

    def profile(self, member: Member, at: datetime) -> Facts:
        """The member as segments see it at an instant, without a transaction."""
        values = {
            one.aggregate.key: self.aggregate(member.id, one.aggregate.key, at) for one in self.state.rules.aggregates
        }
        known = {key: value for key, value in values.items() if value is not None}
        return self._facts(member, {}, at, {}, known)

    def _facts(
        self,
        member: Member,
        transaction: Mapping[str, Any],
        at: datetime,
        sub_relation: Mapping[str, Any],
        aggregates: Mapping[str, Decimal],
    ) -> Facts:
        return Facts(
            transaction=transaction,
            at=at,
            member=member_facts(self.state, member, at, self._bought(member.id)),
            sub_relation=sub_relation,
            aggregates=aggregates,
            tier=self.tiers.at(member.id, at),
            frozen_segments=self._snapshots.get(member.id, frozenset()),
        )

    def used(self, member_id: int, at: datetime) -> dict[CapKey, int]:
        """What each cap has counted in the windows of this instant, in smallest units."""
        return {key: self._counters.get((member_id, *key), 0) for key in cap_keys(self.state.rules, at)}

    def count(self, member_id: int, evaluation: Evaluation, counted: Counted) -> None:
        """A transaction was posted: caps and aggregates move on."""
        for key, points in evaluation.counted.items():
            self._move_counter((member_id, *key), points)
        for aggregate, start in self._buckets_at(counted):
            place = (member_id, aggregate.key, start)
            stood = self._buckets.get(place, EMPTY)
            self._put_bucket(place, with_value(stood, aggregate, counted.added[aggregate.key]))
            self._counted_now.setdefault(place, []).append(counted)
        if self._has_purchases:
            number, last = self._purchases.get(member_id, (0, None))
            self._purchases[member_id] = (number + 1, counted.at if last is None else max(last, counted.at))

    def give_back(
        self, members: Sequence[int], counted: Counted, points: Mapping[str, int], part: Decimal, *, is_whole: bool
    ) -> list[tuple[Aggregate, date]]:
        """A refund took back `points` by rule group: the windows and periods of the purchase get theirs back.

        The first of `members` answers for the purchase, the others had it before they were merged and part by their
        caps. A sum of amounts gets back the part; everything else once the purchase is refunded whole. The buckets
        that lost their least or greatest value by that are given back, for `put_extremes`.
        """
        for scope, window_name, start in cap_keys(self.state.rules, counted.at):
            given = sum(points.values()) if scope == "" else points.get(scope, 0)
            for place in [(one, scope, window_name, start) for one in members]:
                if given and place in self._counters:
                    self._move_counter(place, -min(given, self._counters[place]))
        lost: list[tuple[Aggregate, date]] = []
        for aggregate, start in self._buckets_at(counted):
            bucket = (members[0], aggregate.key, start)
            stood, value = self._buckets.get(bucket), counted.added[aggregate.key]
            if stood is None:
                continue
            self._put_bucket(bucket, without(stood, aggregate, value, part, is_whole=is_whole))
            if is_whole:
                self._counted_now[bucket] = [one for one in self._counted_now.get(bucket, []) if one is not counted]
                if loses_extreme(stood, aggregate, value):
                    lost.append((aggregate, start))
        return lost

    def put_extremes(self, member_id: int, aggregate: Aggregate, start: date, stored: Stats) -> None:
        """What the stored purchases of a bucket have, and those of this run: their least and greatest are its own."""
        place = (member_id, aggregate.key, start)
        for one in self._counted_now.get(place, []):
            stored = with_value(stored, aggregate, one.added[aggregate.key])
        self._buckets[place] = with_extremes(self._buckets[place], stored)

    def counted_of(self, member: Member, stored: StoredTransaction) -> Counted:
        """What a stored purchase added, by the definitions in force."""
        transaction = transaction_facts(self.state.configuration, stored, member.relation_reference)
        return self.facts(member, transaction, stored.transaction_date, {})[1]

    def aggregate(self, member_id: int, key: str, at: datetime) -> Decimal | None:
        """The value of an aggregate at an instant whose buckets were read."""
        one = next(one.aggregate for one in self.state.rules.aggregates if one.aggregate.key == key)
        return value_of(one, self._stats(member_id, one, local_date(at, self.state.zone)))

    def store(self, bulk: Bulk) -> None:
        """Store what moved."""
        put_counters(bulk, self.state.id, {key: self._counters[key] for key in sorted(self._moved_counters)})
        put_buckets(bulk, self.state.id, {key: self._buckets[key] for key in sorted(self._moved_buckets)})

    def _bought(self, member_id: int) -> Purchases | None:
        return self._purchases.get(member_id, (0, None)) if self._has_purchases else None

    def _move_counter(self, place: Counter, points: int) -> None:
        self._counters[place] = self._counters.get(place, 0) + points
        self._moved_counters.add(place)

    def _buckets_at(self, counted: Counted) -> list[tuple[Aggregate, date]]:
        """The aggregates that a transaction counts in, each with the day of its bucket."""
        return [
            (one.aggregate, bucket_start(one.aggregate.period, counted.day))
            for one in self.state.rules.aggregates
            if one.aggregate.key in counted.added
        ]

    def _stats(self, member_id: int, aggregate: Aggregate, day: date) -> Stats:
        first, last = window(aggregate.period, day)
        if first == last:
            return self._buckets.get((member_id, aggregate.key, first), EMPTY)
        stats = EMPTY
        for start in self._days_of(member_id, aggregate.key):
            if first <= start <= last:
                stats = merge(stats, self._buckets[member_id, aggregate.key, start])
        return stats

    def _days_of(self, member_id: int, key: str) -> set[date]:
        """The buckets of one member and aggregate, found among those of the whole run."""
        if self._days is None:
            self._days = {}
            for owner, of, start in self._buckets:
                self._days.setdefault((owner, of), set()).add(start)
        return self._days.get((member_id, key), set())

    def _put_bucket(self, place: BucketKey, stats: Stats) -> None:
        self._buckets[place] = stats
        self._moved_buckets.add(place)
        if self._days is not None:
            self._days.setdefault(place[:2], set()).add(place[2])
