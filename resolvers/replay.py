"""Replaying what members bought under other rules, beside what it really gave: nothing is stored.

Starts from nothing counted. Members are as they are now, with the tiers that they had at the time; what a
transaction named of a card or account is not stored with it, so conditions see nothing of that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from domain.crypto import KeyRing
from domain.member import Member
from domain.program_zone import local_date, start_of_day
from domain.rules.aggregate import window
from domain.rules.attributes import is_product
from domain.rules.cap import LIFETIME_START, cap_keys
from domain.rules.evaluate import AwardTooLarge, evaluate
from domain.rules.fixed import EARN
from domain.store.member import find_members
from domain.store.program import ProgramState
from domain.store.transaction import StoredEarning, StoredTransaction
from resolvers.fact import transaction_facts
from resolvers.purchase import Award, Purchase, group_of, parts_of
from resolvers.standing import Standing

_AN_INSTANT = timedelta(microseconds=1)


@dataclass(slots=True)
class Tally:
    """What one member was given by rule group in the period, really and by the draft, in smallest units."""

    actual: dict[str, int] = field(default_factory=dict)
    draft: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Bought:
    """A purchase as it was posted, and as the draft has it."""

    actual: Purchase
    draft: Purchase


@dataclass(slots=True)
class Replay:
    """The purchases and refunds of some members, replayed in the order of posting. `state` is that of the draft."""

    state: ProgramState
    start: datetime
    end: datetime
    members: Mapping[int, Member]
    history: Standing
    tallies: dict[int, Tally] = field(default_factory=dict)
    transactions: int = 0
    warmed_up: int = 0
    refused: int = 0
    _standings: dict[int, Standing] = field(default_factory=dict)
    _bought: dict[tuple[int, str], list[_Bought]] = field(default_factory=dict)
    _early: dict[tuple[int, str], list[StoredTransaction]] = field(default_factory=dict)

    def add(self, rows: Sequence[StoredTransaction], earnings: Mapping[int, Sequence[StoredEarning]]) -> None:
        """Replay the next transactions; `earnings` is what they really gave."""
        for row in rows:
            if self._counts(row):
                self.transactions += 1
            else:
                self.warmed_up += 1
            key = row.member_id, row.transaction_id
            if row.type == EARN:
                bought = self._buy(row, earnings[row.id])
                self._bought.setdefault(key, []).append(bought)
                for early in self._early.pop(key, ()):
                    self._take_back(early, [bought])
            elif key in self._bought:
                self._take_back(row, self._bought[key])
            else:
                # Its purchase comes later, or lies before all that is replayed: then it counts on neither side.
                self._early.setdefault(key, []).append(row)

    def _counts(self, row: StoredTransaction) -> bool:
        return self.start <= row.transaction_date < self.end

    def _buy(self, row: StoredTransaction, earned: Sequence[StoredEarning]) -> _Bought:
        bought = _Bought(self._purchase(row, [(group_of(one.detail), one.points) for one in earned]), self._draft(row))
        if self._counts(row):
            for purchase, tally in self._sides(bought, row.member_id):
                for award in purchase.awards:
                    tally[award.group] = tally.get(award.group, 0) + award.points
        return bought

    def _draft(self, row: StoredTransaction) -> Purchase:
        member, at, state = self.members[row.member_id], row.transaction_date, self.state
        if not is_product(state.rules.products, row.product_code, row.sub_product_code):
            return self._refused(row)
        standing = self._standing(row.member_id)
        transaction = transaction_facts(state.configuration, row, member.relation_reference)
        facts, counted = standing.facts(member, transaction, at, {})
        # A tier that the transaction itself led to began at its posting.
        facts = replace(facts, tier=standing.tiers.at(member.id, min(at, row.processed_at - _AN_INSTANT)))
        try:
            evaluation = evaluate(state.rules, facts, standing.used(member.id, at))
        except AwardTooLarge:
            return self._refused(row)
        standing.count(member.id, evaluation, counted)
        purchase = self._purchase(row, [(award.group, award.points) for award in evaluation.awards])
        purchase.counted = counted
        return purchase

    def _refused(self, row: StoredTransaction) -> Purchase:
        self.refused += self._counts(row)
        return self._purchase(row, [])

    def _purchase(self, row: StoredTransaction, given: Sequence[tuple[str, int]]) -> Purchase:
        awards = [
            Award(earning=0, group=group, bucket="spend", loyalty_txn_type=0, points=points, lots=())
            for group, points in given
        ]
        return Purchase(amount=row.amount, at=row.transaction_date, awards=awards)

    def _take_back(self, refund: StoredTransaction, bought: Sequence[_Bought]) -> None:
        """On both sides all that the refund claims, whatever of it was spent already."""
        for side in ("actual", "draft"):
            purchases: list[Purchase] = [getattr(one, side) for one in bought]
            for purchase, part in [(one, part) for one, part in parts_of(purchases, refund.amount) if part > 0]:
                taken = purchase.taken_by(part)
                if self._counts(refund):
                    tally: dict[str, int] = getattr(self._tally(refund.member_id), side)
                    for group, points in taken.items():
                        tally[group] = tally.get(group, 0) - points
                self._give_back(refund.member_id, purchase, taken, part)
                purchase.refunded += part

    def _give_back(self, member_id: int, purchase: Purchase, taken: Mapping[str, int], part: Decimal) -> None:
        if purchase.counted is not None:
            whole = purchase.refunded + part >= purchase.whole
            self._standing(member_id).give_back([member_id], purchase.counted, taken, part, is_whole=whole)

    def _sides(self, bought: _Bought, member_id: int) -> list[tuple[Purchase, dict[str, int]]]:
        tally = self._tally(member_id)
        return [(bought.actual, tally.actual), (bought.draft, tally.draft)]

    def _tally(self, member_id: int) -> Tally:
        return self.tallies.setdefault(member_id, Tally())

    def _standing(self, member_id: int) -> Standing:
        if member_id not in self._standings:
            self._standings[member_id] = self.history.fresh()
        return self._standings[member_id]


def open_replay(
    tx: Connection, keys: KeyRing, state: ProgramState, members: Sequence[int], start: datetime, end: datetime
) -> Replay:
    """A replay of these members, of whom nothing was replayed yet."""
    history = Standing(state)
    history.load_history(tx, members)
    found = {one.member.id: one.member for one in find_members(tx, keys, state.id, ids=members)}
    return Replay(state, start, end, found, history)


def replay_from(state: ProgramState, start: datetime) -> datetime:
    """Where to begin, so that all that counts at `start` is counted by then: the earliest window that is open."""
    firsts: list[date] = [key.start for key in cap_keys(state.rules, start)]
    day = local_date(start, state.zone)
    firsts += [window(one.aggregate.period, day)[0] for one in state.rules.aggregates]
    if state.asks_for_purchases:
        firsts.append(LIFETIME_START)
    return min([start, *(start_of_day(first, state.zone) for first in firsts)])
