"""What beside the ledger decides on an earning: caps, aggregates, tier, segments, of all members of one run.

Read with a few statements for the whole run, kept up in memory from transaction to transaction, and stored
at its end. The accounts are locked meanwhile, so nobody else counts on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    merge,
    value_of,
    window,
    with_value,
    without,
)
from domain.rules.attributes import typed
from domain.rules.cap import CapKey, cap_keys, window_starts
from domain.rules.evaluate import Evaluation, Facts
from domain.rules.fixed import member_definitions, transaction_definitions
from domain.rules.model import Aggregate, Configuration
from domain.rules.segment import frozen_segments
from domain.store.counter import BucketKey, Counter, put_buckets, put_counters, read_buckets, read_counters
from domain.store.program import ProgramState
from domain.store.segment import read_snapshots
from domain.store.tier import History, read_tiers
from domain.store.transaction import StoredTransaction, purchases_of


@dataclass(frozen=True, slots=True)
class Counted:
    """What a transaction added beside points: to give it back when it is refunded."""

    at: datetime
    added: Mapping[str, Decimal]


def transaction_facts(configuration: Configuration, stored: StoredTransaction, reference: str) -> dict[str, Any]:
    """A stored transaction as rules and aggregates see it; `reference` is that of its member."""
    return {
        **typed(transaction_definitions(configuration), stored.attributes),
        "transaction_id": stored.transaction_id,
        "transaction_date": stored.transaction_date,
        "amount": stored.amount,
        "product_code": stored.product_code,
        "sub_product_code": stored.sub_product_code,
        "member_relation_reference": reference,
        "transaction_type": stored.type,
    }


@dataclass(slots=True)
class Standing:
    """The standing of members, as it is after each transaction of a run.

    `of_segments`: what segments may ask is read as well, also those that decide on no purchase.
    """

    state: ProgramState
    of_segments: bool = False
    _counters: dict[Counter, int] = field(default_factory=dict)
    _buckets: dict[BucketKey, Stats] = field(default_factory=dict)
    _moved_counters: set[Counter] = field(default_factory=set)
    _moved_buckets: set[BucketKey] = field(default_factory=set)
    _tiers: dict[int, History] = field(default_factory=dict)
    _snapshots: dict[int, frozenset[str]] = field(default_factory=dict)
    _purchases: dict[int, tuple[int, datetime | None]] = field(default_factory=dict)

    @property
    def _has_purchases(self) -> bool:
        return self.state.asks_for_purchases or (self.of_segments and self.state.segments_ask_for_purchases)

    def load(self, tx: Connection, members: Sequence[Member], instants: Iterable[datetime]) -> None:
        """Read what transactions of these instants may need."""
        if not members:
            return
        ids, state = [one.id for one in members], self.state
        self.load_counts(tx, ids, instants)
        if state.configuration.tiers.assessment != "off":
            self._tiers = read_tiers(tx, state.id, ids)
        if frozen := frozen_segments(state.configuration):
            self._snapshots = read_snapshots(tx, state.id, frozen, ids)
        if self._has_purchases:
            self._purchases = purchases_of(tx, state.id, ids)

    def load_counts(self, tx: Connection, ids: Sequence[int], instants: Iterable[datetime]) -> None:
        """Read the caps and aggregates that transactions of these instants may move, unless they are known."""
        state, days = self.state, {local_date(at, self.state.zone): at for at in instants}
        if state.rules.caps:
            starts = {start for day in days for start in window_starts(day).values()}
            self._counters = read_counters(tx, state.id, ids, sorted(starts)) | self._counters
        rolling = [one.aggregate for one in state.rules.aggregates if one.aggregate.period == "rolling_365"]
        fixed = [one.aggregate for one in state.rules.aggregates if one.aggregate.period != "rolling_365"]
        found: dict[BucketKey, Stats] = {}
        if fixed and days:
            starts = {bucket_start(one.period, at, state.zone) for one in fixed for at in days.values()}
            found |= read_buckets(tx, state.id, ids, [one.key for one in fixed], starts=sorted(starts))
        if rolling and days:
            first = window("rolling_365", min(days.values()), state.zone)[0]
            keys = [one.key for one in rolling]
            found |= read_buckets(tx, state.id, ids, keys, between=(first, max(days)))
        self._buckets = found | self._buckets

    def facts(
        self, member: Member, transaction: Mapping[str, Any], at: datetime, sub_relation: Mapping[str, Any]
    ) -> tuple[Facts, Counted]:
        """The transaction as the rules see it, aggregates with itself in them, and what it adds to those."""
        bare = self._facts(member, transaction, at, sub_relation)
        aggregates = self.state.rules.aggregates
        if not aggregates:
            return bare, Counted(at, {})
        added = contributions(self.state.rules, bare)
        values: dict[str, Decimal] = {}
        for one in aggregates:
            stats = self._stats(member.id, one.aggregate, at)
            own = added.get(one.aggregate.key)
            value = value_of(one.aggregate, stats if own is None else with_value(stats, own))
            if value is not None:
                values[one.aggregate.key] = value
        return replace(bare, aggregates=values), Counted(at, added)

    def profile(self, member: Member, at: datetime) -> Facts:
        """The member as segments see it at an instant, without a transaction."""
        values = {
            one.aggregate.key: self.aggregate(member.id, one.aggregate.key, at) for one in self.state.rules.aggregates
        }
        known = {key: value for key, value in values.items() if value is not None}
        return replace(self._facts(member, {}, at, {}), aggregates=known)

    def _facts(
        self, member: Member, transaction: Mapping[str, Any], at: datetime, sub_relation: Mapping[str, Any]
    ) -> Facts:
        return Facts(
            transaction=transaction,
            at=at,
            member=self._member_facts(member, at),
            sub_relation=sub_relation,
            tier=self.tier_at(member, at),
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
            self._buckets[place] = with_value(self._buckets.get(place, EMPTY), counted.added[aggregate.key])
            self._moved_buckets.add(place)
        if self._has_purchases:
            number, last = self._purchases.get(member_id, (0, None))
            self._purchases[member_id] = (number + 1, counted.at if last is None else max(last, counted.at))

    def give_back(
        self, member_id: int, counted: Counted, points: Mapping[str, int], part: Decimal, *, is_whole: bool
    ) -> None:
        """A refund took back `points` by rule group: the windows and periods of the purchase get theirs back.

        A sum of amounts gets back the part; everything else once the purchase is refunded whole.
        """
        for scope, window_name, start in cap_keys(self.state.rules, counted.at):
            given = sum(points.values()) if scope == "" else points.get(scope, 0)
            place = (member_id, scope, window_name, start)
            if given and place in self._counters:
                self._move_counter(place, -min(given, self._counters[place]))
        for aggregate, start in self._buckets_at(counted):
            bucket = (member_id, aggregate.key, start)
            stood, value = self._buckets.get(bucket), counted.added[aggregate.key]
            if stood is None:
                continue
            self._buckets[bucket] = without(stood, aggregate, value, part, is_whole=is_whole)
            self._moved_buckets.add(bucket)

    def tier_at(self, member: Member, at: datetime) -> str | None:
        """The tier that was valid then: before its first one a member had none."""
        history = self._tiers.get(member.id)
        if not history:
            return None
        valid = [tier for since, tier in history if since <= at]
        return valid[-1] if valid else None

    def tier_now(self, member_id: int) -> str | None:
        """The newest tier."""
        history = self._tiers.get(member_id)
        return history[-1][1] if history else None

    def counted_of(self, member: Member, stored: StoredTransaction) -> Counted:
        """What a stored purchase added, by the definitions in force."""
        transaction = transaction_facts(self.state.configuration, stored, member.relation_reference)
        return self.facts(member, transaction, stored.transaction_date, {})[1]

    def set_tier(self, member_id: int, since: datetime, tier: str | None) -> None:
        """A member got another tier in this run."""
        self._tiers.setdefault(member_id, []).append((since, tier))

    def reached(self, member_id: int) -> frozenset[str]:
        """Every tier that the member ever had, with those below it: who was passed over was reached as well."""
        levels = [level.name for level in self.state.configuration.tiers.levels]
        ranks = [levels.index(tier) for _, tier in self._tiers.get(member_id, []) if tier in levels]
        return frozenset(levels[: max(ranks, default=-1) + 1])

    def aggregate(self, member_id: int, key: str, at: datetime) -> Decimal | None:
        """The value of an aggregate at an instant whose buckets were read."""
        one = next(one.aggregate for one in self.state.rules.aggregates if one.aggregate.key == key)
        return value_of(one, self._stats(member_id, one, at))

    def store(self, tx: Connection) -> None:
        """Store what moved."""
        put_counters(tx, self.state.id, {key: self._counters[key] for key in sorted(self._moved_counters)})
        put_buckets(tx, self.state.id, {key: self._buckets[key] for key in sorted(self._moved_buckets)})

    def _move_counter(self, place: Counter, points: int) -> None:
        self._counters[place] = self._counters.get(place, 0) + points
        self._moved_counters.add(place)

    def _buckets_at(self, counted: Counted) -> list[tuple[Aggregate, date]]:
        """The aggregates that a transaction counts in, each with the day of its bucket."""
        zone = self.state.zone
        return [
            (one.aggregate, bucket_start(one.aggregate.period, counted.at, zone))
            for one in self.state.rules.aggregates
            if one.aggregate.key in counted.added
        ]

    def _stats(self, member_id: int, aggregate: Aggregate, at: datetime) -> Stats:
        first, last = window(aggregate.period, at, self.state.zone)
        if first == last:
            return self._buckets.get((member_id, aggregate.key, first), EMPTY)
        stats = EMPTY
        for (owner, key, start), part in self._buckets.items():
            if owner == member_id and key == aggregate.key and first <= start <= last:
                stats = merge(stats, part)
        return stats

    def _member_facts(self, member: Member, at: datetime) -> dict[str, Any]:
        zone = self.state.zone
        facts: dict[str, Any] = {
            **typed(member_definitions(self.state.configuration), member.attributes),
            "relation_reference": member.relation_reference,
            "full_name": member.full_name,
            "email_id": member.email_id,
            "mobile_number": member.mobile_number,
            "address": member.address,
            "gender": member.gender,
            "dob": member.dob,
            "status": member.status,
            "preferred_language": member.preferred_language,
            "enrolled_at": member.enrolled_at,
            "days_since_enrolment": (local_date(at, zone) - local_date(member.enrolled_at, zone)).days,
        }
        if self._has_purchases:
            number, last = self._purchases.get(member.id, (0, None))
            facts["purchases"] = number
            facts["days_since_last_purchase"] = (
                None if last is None else (local_date(at, zone) - local_date(last, zone)).days
            )
        return facts
