"""Posting what was held: the whole transaction, evaluated now, or the rest of one that was posted in part."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import TesseraError
from domain.member import Member
from domain.member_status import require_earning
from domain.rules.attributes import typed
from domain.rules.fixed import transaction_definitions
from domain.store.journal import Journal
from domain.store.transaction import POSTED, StoredTransaction, update_transactions
from resolvers.awarding import awards_of
from resolvers.earning import Earnings
from resolvers.purchase import Purchase
from resolvers.screening import RestAward
from resolvers.submission import Submission
from resolvers.submission_order import SubmitTransaction


@dataclass(slots=True, kw_only=True)
class Approval(Earnings):
    """Posts `held`, a stored transaction, or its `rest`: no threshold and not its own id stand against it."""

    held: StoredTransaction
    rest: Sequence[RestAward] | None

    def run(self, reference: str) -> None:
        """Post it for the member with this reference; `held` is then as it is stored.

        Raises MemberCancelled, MemberSuspended, MembershipBlocked, AccrualNotAllowed, InvalidRequest.
        """
        one = self.held
        command = SubmitTransaction(
            transaction_id=one.transaction_id,
            transaction_type=one.type,
            amount=one.amount,
            transaction_date=one.transaction_date,
            member_relation_reference=reference,
            product_code=one.product_code,
            sub_product_code=one.sub_product_code,
            attributes=one.attributes,
            ignore_unknown=True,
            source=one.source,
        )
        [outcome] = self.post([command])
        if isinstance(outcome, TesseraError):
            raise outcome

    def _takes_back(self, good: Sequence[Submission]) -> bool:  # noqa: ARG002 - it is one, and known
        return self.rest is not None and self.held.refunded > 0

    def _is_taken(self, command: SubmitTransaction) -> bool:  # noqa: ARG002 - by itself
        return False

    def _postable(self, one: Submission, member: Member, points: int) -> None:  # noqa: ARG002 - somebody decided
        return None

    def _take(self, one: Submission) -> None:
        """What was submitted was checked then; only the member may have changed."""
        one.values = typed(transaction_definitions(self.state.configuration), self.held.attributes)
        one.member, _ = self._beneficiaries.find(one.command.member_relation_reference, None)
        require_earning(one.member, accrue_cancelled=self.state.terms.accrue_cancelled)
        if self.rest is None:
            self._earn(one, one.member)
        else:
            self._earn_rest(one, one.member, self.rest)

    def _earn_rest(self, one: Submission, member: Member, rest: Sequence[RestAward]) -> None:
        """What was counted when the first part was posted, caps and all, is not counted again."""
        account = self._accounts[member.id]
        account.check_room(sum(award.points for award in rest) + self._tiering.most_bonus)
        one.drafts = self._awarding.post(member.id, rest, one.at, one.command.source)
        one.purchase = Purchase(
            amount=self.held.amount,
            at=one.at,
            awards=awards_of(one.drafts, rest),
            refunded=self.held.refunded,
            counted=self._standing.counted_of(member, self.held),
        )
        if self._refunds is not None:
            # Posted whole and taken back in part, so that later refunds come out even with earlier ones.
            one.drafts += self._refunds.take_share(member.id, one.purchase, self.now)
        one.bonuses = self._tiering.assess(member, account)

    def _store(self, journal: Journal, posted: Sequence[Submission]) -> None:
        for one in posted:
            one.stored = self.held
            self.held.status = POSTED
            self.held.points += sum(draft.points for draft in one.drafts)
            self.held.refunded = one.purchase.refunded if one.purchase is not None else self.held.refunded
            for draft in one.drafts:
                draft.transaction_ref = self.held.id
            update_transactions(self.tx, self.state.id, [self.held])
        journal.write_down()
        self._standing.store(journal.bulk)
        self._tiering.write_down(journal)
        journal.bulk.store()
        if self._refunds is not None:
            self._refunds.store()
        self._referring.store()
