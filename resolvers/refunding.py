"""Refunds in one database transaction: a `CR` takes back what the `DR` of its transaction id earned.

In proportion to the amount, never more than the whole, from several purchases oldest first. A refund whose
purchase has not arrived is parked and applied when it does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from domain.errors import InsufficientPoints
from domain.ledger.account import Account
from domain.ledger.posting import Draft
from domain.ledger.refund import Claim, Policy, refund, refundable, share
from domain.member import Member
from domain.models.types import to_json
from domain.points import from_minor, plain_text
from domain.rules.fixed import EARN, REFUND
from domain.store.lot import lots_of_entries
from domain.store.merge import merged_ids, moved
from domain.store.program import ProgramState
from domain.store.transaction import (
    HELD,
    PARKED,
    POSTED,
    REJECTED,
    StoredTransaction,
    earnings_of,
    find_by_transaction_id,
    update_transactions,
)
from resolvers.activity import Activity
from resolvers.purchase import Award, Purchase, Waiting, group_of, parts_of
from resolvers.recount import recount_bucket
from resolvers.standing import Standing

Key = tuple[int, str]
"""A member and a transaction id."""


@dataclass(slots=True)
class Refunds:
    """The purchases and lots that the refunds of one run need, loaded at once.

    `merged`: whom the members were merged into whose purchases others answer for by now. `held`: purchases that wait
    for a decision, and their refunds with them, or were rejected.
    """

    tx: Connection
    state: ProgramState
    accounts: Mapping[int, Account]
    members: Mapping[int, Member]
    standing: Standing
    activity: Activity
    now: datetime
    merged: dict[int, int] = field(default_factory=dict)
    held: set[Key] = field(default_factory=set)
    _purchases: dict[Key, list[Purchase]] = field(default_factory=dict)
    _parked: dict[Key, list[Waiting]] = field(default_factory=dict)
    _changed: dict[int, StoredTransaction] = field(default_factory=dict)
    _gone: set[int] = field(default_factory=set)

    def _waits(self, parked: StoredTransaction, key: Key) -> bool:
        """Whether a parked refund still waits: after the program's days its purchase is none the worse."""
        return key in self.held or self.now < parked.processed_at + timedelta(days=self.state.terms.park_days)

    def load(self, transaction_ids: Sequence[str]) -> None:
        """Read what these transaction ids may need. The accounts are locked, and what was due on them is stored."""
        tx, program_id = self.tx, self.state.id
        # A purchase of somebody for whom a member answers since a merge is that member's.
        answers = merged_ids(tx, program_id, list(self.accounts))
        self._load_waiting(answers, transaction_ids)
        stored = find_by_transaction_id(tx, program_id, transaction_ids, kind=EARN, status=POSTED)
        rows = [row for mine in stored.values() for row in mine]
        earnings = earnings_of(tx, program_id, [row.id for row in rows])
        known = {lot.id: lot for lots in self.activity.lots.values() for lot in lots}
        made = lots_of_entries(tx, program_id, [one.id for mine in earnings.values() for one in mine])
        # What a merged member's purchase made goes on in lots of who answers for it.
        became: dict[int, int] = {}
        if any(row.member_id in answers for row in rows):
            became, self.merged = moved(tx, program_id, list(answers))
        for (member_id, number), mine in stored.items():
            key = answers.get(member_id, member_id), number
            self._purchases.setdefault(key, []).extend(
                Purchase(
                    amount=row.amount,
                    at=row.transaction_date,
                    refunded=row.refunded,
                    stored=row,
                    awards=[
                        Award(
                            earning=one.id,
                            group=group_of(one.detail),
                            bucket=one.bucket,
                            loyalty_txn_type=one.loyalty_txn_type,
                            points=one.points,
                            # One object for a lot, however it was found.
                            lots=[known.get(_last_of(lot.id, became), lot) for lot in made[one.id]],
                        )
                        for one in earnings[row.id]
                    ],
                )
                for row in mine
            )

    def _load_waiting(self, answers: Mapping[int, int], transaction_ids: Sequence[str]) -> None:
        """The purchases that are held, and the refunds that wait for theirs."""
        tx, program_id = self.tx, self.state.id
        held = find_by_transaction_id(tx, program_id, transaction_ids, kind=EARN, status=(HELD, REJECTED))
        self.held |= {(answers.get(member_id, member_id), number) for member_id, number in held}
        parked = find_by_transaction_id(tx, program_id, transaction_ids, kind=REFUND, status=PARKED)
        for (member_id, number), mine in parked.items():
            key = answers.get(member_id, member_id), number
            self._parked.setdefault(key, []).extend(_waiting(row) for row in mine if self._waits(row, key))

    def instants(self) -> list[datetime]:
        """When the purchases were made: the windows that refunds give back to."""
        return [one.at for mine in self._purchases.values() for one in mine]

    def remember(self, member_id: int, transaction_id: str, purchase: Purchase) -> list[Draft]:
        """A purchase of this run, and what refunds of earlier runs that waited for it take back now."""
        key = member_id, transaction_id
        self._purchases.setdefault(key, []).append(purchase)
        return [draft for waiting in self._parked.pop(key, []) for draft in self._apply_parked(key, waiting)]

    def park(self, member_id: int, transaction_id: str, refund_of: Waiting) -> None:
        """A refund of this run whose purchase has not arrived."""
        self._parked.setdefault((member_id, transaction_id), []).append(refund_of)

    def _apply_parked(self, key: Key, waiting: Waiting) -> list[Draft]:
        try:
            waiting.drafts = self.take_back(*key, waiting.amount, waiting.dated) or []
        except InsufficientPoints:
            # Under `refuse` it stays where it is; the purchase itself is none the worse.
            self._parked.setdefault(key, []).append(waiting)
            return []
        waiting.is_parked = False
        if waiting.stored is None:
            return []  # It is of this run, whose answer to it tells them.
        for draft in waiting.drafts:
            draft.transaction_ref = waiting.stored.id
        waiting.stored.status = POSTED
        waiting.stored.points = sum(draft.points for draft in waiting.drafts)
        self._changed[waiting.stored.id] = waiting.stored
        return waiting.drafts

    def take_back(self, member_id: int, transaction_id: str, amount: Decimal, dated: datetime) -> list[Draft] | None:
        """The postings of a refund; None where its purchase has not arrived. Raises InsufficientPoints (`refuse`)."""
        purchases = self._purchases.get((member_id, transaction_id))
        if not purchases:
            return None
        account = self.accounts[member_id]
        parts = [(one, part) for one, part in parts_of(purchases, amount) if part > 0]
        claims = [
            (one, award, share(award.points, one.whole, one.refunded, part))
            for one, part in parts
            for award in one.awards
        ]
        own = [lot for one, _ in parts for lot in one.lots]
        if self._policy == "refuse" and sum(points for *_, points in claims) > refundable(account, own):
            raise InsufficientPoints
        tried = [self._claim(account, one, award, points, dated) for one, award, points in claims if points]
        drafts = [draft for draft in tried if draft is not None]
        for one, part in parts:
            self._give_back(member_id, one, part)
            one.refunded += part
            if one.stored is not None:
                one.stored.refunded = one.refunded
                self._changed[one.stored.id] = one.stored
        gone = [award.earning for one, award, points in claims if points and one.has_lost(award)]
        self.activity.take_back(account, gone, drafts[-1] if drafts else None)
        return drafts

    def take_share(self, member_id: int, purchase: Purchase, dated: datetime) -> list[Draft]:
        """The postings for what refunds have taken already of a purchase whose awards come only now."""
        account = self.accounts[member_id]
        taken = {award.group: 0 for award in purchase.awards}
        drafts = []
        for award in purchase.awards:
            points = share(award.points, purchase.whole, Decimal(0), purchase.refunded)
            taken[award.group] += points
            if points and (draft := self._claim(account, purchase, award, points, dated)) is not None:
                drafts.append(draft)
        if purchase.counted is not None:
            self.standing.give_back([member_id], purchase.counted, taken, Decimal(0), is_whole=False)
        gone = [award.earning for award in purchase.awards if purchase.has_lost(award)] if drafts else []
        self.activity.take_back(account, gone, drafts[-1] if drafts else None)
        return drafts

    def _give_back(self, member_id: int, one: Purchase, part: Decimal) -> None:
        """Caps and aggregates get back what the purchase took of them, in its own windows."""
        if one.counted is None and one.stored is not None:
            one.counted = self.standing.counted_of(self.members[member_id], one.stored)
        if one.counted is None:
            return
        whole = one.refunded + part >= one.whole
        if whole and one.stored is not None:
            self._gone.add(one.stored.id)
        points, holders = one.taken_by(part), self._holders(member_id, one)
        for aggregate, start in self.standing.give_back(holders, one.counted, points, part, is_whole=whole):
            stored = recount_bucket(self.tx, self.state, member_id, aggregate, start, gone=self._gone)
            self.standing.put_extremes(member_id, aggregate, start, stored)

    def _holders(self, member_id: int, one: Purchase) -> list[int]:
        """Who answers for a purchase, and whose it was before, from merge to merge."""
        holders, before = [member_id], member_id if one.stored is None else one.stored.member_id
        while before in self.merged:
            holders.append(before)
            before = self.merged[before]
        return holders

    def _claim(self, account: Account, purchase: Purchase, award: Award, points: int, dated: datetime) -> Draft | None:
        own = {id(lot) for lot in purchase.lots}
        draft, loss = refund(
            account,
            Claim(
                earning=award.earning,
                bucket=award.bucket,
                loyalty_txn_type=award.loyalty_txn_type,
                points=points,
            ),
            [lot for lot in purchase.lots if lot.remaining],
            [lot for lot in self.activity.lots.get(account.id, []) if lot.remaining and id(lot) not in own],
            policy=self._policy,
            dated=dated,
        )
        if draft is not None:
            loss_told = {"loss": plain_text(from_minor(loss, self.state.places))} if loss else {}
            draft.detail = to_json({"group": award.group, **loss_told})
        return draft

    @property
    def _policy(self) -> Policy:
        return self.state.terms.refund_policy

    def store(self) -> None:
        """Store what became of purchases and parked refunds that were there before this run."""
        update_transactions(self.tx, self.state.id, list(self._changed.values()))


def _last_of(lot_id: int | None, became: Mapping[int, int]) -> int | None:
    while lot_id is not None and lot_id in became:
        lot_id = became[lot_id]
    return lot_id


def _waiting(row: StoredTransaction) -> Waiting:
    return Waiting(amount=row.amount, dated=row.transaction_date, stored=row)
