"""What a history does to members themselves: other statuses, erasures, and the job that takes tiers away."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.ledger import draft as drafts
from tests.ledger.draft import MEMBERS, Draft
from tests.ledger.meaning import as_called, one_of
from tests.ledger.operation import AssessTiers, Erase, Keyed, Operation, SetStatus
from tests.ledger.terms import Terms
from tests.ledger.world import World
from tests.oracle import Oracle


class People(RuleBasedStateMachine):
    """The rules about members, for a machine that runs operations."""

    world: World
    terms: Terms
    oracle: Oracle
    drawn: int

    # What the machine has: running one operation on both sides, two at once, and what a draft stands for now.
    one: Callable[[Operation], None]
    two: Callable[..., None]
    meant_by: Callable[[Draft], Keyed]

    @rule(member=drafts.MEMBER, status=drafts.STATUS, erases=drafts.ERASES)
    def change_a_member(self, member: str, status: int, erases: bool) -> None:
        self.one(self.change(member, status, erases))

    @rule(draft=drafts.DRAFTS, status=drafts.STATUS, erases=drafts.ERASES)
    def an_operation_and_a_change_of_its_member_at_once(self, draft: Draft, status: int, erases: bool) -> None:
        member = getattr(draft, "member", MEMBERS[0])
        self.two(self.meant_by(draft), self.change(member, status, erases))

    @precondition(lambda self: self.terms.ladder)
    @rule(pick=drafts.PICK, offset=st.sampled_from([None, None, -drafts.MICROSECOND, timedelta(0), drafts.MICROSECOND]))
    def run_the_tier_job(self, pick: int, offset: timedelta | None) -> None:
        ends = {account.qualified_at + self.terms.retention for account in self.oracle.accounts.values()}
        coming = sorted(end for end in ends if end > self.world.now)
        if coming and offset is not None:
            self.world.now = max(self.world.now, one_of(coming, pick) + offset)
        self.one(AssessTiers())

    @precondition(lambda self: self.terms.ladder)
    @rule(draft=drafts.DRAFTS)
    def an_operation_and_the_tier_job_at_once(self, draft: Draft) -> None:
        self.two(self.meant_by(draft), AssessTiers())

    def change(self, member: str, status: int, erases: bool) -> SetStatus | Erase:
        """Another status of a member, or its end."""
        self.drawn += 1
        return as_called(Erase(member) if erases else SetStatus(member, status), self.drawn, self.oracle)
