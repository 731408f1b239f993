"""Earning, one transaction or a thousand, in one database transaction: the same rules, a few statements.

A refused transaction leaves the others untouched. Within a run later transactions see earlier ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from domain.errors import (
    DuplicateRecord,
    InvalidProductCode,
    InvalidRequest,
    TesseraError,
)
from domain.ledger.account import Account
from domain.member import Member
from domain.member_status import require_earning
from domain.models import member_transaction
from domain.rules.attributes import is_product
from domain.rules.evaluate import AwardTooLarge, CapKey, Evaluation, Facts, GroupAward, evaluate
from domain.store.idempotency import Bound, bind_keys, forget_keys, known_keys
from domain.store.journal import Journal
from domain.store.merge import MergedMeanwhile
from domain.store.program import ProgramState
from domain.store.reading import Reading, read_together
from domain.store.run import begin_run
from domain.store.transaction import insert_transactions, taken
from resolvers.awarding import Awarding, awards_of
from resolvers.beneficiary import Beneficiaries
from resolvers.context import Context
from resolvers.keyed_run import KeyedRun
from resolvers.purchase import Purchase, Waiting
from resolvers.referring import Referring
from resolvers.refunding import Refunds
from resolvers.screening import Held, Screening, split, store_held
from resolvers.standing import Standing
from resolvers.submission import (
    Submission,
    TransactionOutcome,
    check_submission,
    outcome_of,
    read_attributes,
    replay_of,
    row_of,
    why_nothing,
)
from resolvers.submission_order import SubmitTransaction
from resolvers.tiering import Tiering

USE_CASE = "transaction"
# Of many rule groups few give something; ids that are wanting are drawn later.
_USUAL_POSTINGS = 2


class ConfigurationMoved(Exception):  # noqa: N818 - no error of anybody: the run begins again
    """The configuration that a run was begun with is in force no longer."""


@dataclass(slots=True)
class Earnings:
    """Posts transactions in order; `post` once per database transaction.

    `is_peeked`: `state` may be what the process knows, and the run checks that it is in force. Then all members are
    named by reference, and first purchases reward nobody else: all is read together with their accounts.
    """

    tx: Connection
    ctx: Context
    state: ProgramState
    now: datetime
    is_peeked: bool = False
    _beneficiaries: Beneficiaries = field(init=False)
    _accounts: dict[int, Account] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    _keys: KeyedRun[Submission] = field(default_factory=KeyedRun)
    _refunds: Refunds | None = None
    _standing: Standing = field(init=False)
    _awarding: Awarding = field(init=False)
    _tiering: Tiering = field(init=False)
    _referring: Referring = field(init=False)
    _screening: Screening = field(init=False)

    def post(self, commands: Sequence[SubmitTransaction]) -> list[TransactionOutcome | TesseraError]:
        """The outcome or the refusal of each transaction, in order."""
        checked = [check_submission(self.ctx, command, self.state) for command in commands]
        good = [one for one in checked if isinstance(one, Submission)]
        journal = self._load(good)
        decided = [
            one if isinstance(one, TesseraError) else self._keys.decide(one, self._take, self._replay)
            for one in checked
        ]
        # A key that stands twice in one run gives the same object twice: posted once, then replayed.
        posted = {id(one): one for one in decided if isinstance(one, Submission)}
        self._store(journal, list(posted.values()))
        return [
            outcome_of(one, self.state.places, replayed=posted.pop(id(one), None) is None)
            if isinstance(one, Submission)
            else one
            for one in decided
        ]

    def _load(self, good: Sequence[Submission]) -> Journal:
        journal = Journal(
            self.tx,
            self.state.id,
            self.state.config_version,
            self.now,
            self.ctx.principal.actor,
            self.ctx.source,
        )
        self._referring = Referring(self.tx, self.ctx.services.keys, self.state, self.now)
        members = self._meet(journal, good) if self.is_peeked else self._members(good)
        self._accounts = self._open(journal, members)
        self._begin(members)
        ids = sorted({one.id for one in [*members, *self._referring.referrers.values()]})
        wanted = sorted({one.command.transaction_id for one in good})
        is_astray, (self._keys.bound, lapsed), (self._taken, has_parked), *_ = read_together(
            self.tx,
            self._beneficiaries.led_astray(),
            known_keys(self.state.id, USE_CASE, sorted({one.key for one in good if one.key}), self.now),
            taken(self.state.id, wanted),
            *self._standing.readings(ids, self._instants(good)),
            *self._screening.readings(ids, [one.at for one in good if not one.is_refund]),
            *self._numbers(journal, len(good)),
        )
        if is_astray:
            raise MergedMeanwhile
        if lapsed:
            forget_keys(self.tx, self.state.id, USE_CASE, lapsed, self.now)
        self._standing.takes_back = takes_back = has_parked or self._takes_back(good)
        self._awarding.load(with_lots=takes_back)
        if takes_back:
            by_id, activity = {one.id: one for one in members}, self._awarding.activity
            self._refunds = Refunds(self.tx, self.state, self._accounts, by_id, self._standing, activity, self.now)
            self._refunds.load(wanted)
            self._standing.load_counts(self.tx, [*by_id, *self._refunds.merged], self._refunds.instants())
        return journal

    def _takes_back(self, good: Sequence[Submission]) -> bool:
        return any(one.is_refund for one in good)

    def _meet(self, journal: Journal, good: Sequence[Submission]) -> list[Member]:
        """Program, members and accounts in one round trip. Raises ConfigurationMoved."""
        keys, program_id = self.ctx.services.keys, self.state.id
        references = sorted({one.command.member_relation_reference or "" for one in good})
        with_person = self.state.asks_for_person
        beginning = begin_run(self.tx, keys, program_id, references, with_person=with_person)
        if beginning.version != self.state.config_version:
            raise ConfigurationMoved
        self._beneficiaries = Beneficiaries(self.tx, keys, program_id)
        self._referring.accounts |= journal.hold_accounts(beginning.accounts)
        return self._beneficiaries.meet(beginning.members)

    def _members(self, good: Sequence[Submission]) -> list[Member]:
        keys, with_person = self.ctx.services.keys, self.state.asks_for_person
        self._beneficiaries = Beneficiaries(self.tx, keys, self.state.id, with_person)
        return self._beneficiaries.load([(one.command.member_relation_reference, one.value) for one in good])

    def _open(self, journal: Journal, members: Sequence[Member]) -> dict[int, Account]:
        accounts = self._referring.lock_buyers(journal, members)
        # What was due on the accounts must be stored before their lots are read.
        journal.flush()
        return accounts

    def _numbers(self, journal: Journal, count: int) -> list[Reading[None]]:
        """Ids for as many transactions, and for the postings that they usually have, with lots and events."""
        usual = min(_USUAL_POSTINGS, len(self.state.rules.groups))
        return journal.ids.ahead(count * (1 + 3 * usual))

    def _begin(self, members: Sequence[Member]) -> None:
        self._standing = self._new_standing(members)
        self._screening = Screening(self.state)
        self._awarding = Awarding(self.tx, self.state, self._accounts, self.now)
        self._tiering = Tiering(self.tx, self.state, self.now, self._standing, self._awarding)

    def _instants(self, good: Sequence[Submission]) -> list[datetime]:
        """Of which days caps and aggregates are needed."""
        instants = [one.at for one in good if not one.is_refund]
        # An aggregate that a tier goes by is looked at as of now.
        return instants + ([self.now] if self._tiering.is_automatic else [])

    def _new_standing(self, members: Sequence[Member]) -> Standing:  # noqa: ARG002 - for a rehearsal
        return Standing(self.state)

    def _replay(self, one: Submission, bound: Bound) -> TransactionOutcome:
        return replay_of(one, bound, self.state.places)

    def _take(self, one: Submission) -> None:
        """Check against the program and the member's state, then earn or take back."""
        command = one.command
        read_attributes(one, self.state)
        if not is_product(self.state.rules.products, command.product_code, command.sub_product_code):
            raise InvalidProductCode(field="product_code")
        member, one.sub_relation = self._beneficiaries.find(command.member_relation_reference, one.value)
        one.member = member
        require_earning(member, accrue_cancelled=self.state.terms.accrue_cancelled)
        if one.is_refund:
            self._take_back(one, member)
        else:
            self._earn(one, member)

    def _earn(self, one: Submission, member: Member) -> None:
        command = one.command
        if self._is_taken(command):
            raise DuplicateRecord("transaction_id", field="transaction_id")
        facts, counted = self._standing.facts(member, one.facts, one.at, one.sub_relation_facts)
        evaluation = self._evaluate(facts, self._standing.used(member.id, one.at))
        points, one.why_nothing = evaluation.points, why_nothing(evaluation)
        allowed = self._postable(one, member, points)
        if allowed == 0:
            self._hold(one, member, points)
            return
        # All of it or nothing: the awards are posted one by one.
        self._accounts[member.id].check_room(points + self._tiering.most_bonus)
        self._taken.add(command.transaction_id)
        given: Sequence[GroupAward] = evaluation.awards
        if allowed is not None:
            given, one.held = split(given, allowed)
        one.drafts = self._awarding.post(member.id, given, one.at, command.source)
        self._standing.count(member.id, evaluation, counted)
        if self._refunds is not None:
            awards = awards_of(one.drafts, given)
            one.purchase = Purchase(amount=command.amount, at=one.at, awards=awards, counted=counted)
            one.taken_back = self._refunds.remember(member.id, command.transaction_id, one.purchase)
        self._referring.reward_purchase(member, self._awarding, self._tiering)
        one.bonuses = self._tiering.assess(member, self._accounts[member.id])

    def _evaluate(self, facts: Facts, used: Mapping[CapKey, int]) -> Evaluation:
        """What the rules give. Nobody keeps it: what a run holds on to falls out of the processor's cache."""
        try:
            return evaluate(self.state.rules, facts, used)
        except AwardTooLarge as error:
            raise InvalidRequest(f"amount: {error}", field="amount") from error

    def _is_taken(self, command: SubmitTransaction) -> bool:
        return self.state.terms.unique_transaction_id and command.transaction_id in self._taken

    def _postable(self, one: Submission, member: Member, points: int) -> int | None:
        """How much of an earning may be posted without a review: None all, 0 nothing."""
        return self._screening.postable(member.id, one.command.product_code, one.at, points)

    def _hold(self, one: Submission, member: Member, points: int) -> None:
        """Nothing is posted or counted: it is evaluated when it is approved. Its refunds wait as well."""
        one.held = Held(points=points)
        self._taken.add(one.command.transaction_id)
        if self._refunds is not None:
            self._refunds.held.add((member.id, one.command.transaction_id))

    def _take_back(self, one: Submission, member: Member) -> None:
        refunds, command = self._refunds, one.command
        if refunds is None:
            raise RuntimeError("a refund without what it needs: see _load")
        drafts = refunds.take_back(member.id, command.transaction_id, command.amount, one.at)
        is_held = (member.id, command.transaction_id) in refunds.held
        if drafts is None and not is_held and self._is_taken(command):
            raise InvalidRequest("transaction_id: a purchase of another member", field="transaction_id")
        one.waiting = Waiting(amount=command.amount, dated=one.at, drafts=drafts or [], is_parked=drafts is None)
        if drafts is None:
            refunds.park(member.id, command.transaction_id, one.waiting)
        else:
            self._tiering.assess(member, self._accounts[member.id])

    def _store(self, journal: Journal, posted: Sequence[Submission]) -> None:
        for one, row_id in zip(posted, journal.ids.take(member_transaction, len(posted)), strict=True):
            if one.waiting is not None:
                one.drafts = one.waiting.drafts
            one.stored = row_of(one, self.state, self.ctx, self.now, row_id)
            for draft in one.drafts:
                draft.transaction_ref = row_id
        bulk = journal.bulk
        insert_transactions(bulk, [one.stored for one in posted if one.stored is not None])
        held = [(one.stored.id, one.stored.member_id, one.held) for one in posted if one.stored and one.held]
        store_held(bulk, journal.ids, self.state.id, held, self.now)
        journal.write_down()
        self._standing.store(bulk)
        self._tiering.write_down(journal)
        self._keys.binding |= {one.key: Bound(one.fingerprint, one.bindable) for one in posted if one.key}
        bind_keys(bulk, self.state.id, USE_CASE, self._keys.binding, self.now)
        bulk.store()
        if self._refunds is not None:
            self._refunds.store()
        self._referring.store()
