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
    Stats,
    contributions,
    loses_extreme,
    with_extremes,
    with_value,
    without,
)
from domain.rules.cap import CapKey, cap_keys
from domain.rules.evaluate import Evaluation, Facts
from domain.rules.model import Aggregate
from domain.rules.segment import frozen_segments
from domain.store.bulk import Bulk
from domain.store.program import ProgramState
from domain.store.reading import Reading, into, read_together
from domain.store.segment import snapshots
from domain.store.tally import BucketKey, Tallies
from domain.store.transaction import StoredTransaction, purchases
from resolvers.fact import Counted, Purchases, member_facts, person_facts, transaction_facts
from resolvers.tier_history import TierHistories


@dataclass(slots=True)
class Standing:
    """The standing of members, as it is after each transaction of a run.

    `recounted` are aggregates whose stored buckets do not count, because the definition is another one.
    `of_segments`: what segments may ask is read as well, also those that decide on no purchase. `takes_back`: whether
    refunds may take back what is counted.
    """

    state: ProgramState
    recounted: frozenset[str] = frozenset()
    of_segments: bool = False
    takes_back: bool = True
    tiers: TierHistories = field(init=False)
    _has_purchases: bool = field(init=False)
    _tallies: Tallies = field(init=False)
    _counted_now: dict[BucketKey, list[Counted]] = field(default_factory=dict)
    _people: dict[int, dict[str, Any]] = field(default_factory=dict)
    _snapshots: dict[int, frozenset[str]] = field(default_factory=dict)
    _purchases: dict[int, tuple[int, datetime | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tiers = TierHistories(self.state)
        self._tallies = Tallies(self.state.id, self.recounted)
        by_segments = self.of_segments and self.state.segments_ask_for_purchases
        self._has_purchases = self.state.asks_for_purchases or by_segments

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
        day = local_date(at, self.state.zone)
        [part] = [one for one in self.state.tally_plan.on(day).parts if one.key == key]
        read_together(tx, self._tallies.reading(ids, part.years))

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
        years = self.state.tally_plan.years({local_date(at, self.state.zone) for at in instants})
        return [self._tallies.reading(ids, years)] if years else []

    def suppose(self, buckets: Mapping[BucketKey, Stats]) -> None:
        """Parts of aggregates that were counted elsewhere, in place of stored ones."""
        for place, stats in buckets.items():
            self._tallies.put_stats(*place, stats)

    def facts(
        self, member: Member, transaction: Mapping[str, Any], at: datetime, sub_relation: Mapping[str, Any]
    ) -> tuple[Facts, Counted]:
        """The transaction as the rules see it, aggregates with itself in them, and what it adds to those."""
        values: dict[str, Decimal] = {}
        facts = self._facts(member, transaction, at, sub_relation, values)
        added, day = contributions(self.state.rules, facts), local_date(at, self.state.zone)
        values.update(self._tallies.values(member.id, self.state.tally_plan.on(day).asked, added))
        return facts, Counted(at, day, added)

    def profile(self, member: Member, at: datetime) -> Facts:
        """The member as segments see it at an instant, without a transaction."""
        parts = self.state.tally_plan.on(local_date(at, self.state.zone)).parts
        return self._facts(member, {}, at, {}, self._tallies.values(member.id, parts, {}))

    def _facts(
        self,
        member: Member,
        transaction: Mapping[str, Any],
        at: datetime,
        sub_relation: Mapping[str, Any],
        aggregates: Mapping[str, Decimal],
    ) -> Facts:
        person = self._people.get(member.id)
        if person is None:
            person = self._people[member.id] = person_facts(self.state, member)
        return Facts(
            transaction=transaction,
            at=at,
            member=member_facts(self.state, person, at, self._bought(member.id)),
            sub_relation=sub_relation,
            aggregates=aggregates,
            tier=self.tiers.at(member.id, at),
            frozen_segments=self._snapshots.get(member.id, frozenset()),
        )

    def used(self, member_id: int, at: datetime) -> dict[CapKey, int]:
        """What each cap has counted in the windows of this instant, in smallest units."""
        if not self.state.rules.caps:
            return {}
        plan = self.state.tally_plan.on(local_date(at, self.state.zone))
        return self._tallies.points_on(member_id, plan.caps)

    def count(self, member_id: int, evaluation: Evaluation, counted: Counted) -> None:
        """A transaction was posted: caps and aggregates move on."""
        plan = self.state.tally_plan.on(counted.day)
        for key, points in evaluation.counted.items():
            self._tallies.count(member_id, plan.caps[key], points)
        self._tallies.add(member_id, plan, counted.added)
        for part in plan.extremes if self.takes_back else ():
            if part.key in counted.added:
                self._counted_now.setdefault((member_id, part.key, part.start), []).append(counted)
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
        for key in cap_keys(self.state.rules, counted.at):
            given = points.get(key.scope, 0) if key.scope else sum(points.values())
            for one in members:
                counted_so_far = self._tallies.points(one, key)
                if given and counted_so_far:
                    self._tallies.put_points(one, key, counted_so_far - min(given, counted_so_far))
        lost: list[tuple[Aggregate, date]] = []
        for aggregate, start in self._buckets_at(counted):
            bucket = (members[0], aggregate.key, start)
            stood, value = self._tallies.stats(*bucket), counted.added[aggregate.key]
            if not stood.count:
                continue
            self._tallies.put_stats(*bucket, without(stood, aggregate, value, part, is_whole=is_whole))
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
        self._tallies.put_stats(*place, with_extremes(self._tallies.stats(*place), stored))

    def counted_of(self, member: Member, stored: StoredTransaction) -> Counted:
        """What a stored purchase added, by the definitions in force."""
        transaction = transaction_facts(self.state.configuration, stored, member.relation_reference)
        return self.facts(member, transaction, stored.transaction_date, {})[1]

    def aggregate(self, member_id: int, key: str, at: datetime) -> Decimal | None:
        """The value of an aggregate at an instant whose buckets were read."""
        [part] = [each for each in self.state.tally_plan.on(local_date(at, self.state.zone)).parts if each.key == key]
        return self._tallies.values(member_id, [part], {}).get(key)

    def store(self, bulk: Bulk) -> None:
        """Store what moved."""
        self._tallies.store(bulk)

    def _bought(self, member_id: int) -> Purchases | None:
        return self._purchases.get(member_id, (0, None)) if self._has_purchases else None

    def _buckets_at(self, counted: Counted) -> list[tuple[Aggregate, date]]:
        """The aggregates that a transaction counts in, each with the day of its bucket."""
        parts = self.state.tally_plan.on(counted.day).parts
        return [(part.aggregate, part.start) for part in parts if part.key in counted.added]
