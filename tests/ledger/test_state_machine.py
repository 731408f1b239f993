"""Oracle and product side by side: after every step of every history they are in the same state."""

import copy
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.database import Dialect, FreshDatabase
from tests.ledger import draft as drawn
from tests.ledger.draft import MEMBERS, Decision, Draft, Duplicate, Ending, Order, Purchase
from tests.ledger.invariants import violations
from tests.ledger.meaning import another_body, meant_by, one_of
from tests.ledger.operation import (
    Expire,
    Keyed,
    Operation,
    Outcome,
    Redeem,
    Unkeyed,
    Unmerge,
    ask_oracle,
    binding_key,
)
from tests.ledger.people import People
from tests.ledger.program import Program
from tests.ledger.state import expected_state, overdrawn
from tests.ledger.terms import Terms
from tests.ledger.world import open_world
from tests.oracle import REFUSAL_BINDS, Oracle
from tests.scale import long_run, scaled

HISTORIES, STEPS = {"sqlite": 2_000, "postgresql": 300}, 25
PARTS = 4  # each with a seed of its own, so that they run side by side; the everyday run does half of them


class LedgerMachine(People):
    """Draws operations, runs each on both sides, and compares outcomes and states."""

    databases: FreshDatabase
    data_dir: Path

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        # A database for each history: the jobs and ids of one must not depend on those before it.
        url = self.stack.enter_context(self.databases())
        self.world = self.stack.enter_context(open_world(url, self.data_dir, drawn.START))
        self.keyed: list[Keyed] = []
        self.references: dict[str, str] = {}
        self.receipts: dict[tuple[str, str], str] = {}
        self.drawn = 0
        self.steps = 0

    @initialize(
        terms=drawn.TERMS,
        purchases=st.lists(drawn.PURCHASES, min_size=6, max_size=12),
        orders=st.lists(drawn.ORDERS, min_size=2, max_size=4),
    )
    def found_a_program(self, terms: Terms, purchases: list[Purchase], orders: list[Order]) -> None:
        self.terms = terms
        self.oracle = terms.oracle(MEMBERS)
        self.program = Program.create(self.world, terms, MEMBERS)
        self.look()
        drafts: list[Draft] = [*purchases, *orders]
        for draft in drafts:
            self.one(self.meant_by(draft))

    def teardown(self) -> None:
        self.stack.close()

    # The operations.

    @rule(purchase=drawn.PURCHASES)
    def earn(self, purchase: Purchase) -> None:
        self.one(self.meant_by(purchase))

    @rule(order=drawn.ORDERS)
    def redeem(self, order: Order) -> None:
        self.one(self.meant_by(order))

    @rule(given_back=drawn.RETURNS | drawn.GOODS_BACK)
    def reverse_or_refund(self, given_back: Draft) -> None:
        self.one(self.meant_by(given_back))

    @rule(movement=drawn.MOVEMENTS)
    def move(self, movement: Draft) -> None:
        self.one(self.meant_by(movement))

    # Two at once may leave a merge one time and none the next, so no precondition asks for one.
    @rule(pick=drawn.PICK, instead=drawn.DUPLICATES)
    def undo_a_merge(self, pick: int, instead: Duplicate) -> None:
        mergers = list(self.oracle.mergers)
        self.one(Unmerge(one_of(mergers, pick)) if mergers else self.meant_by(instead))

    @rule()
    def run_the_expiry_job(self) -> None:
        self.one(Expire())

    @rule(wait=drawn.WAITS)
    def wait(self, wait: timedelta) -> None:
        self.world.now += wait

    @rule(
        pick=drawn.PICK,
        offset=st.sampled_from([timedelta(0), -drawn.MICROSECOND, drawn.MICROSECOND]),
        draft=drawn.ORDERS | drawn.MOVEMENTS,
    )
    def move_when_something_is_due(self, pick: int, offset: timedelta, draft: Draft) -> None:
        coming = {
            (instant, member)
            for member, account in self.oracle.accounts.items()
            for instant in account.due_dates()
            if instant > self.world.now
        }
        if coming:
            instant, member = one_of(sorted(coming), pick)
            self.world.now = max(self.world.now, instant + offset)
            draft = draft if isinstance(draft, Ending | Decision) else replace(draft, member=member)
        self.one(self.meant_by(draft))

    @precondition(lambda self: self.keyed)
    @rule(pick=drawn.PICK, offset=st.sampled_from([timedelta(0), -drawn.MICROSECOND]), member=drawn.MEMBER)
    def retry_when_a_refusal_no_longer_binds(self, pick: int, offset: timedelta, member: str) -> None:
        lapses = {
            bound: at + REFUSAL_BINDS + offset
            for bound, (_, _, succeeded, at) in self.oracle.outcomes.items()
            if not succeeded and at + REFUSAL_BINDS + offset >= self.world.now
        }
        refused = [each for each in self.keyed if binding_key(each) in lapses]
        operation = one_of(refused or self.keyed, pick)
        if (bound := binding_key(operation)) in lapses:
            self.world.now = lapses[bound]
        self.one(another_body(operation, member))
        self.one(operation)

    @precondition(lambda self: self.keyed)
    @rule(pick=drawn.PICK)
    def retry(self, pick: int) -> None:
        self.one(one_of(self.keyed, pick))

    @precondition(lambda self: self.keyed)
    @rule(pick=drawn.PICK, member=drawn.MEMBER)
    def retry_with_another_body(self, pick: int, member: str) -> None:
        self.one(another_body(one_of(self.keyed, pick), member))

    @rule(first=drawn.DRAFTS, second=drawn.DRAFTS)
    def two_at_once(self, first: Draft, second: Draft) -> None:
        self.two(self.meant_by(first), self.meant_by(second))

    @rule(draft=drawn.DRAFTS)
    def the_same_twice_at_once(self, draft: Draft) -> None:
        self.two(*[self.meant_by(draft)] * 2)

    @rule(draft=drawn.DRAFTS, member=drawn.MEMBER)
    def one_key_for_two_at_once(self, draft: Draft, member: str) -> None:
        operation = self.meant_by(replace(draft, keyed=True))
        self.two(operation, another_body(operation, member))

    @rule(draft=drawn.DRAFTS, pick=drawn.PICK)
    def an_operation_and_the_expiry_job_or_the_end_of_a_merge_at_once(self, draft: Draft, pick: int) -> None:
        mergers = list(self.oracle.mergers)
        self.two(self.meant_by(draft), Unmerge(one_of(mergers, pick)) if mergers and pick % 2 else Expire())

    def meant_by(self, draft: Draft) -> Keyed:
        self.drawn += 1
        return meant_by(draft, self.drawn, self.terms, self.oracle, references=self.references, now=self.world.now)

    # Running them.

    def one(self, operation: Operation) -> None:
        # A retry may make something as well, so each run has a name to give.
        self.drawn += 1
        name = f"made {self.drawn}"
        expected = ask_oracle(self.oracle, self.terms, operation, name, self.world.now)
        actual = self.world.run(self.program.perform(operation, self.references))
        references = self.agreed([operation], [expected], [actual])
        assert references is not None, f"{operation}: expected {expected}, got {actual}"
        self.look()
        self.see_to_what_is_due(self.oracle)
        self.remember(references, [operation], [actual])

    def two(self, *operations: Operation) -> None:
        self.drawn += 1
        names = [f"made {self.drawn} {turn}" for turn in ("first", "second")]
        actual = self.world.run(self.program.perform_at_once(operations, self.references))
        self.look()
        tried = []
        for order in ((0, 1), (1, 0)):
            oracle = copy.deepcopy(self.oracle)
            outcomes = {
                turn: ask_oracle(oracle, self.terms, operations[turn], names[turn], self.world.now) for turn in order
            }
            expected = [outcomes[0], outcomes[1]]
            references = self.agreed(operations, expected, actual)
            self.see_to_what_is_due(oracle)
            stands = expected_state(oracle) == self.stored and self.program.tells_like(oracle)
            if references is not None and stands:
                self.oracle = oracle
                self.remember(references, operations, actual)
                return
            tried.append(expected)
        raise AssertionError(f"{operations} at once: got {actual}, one after the other {tried}")

    def look(self) -> None:
        """Read what is stored now."""
        self.books = self.program.books()
        self.stored = self.program.state(self.books)

    def see_to_what_is_due(self, oracle: Oracle) -> None:
        """Any request may book what is due on an account that it looks at, even one that is refused."""
        expected = expected_state(oracle)
        for member in MEMBERS:
            if self.stored[member] != expected[member]:
                oracle.accounts[member].bring_up_to(self.world.now)

    def agreed(
        self, operations: Sequence[Operation], expected: Sequence[Outcome], actual: Sequence[Outcome]
    ) -> dict[str, str] | None:
        """The product's references by the oracle's names if both sides answer the same, else None."""
        references = dict(self.references)
        for operation, wanted, got in zip(operations, expected, actual, strict=True):
            if (wanted.code, wanted.replayed) != (got.code, got.replayed):
                return None
            if got.answer and references.setdefault(wanted.answer, got.answer) != got.answer:
                return None
            if isinstance(operation, Redeem) and operation.chosen and got.code == "000":
                assert got.answer == str(operation.chosen)
        return references

    def remember(self, references: dict[str, str], operations: Sequence[Operation], actual: Sequence[Outcome]) -> None:
        self.references = references
        for operation, outcome in zip(operations, actual, strict=True):
            bound = binding_key(operation)
            if bound is None or isinstance(operation, Unkeyed):
                continue
            self.keyed.append(operation)
            if outcome.code == "000":
                assert self.receipts.setdefault(bound, outcome.receipt) == outcome.receipt, "a repeat differs"

    # What must hold after every step.

    @invariant()
    def both_stand_where_the_other_does(self) -> None:
        assert self.stored == expected_state(self.oracle)
        assert [*violations(self.books), *overdrawn(self.oracle.caps, self.stored, self.oracle)] == []
        assert self.program.rewritten(self.books) == []

    @invariant()
    def both_tell_members_the_same(self) -> None:
        self.steps += 1
        member = self.oracle.called(MEMBERS[self.steps % len(MEMBERS)])
        if long_run or self.steps % 2 == 0:
            assert self.program.answers(member) == self.program.answers_of(self.oracle, member)

    @invariant()
    def the_product_finds_its_own_books_in_order(self) -> None:
        # The first of these is asked of every step; the two others cost as much as all the rest.
        if long_run or self.steps % 8 == 0:
            assert self.program.findings() == []


@pytest.mark.parametrize("part", range(PARTS if long_run else PARTS // 2))
def test_every_history_leaves_oracle_and_product_in_the_same_state(
    part: int, dialect: Dialect, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    @seed(part)
    class Machine(LedgerMachine):
        databases = staticmethod(fresh_database)
        data_dir = tmp_path

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=-(-scaled(HISTORIES[dialect]) // PARTS),
            stateful_step_count=STEPS,
            report_multiple_bugs=False,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
