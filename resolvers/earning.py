"""Earning, one transaction or a thousand, in one database transaction: the same rules, a few statements.

A refused transaction leaves the others untouched. Within a run later transactions see earlier ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from domain.errors import (
    AccrualNotAllowed,
    DuplicateRecord,
    InvalidProductCode,
    InvalidRequest,
    KeyReused,
    MemberNotFound,
    TesseraError,
    member_status_error,
)
from domain.ledger.account import Account
from domain.ledger.expiry import expires_at
from domain.ledger.posting import BONUS, SPEND, Draft, expiry_of, new_lot
from domain.member import ACTIVE, CANCELLED, INACTIVE, LOGIN_BLOCKED, Member
from domain.models import member_transaction
from domain.models.types import to_json
from domain.points import from_minor
from domain.rules.attributes import is_product, storable
from domain.rules.evaluate import AwardTooLarge, GroupAward, evaluate
from domain.rules.fixed import EARN, REFUND
from domain.store.idempotency import Bound, bind_key, find_keys, refusal_outcome
from domain.store.ids import allocate_ids
from domain.store.journal import Journal
from domain.store.member import find_members
from domain.store.program import ProgramState
from domain.store.transaction import PARKED, POSTED, StoredTransaction, insert_transactions, standing_of
from resolvers.context import Context
from resolvers.earning_facts import facts_of
from resolvers.refunding import Award, Purchase, Refunds, Waiting
from resolvers.submission import (
    Submission,
    SubmitTransaction,
    TransactionOutcome,
    check_submission,
    read_attributes,
)

USE_CASE = "transaction"
_EARNING_STATUSES = {ACTIVE, LOGIN_BLOCKED, INACTIVE}
_TYPES = {"spend": SPEND, "bonus": BONUS}


@dataclass(slots=True)
class Earnings:
    """Posts transactions in order; `post` once per database transaction."""

    tx: Connection
    ctx: Context
    state: ProgramState
    now: datetime
    _members: dict[str, Member] = field(default_factory=dict)
    _accounts: dict[int, Account] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    _bound: dict[str, Bound] = field(default_factory=dict)
    _running: dict[str, Submission] = field(default_factory=dict)
    _refunds: Refunds | None = None

    def post(self, commands: Sequence[SubmitTransaction]) -> list[TransactionOutcome | TesseraError]:
        """The outcome or the refusal of each transaction, in order."""
        checked = [check_submission(self.ctx, command, self.state) for command in commands]
        good = [one for one in checked if isinstance(one, Submission)]
        journal = self._load(good)
        decided = [one if isinstance(one, TesseraError) else self._decide(one) for one in checked]
        # A key that stands twice in one run gives the same object twice: posted once, then replayed.
        posted = {id(one): one for one in decided if isinstance(one, Submission)}
        self._store(journal, list(posted.values()))
        return [
            self._outcome(one, replayed=posted.pop(id(one), None) is None) if isinstance(one, Submission) else one
            for one in decided
        ]

    def _load(self, good: Sequence[Submission]) -> Journal:
        program_id = self.state.id
        references = sorted({one.command.member_relation_reference for one in good})
        found = find_members(self.tx, self.ctx.services.keys, program_id, references=references) if good else []
        self._members = {one.member.relation_reference: one.member for one in found}
        journal = Journal(
            self.tx,
            program_id,
            self.state.config_version,
            self.now,
            self.ctx.principal.actor,
            self.ctx.source,
        )
        self._accounts = journal.lock_accounts(one.member.id for one in found)
        keys = sorted({one.key for one in good if one.key})
        self._bound = find_keys(self.tx, program_id, USE_CASE, keys, self.now)
        wanted = sorted({one.command.transaction_id for one in good})
        self._taken, has_parked = standing_of(self.tx, program_id, wanted)
        if has_parked or any(one.is_refund for one in good):
            # What was due on the accounts must be stored before their lots are read.
            journal.flush()
            self._refunds = Refunds(self.state, self._accounts)
            self._refunds.load(self.tx, wanted)
        return journal

    def _decide(self, one: Submission) -> Submission | TransactionOutcome | TesseraError:
        key = one.key
        try:
            if key in self._bound:
                return self._replay(self._bound[key], one)
            if key in self._running:
                return self._same_run(self._running[key], one)
            self._take(one)
        except TesseraError as error:
            if key and key not in self._bound and key not in self._running and error.binds_key:
                self._bind(key, one, refusal_outcome(error))
            return error
        if key:
            self._running[key] = one
        return one

    def _same_run(self, first: Submission, one: Submission) -> Submission:
        if first.fingerprint != one.fingerprint:
            raise KeyReused
        return first

    def _replay(self, bound: Bound, one: Submission) -> TransactionOutcome:
        outcome = bound.replay(one.fingerprint)
        return TransactionOutcome(
            id=outcome["id"],
            transaction_id=one.command.transaction_id,
            member_id=outcome["member_id"],
            points=from_minor(outcome["points"], self.state.places),
            entry_ids=outcome["entries"],
            external_references=[UUID(one) for one in outcome["references"]],
            replayed=True,
            is_parked=outcome.get("parked", False),
        )

    def _take(self, one: Submission) -> None:
        """Check against the program and the member's state, then earn or take back."""
        command = one.command
        read_attributes(one, self.state)
        if not is_product(self.state.rules.products, command.product_code, command.sub_product_code):
            raise InvalidProductCode(field="product_code")
        member = self._members.get(command.member_relation_reference)
        if member is None:
            raise MemberNotFound
        one.member = member
        self._check_member(member)
        if one.is_refund:
            self._take_back(one, member)
        else:
            self._earn(one, member)

    def _earn(self, one: Submission, member: Member) -> None:
        command = one.command
        if self.state.terms.unique_transaction_id and command.transaction_id in self._taken:
            raise DuplicateRecord("transaction_id", field="transaction_id")
        try:
            evaluation = evaluate(self.state.rules, facts_of(self.state, one, member))
        except AwardTooLarge as error:
            raise InvalidRequest(f"amount: {error}", field="amount") from error
        # All of it or nothing: the awards are posted one by one.
        self._accounts[member.id].check_room(sum(award.points for award in evaluation.awards))
        self._taken.add(command.transaction_id)
        awards = [self._post_award(one, member, award) for award in evaluation.awards]
        one.purchase = Purchase(amount=command.amount, at=one.at, awards=awards)
        if self._refunds is not None:
            self._refunds.remember(member.id, command.transaction_id, one.purchase)

    def _take_back(self, one: Submission, member: Member) -> None:
        refunds, command = self._refunds, one.command
        if refunds is None:
            raise RuntimeError("a refund without what it needs: see _load")
        drafts = refunds.take_back(member.id, command.transaction_id, command.amount, one.at)
        one.waiting = Waiting(amount=command.amount, dated=one.at, drafts=drafts or [], is_parked=drafts is None)
        if drafts is None:
            refunds.park(member.id, command.transaction_id, one.waiting)

    def _check_member(self, member: Member) -> None:
        may_earn = member.status in _EARNING_STATUSES or (
            member.status == CANCELLED and self.state.terms.accrue_cancelled
        )
        if not may_earn:
            raise member_status_error(member.status)()
        if not member.accrual_allowed:
            raise AccrualNotAllowed

    def _post_award(self, one: Submission, member: Member, award: GroupAward) -> Award:
        terms, zone = self.state.configuration.expiry, self.state.zone
        moves = [new_lot(part.points, one.at, expires_at(terms, one.at, zone, part.expires)) for part in award.lots]
        draft = Draft(
            kind="earn",
            bucket=award.category,
            points=award.points,
            loyalty_txn_type=_TYPES[award.category],
            transaction_date=one.at,
            moves=moves,
            expires_at=expiry_of(moves),
            detail=to_json({"group": award.group, **award.explanation}),
            source=one.command.source,
        )
        self._accounts[member.id].credit(draft, self.now)
        one.drafts.append(draft)
        return Award(
            earning=draft,
            group=award.group,
            bucket=award.category,
            loyalty_txn_type=draft.loyalty_txn_type,
            points=award.points,
            lots=[move.lot for move in draft.moves],
        )

    def _store(self, journal: Journal, posted: Sequence[Submission]) -> None:
        if posted:
            ids = allocate_ids(self.tx, member_transaction, self.state.id, len(posted))
            for one, row_id in zip(posted, ids, strict=True):
                if one.waiting is not None:
                    one.drafts = one.waiting.drafts
                one.stored = self._row(one, row_id)
                for draft in one.drafts:
                    draft.transaction_ref = row_id
            insert_transactions(self.tx, [one.stored for one in posted if one.stored is not None])
        journal.flush()
        if self._refunds is not None:
            self._refunds.store(self.tx)
        for one in posted:
            if one.key:
                self._bind(one.key, one, self._bindable(one))

    def _row(self, one: Submission, row_id: int) -> StoredTransaction:
        command = one.command
        unique = self.state.terms.unique_transaction_id
        return StoredTransaction(
            program_id=self.state.id,
            id=row_id,
            member_id=one.member.id if one.member else 0,
            transaction_id=command.transaction_id,
            unique_transaction_id=command.transaction_id if unique and not one.is_refund else None,
            type=REFUND if one.is_refund else EARN,
            status=PARKED if one.waiting is not None and one.waiting.is_parked else POSTED,
            refunded=one.purchase.refunded if one.purchase is not None else Decimal(0),
            amount=command.amount,
            transaction_date=one.at,
            product_code=command.product_code,
            sub_product_code=command.sub_product_code,
            attributes=dict(storable(one.values)),
            points=sum(draft.points for draft in one.drafts),
            config_version=self.state.config_version,
            source=command.source or self.ctx.source,
            actor=self.ctx.principal.actor,
            processed_at=self.now,
        )

    def _bindable(self, one: Submission) -> dict[str, Any]:
        stored = one.stored
        return {
            "id": stored.id if stored else None,
            "member_id": stored.member_id if stored else None,
            "points": stored.points if stored else 0,
            "entries": [draft.id for draft in one.drafts],
            "references": [str(draft.external_reference) for draft in one.drafts],
            **({"parked": True} if stored is not None and stored.status == PARKED else {}),
        }

    def _bind(self, key: str, one: Submission, outcome: dict[str, Any]) -> None:
        bind_key(self.tx, self.state.id, USE_CASE, key, one.fingerprint, outcome, self.now)
        self._bound[key] = Bound(one.fingerprint, outcome)

    def _outcome(self, one: Submission, *, replayed: bool) -> TransactionOutcome:
        stored = self._bindable(one)
        return TransactionOutcome(
            id=stored["id"],
            transaction_id=one.command.transaction_id,
            member_id=stored["member_id"],
            points=from_minor(stored["points"], self.state.places),
            entry_ids=stored["entries"],
            external_references=[draft.external_reference for draft in one.drafts],
            replayed=replayed,
            ignored_keys=one.ignored,
            is_parked=one.waiting is not None and one.waiting.is_parked,
        )
