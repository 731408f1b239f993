"""One program of the product: its side of a history, in words that the oracle shares."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.errors import TesseraError
from domain.store.program import find_program_row
from resolvers.context import Context
from resolvers.expiry import expire_due
from resolvers.member import EnrollMember, UpdateMember, enroll_member, update_member
from resolvers.program import apply_configuration, create_program
from resolvers.redemption import (
    RedeemPoints,
    ReverseRedemption,
    check_availability,
    redeem_points,
    reverse_redemption,
)
from resolvers.statement import StatementQuery, get_categorized_statement, get_statement_summary
from resolvers.tier import assess_tiers
from resolvers.transaction import SubmitTransaction, submit_transaction
from resolvers.verification import Finding, verify_ledger
from tests.ledger.invariants import Books, read_books
from tests.ledger.movement import perform_movement
from tests.ledger.operation import (
    Adjust,
    AssessTiers,
    Cancel,
    Decide,
    Earn,
    Erase,
    Expire,
    Hold,
    Merge,
    Operation,
    Outcome,
    Redeem,
    Refund,
    Reverse,
    SetStatus,
    Settle,
    Transfer,
    Unmerge,
)
from tests.ledger.state import State, read_standing, stored_state
from tests.ledger.terms import Terms, configuration
from tests.ledger.world import World
from tests.oracle import ERASED, Oracle, Refused

CATEGORIES = {
    "OpeningBalance": "opening",
    "Spend": "spend",
    "Bonus": "bonus",
    "Redeem": "redeem",
    "Reversal": "reverse",
    "Held": "held",
    "Transfer": "transfer",
    "Adjustment": "adjust",
    "Expired": "expire",
    "ClosingBalance": "closing",
}
"""The rows of the categorised statement."""


@dataclass
class Program:
    """One program with its members: the product's side of a history."""

    world: World
    terms: Terms
    id: int
    ctx: Context
    members: Mapping[int, str]
    journal: dict[int, tuple[Any, ...]] = field(default_factory=dict)

    @classmethod
    def create(cls, world: World, terms: Terms, members: Sequence[str]) -> "Program":
        """Found a program under these terms and enrol its members, active and without points."""
        return world.run(cls._create(world, terms, members))

    @classmethod
    async def _create(cls, world: World, terms: Terms, members: Sequence[str]) -> "Program":
        issued = await create_program(world.context(), "A history")
        row = await world.services.db.read(lambda tx: find_program_row(tx, issued.program_id, "sandbox"))
        assert row is not None
        ctx = world.context(row.id)
        await apply_configuration(ctx, configuration(terms))
        enrolled: dict[int, str] = {}
        code = None
        for number, reference in enumerate(members):
            values = {"relation_reference": reference, "status": str(terms.status_at_first(number))}
            one = (await enroll_member(ctx, EnrollMember(values=values, referral_code=code))).member
            enrolled[one.id], code = one.relation_reference, code or one.referral_code
        return cls(world, terms, row.id, ctx, enrolled)

    # What is done to it.

    async def perform(self, operation: Operation, references: Mapping[str, str]) -> Outcome:
        """Run one operation through the use case. `references`: the product's by the oracle's names."""
        operation = self._named(operation)
        try:
            match operation:
                case Earn() | Refund():
                    return await self._submit(operation)
                case Redeem():
                    return await self._redeem(operation)
                case Reverse():
                    return await self._reverse(operation, references)
                case Hold() | Settle() | Cancel() | Transfer() | Adjust() | Decide() | Merge() | Unmerge() | Erase():
                    return await perform_movement(self.ctx, operation, self.terms.unit, references)
                case Expire():
                    await expire_due(self.world.services)
                case AssessTiers():
                    await assess_tiers(self.world.services)
                case SetStatus(member=member, status=status):
                    await update_member(
                        self.ctx, UpdateMember(relation_reference=member, values={"status": str(status)})
                    )
        except TesseraError as error:
            return Outcome(code=error.code)
        return Outcome()

    def _named(self, operation: Operation) -> Operation:
        """The same operation with references as the product makes them for members who are erased."""
        given = {name: getattr(operation, name, "") for name in ("member", "receiver", "survivor")}
        named: dict[str, Any] = {name: self._reference(one) for name, one in given.items() if one}
        return replace(operation, **named)

    def _reference(self, member: str) -> str:
        erased = {f"{ERASED}{reference}": f"ERASED-{number}" for number, reference in self.members.items()}
        return erased.get(member, member)

    async def perform_at_once(self, operations: Sequence[Operation], references: Mapping[str, str]) -> list[Outcome]:
        """Run several operations at the same time."""
        return await asyncio.gather(*(self.perform(each, references) for each in operations))

    async def _submit(self, of: Earn | Refund) -> Outcome:
        submitted = await submit_transaction(
            self.ctx,
            SubmitTransaction(
                transaction_id=of.transaction_id,
                transaction_type="DR" if isinstance(of, Earn) else "CR",
                amount=self._points(of.spend if isinstance(of, Earn) else of.amount),
                transaction_date=of.dated,
                member_relation_reference=of.member,
                product_code="BONUS" if isinstance(of, Earn) and of.bonus else "PLAIN",
                idempotency_key=of.key,
            ),
        )
        receipt = f"{submitted.id} {submitted.points} {submitted.entry_ids} {submitted.external_references}"
        answer = str(submitted.external_references[0]) if submitted.external_references else ""
        return Outcome(answer=answer, replayed=submitted.replayed, receipt=receipt)

    async def _redeem(self, order: Redeem) -> Outcome:
        redeemed = await redeem_points(
            self.ctx,
            RedeemPoints(
                relation_reference=order.member,
                points=self._points(order.points),
                amount=None if order.amount is None else Decimal(order.amount),
                merchant_name=order.merchant,
                loyalty_txn_type=30,
                external_reference=order.chosen,
                idempotency_key=order.key,
            ),
        )
        receipt = f"{redeemed.entry_id} {redeemed.points} {redeemed.external_reference}"
        return Outcome(answer=str(redeemed.external_reference), replayed=redeemed.replayed, receipt=receipt)

    async def _reverse(self, order: Reverse, references: Mapping[str, str]) -> Outcome:
        given_back = await reverse_redemption(
            self.ctx,
            ReverseRedemption(
                relation_reference=order.member,
                external_reference=references.get(order.reference, order.reference),
                merchant_name=order.merchant,
                idempotency_key=order.key,
            ),
        )
        receipt = f"{given_back.entry_id} {given_back.points} {given_back.external_reference}"
        return Outcome(answer=str(given_back.reverses), replayed=given_back.replayed, receipt=receipt)

    def _points(self, smallest_units: int) -> Decimal:
        return Decimal(smallest_units) / self.terms.unit

    # What can be seen of it, and what the oracle says one should see.

    def books(self) -> Books:
        """Everything that is stored of the program's points."""
        return self.world.run(self.world.services.db.read(lambda tx: read_books(tx, self.id)))

    def rewritten(self, books: Books) -> list[str]:
        """Entries that are gone, or not what they were when they were first seen."""
        stored = {entry.id: tuple(entry) for entry in books.entries}
        changed = [f"entry {number}" for number, row in self.journal.items() if stored.get(number) != row]
        self.journal = stored
        return changed

    def state(self, books: Books) -> State:
        """Where members stand by what is stored, in the oracle's words."""
        standing = self.world.run(self.world.services.db.read(lambda tx: read_standing(tx, self.id)))
        return stored_state(books, standing, self.members)

    def answers(self, member: str) -> dict[str, Any]:
        """What a member is told: the redeemable points or the refusal, and the statement."""
        return self.world.run(self._answers(member))

    async def _answers(self, member: str) -> dict[str, Any]:
        member = self._reference(member)
        try:
            available: int | str = self._units(await check_availability(self.ctx, member))
        except TesseraError as error:
            available = error.code
        summary = await get_statement_summary(self.ctx, member)
        return {
            "available": available,
            "balance": self._units(summary.point_balance),
            "spend": self._units(summary.spend),
            "bonus": self._units(summary.bonus),
            "redeem": self._units(summary.redeem),
            "expired": self._units(summary.expired_points),
            "other": self._units(summary.other_accrued),
            "neither": summary.partner + summary.purchased,
            "statement": await self._statement(member),
        }

    async def _statement(self, member: str) -> dict[str, int]:
        query = StatementQuery(relation_reference=member, date_from=self._since())
        rows = await get_categorized_statement(self.ctx, query)
        told: dict[str, int] = {}
        for row in rows:
            name = CATEGORIES[row.category]
            told[name] = told.get(name, 0) + self._units(row.points)
        return told

    def _since(self) -> datetime:
        return self.world.now - timedelta(days=6)

    def answers_of(self, oracle: Oracle, member: str) -> dict[str, Any]:
        """The same of the oracle."""
        try:
            available: int | str = oracle.availability(member, self.world.now)
        except Refused as refusal:
            available = refusal.code
        account, now = oracle.account_of(member), self.world.now
        statement = account.statement(self._since(), now)
        return {"available": available, **account.buckets(now), "neither": 0, "statement": statement}

    def tells_like(self, oracle: Oracle) -> bool:
        """A change of status shows in no posting: which of two came first shows in what members are told."""
        called = [oracle.called(member) for member in oracle.accounts]
        return all(self.answers(member) == self.answers_of(oracle, member) for member in called)

    def findings(self) -> list[Finding]:
        """What the product's own verification finds wrong."""
        return self.world.run(self.verify())

    async def verify(self) -> list[Finding]:
        """The same for who runs an event loop already."""
        return await verify_ledger(self.world.services)

    def _units(self, points: Decimal) -> int:
        units = points * self.terms.unit
        assert units == int(units), f"{points} is finer than the program counts"
        return int(units)
