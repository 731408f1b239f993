"""Oracle and pure core side by side, without a database: many short steps, compared after each."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from domain.clock import NEVER
from tests.domain.ledger.bank import Bank, Vault
from tests.domain.ledger.bank import Refused as BankRefused
from tests.oracle import Account, Award, Oracle, Refused
from tests.scale import scaled

HISTORIES = 10_000
STEPS = 30

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
MEMBERS = ("ANNA", "BEN", "CLEO")
KINDS = {"redeem": "redemption", "reverse": "reversal", "expire": "expiry", "adjust": "adjustment"}

PICK = st.integers(0, 2**16 - 1)
MEMBER = st.sampled_from(MEMBERS)
DAYS = st.integers(1, 12)
PARTS = st.tuples(st.sampled_from([1, 2, 3, 3, 0]), st.sampled_from([0, 0, 0, -1, 1, 5]))
GIFT = st.tuples(
    st.sampled_from(["spend", "bonus"]),
    st.integers(1, 40),
    st.none() | st.integers(-3, 12),
    st.none() | st.integers(-1, 6),
)
GIFTS = st.lists(GIFT, min_size=1, max_size=3)


class CoreMachine(RuleBasedStateMachine):
    """Draws operations in days and parts of balances, so that dates and amounts often coincide."""

    @initialize(
        policy=st.sampled_from(["extend", "forfeit", "original"]),
        refunds=st.sampled_from(["negative", "floor", "refuse"]),
        gifts=st.lists(st.tuples(MEMBER, GIFTS), min_size=3, max_size=6),
    )
    def open_accounts(self, policy: Any, refunds: Any, gifts: list[tuple[str, list[Any]]]) -> None:
        self.now = START
        self.names = 0
        self.closed: set[str] = set()
        self.oracle, self.bank = Oracle(policy=policy, refunds=refunds), Bank(MEMBERS, policy, refunds)
        for member in MEMBERS:
            self.oracle.set_up(member)
        for member, given in gifts:
            self.earn(member, given, 0, 10)

    # The operations.

    @rule(member=MEMBER, gifts=GIFTS, days_ago=st.sampled_from([0, 0, 1, 4]), amount=st.integers(1, 12))
    def earn(self, member: str, gifts: list[Any], days_ago: int, amount: int) -> None:
        member, name, earned_at = self.oracle.name_of(member), self.name(), self.now - days_ago * DAY
        awards = [
            Award(bucket, points, self.in_days(lapses), self.in_days(waits)) for bucket, points, lapses, waits in gifts
        ]
        self.both(
            lambda: self.oracle.earn(member, name, earned_at, awards, self.now, Fraction(amount)),
            lambda: self.bank.earn(member, name, awards, earned_at, Decimal(amount), self.now),
        )

    @rule(member=MEMBER, parts=PARTS)
    def redeem(self, member: str, parts: tuple[int, int]) -> None:
        member, points, name = self.oracle.name_of(member), self.points(member, parts), self.name()
        self.both(
            lambda: self.oracle.redeem(member, points, "Shop", name, self.now),
            lambda: self.bank.redeem(member, points, name, self.now),
        )

    @rule(pick=PICK)
    def reverse(self, pick: int) -> None:
        made = {name: one.member for name, one in self.oracle.redemptions.items() if not one.is_reversed}
        if name := self.one_of_those_who_stand(made, pick):
            self.both(
                lambda: self.oracle.reverse(made[name], "Shop", name, self.now),
                lambda: self.bank.reverse(name, self.now),
            )

    @rule(member=MEMBER, parts=PARTS, days=DAYS)
    def hold(self, member: str, parts: tuple[int, int], days: int) -> None:
        member, points, name = self.oracle.name_of(member), self.points(member, parts), self.name()
        ends_at = self.now + days * DAY
        self.both(
            lambda: self.oracle.hold(member, points, "Shop", ends_at, name, self.now),
            lambda: self.bank.hold(member, points, ends_at, name, self.now),
        )

    @rule(pick=PICK, parts=PARTS)
    def settle(self, pick: int, parts: tuple[int, int]) -> None:
        if self.oracle.holds:
            name, reference = self.one_of(list(self.oracle.holds), pick), self.name()
            held = self.oracle.holds[name].hold.points
            points = min(max(held * parts[0] // 3 + parts[1], 1), held)
            self.both(
                lambda: self.oracle.settle(name, points, reference, self.now),
                lambda: self.bank.settle(name, points, reference, self.now),
            )

    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        if self.oracle.holds:
            name = self.one_of(list(self.oracle.holds), pick)
            self.both(lambda: self.oracle.cancel(name, self.now), lambda: self.bank.cancel(name, self.now))

    @rule(sender=MEMBER, receiver=MEMBER, parts=PARTS)
    def transfer(self, sender: str, receiver: str, parts: tuple[int, int]) -> None:
        sender, receiver = self.oracle.name_of(sender), self.oracle.name_of(receiver)
        points, name = self.points(sender, parts), self.name()
        if sender != receiver:
            self.both(
                lambda: self.oracle.transfer(sender, receiver, points, name, self.now),
                lambda: self.bank.transfer(sender, receiver, points, self.now),
            )

    @rule(member=MEMBER, parts=PARTS, up=st.booleans(), days=st.none() | DAYS)
    def adjust(self, member: str, parts: tuple[int, int], up: bool, days: int | None) -> None:
        member, name = self.oracle.name_of(member), self.name()
        points = self.points(member, parts) * (1 if up else -1)
        self.both(
            lambda: self.oracle.adjust(member, points, lambda _: self.in_days(days), name, self.now),
            lambda: self.bank.adjust(member, points, self.in_days(days), self.now),
        )

    @rule(pick=PICK, amount=st.integers(1, 12))
    def refund(self, pick: int, amount: int) -> None:
        # What became of a merged member's purchases is for the use case to find.
        bought = [one for one in self.oracle.purchases if one.transaction_id not in self.closed]
        made = {one.transaction_id: one.member for one in bought}
        if name := self.one_of_those_who_stand(made, pick):
            self.both(
                lambda: self.oracle.refund(made[name], name, Fraction(amount), self.now, self.now),
                lambda: self.bank.refund(made[name], name, Decimal(amount), self.now),
            )

    @rule(refunds=st.sampled_from(["negative", "floor", "refuse"]))
    def change_the_policy_of_refunds(self, refunds: Any) -> None:
        self.oracle.refunds = self.bank.refunds = refunds

    @rule(member=MEMBER, survivor=MEMBER)
    def merge(self, member: str, survivor: str) -> None:
        member, survivor, name = self.oracle.name_of(member), self.oracle.name_of(survivor), self.name()
        if member != survivor:
            bought = [one.transaction_id for one in self.oracle.purchases if one.member == member]
            self.both(
                lambda: self.oracle.merge(member, survivor, name, self.now),
                lambda: self.bank.merge(member, survivor, name, self.now),
            )
            if name in self.oracle.mergers:
                self.closed.update(bought)

    @precondition(lambda self: self.oracle.mergers)
    @rule(pick=PICK)
    def unmerge(self, pick: int) -> None:
        name = self.one_of(list(self.oracle.mergers), pick)
        if self.oracle.survivor_of(self.oracle.mergers[name].survivor) is None:
            self.both(lambda: self.oracle.unmerge(name, self.now), lambda: self.bank.unmerge(name, self.now))

    @rule(days=st.integers(0, 4), offset=st.sampled_from([timedelta(0), timedelta(0), -MICROSECOND, MICROSECOND]))
    def wait(self, days: int, offset: timedelta) -> None:
        self.now = max(self.now, self.now.replace(microsecond=0) + days * DAY + offset)

    @rule(member=MEMBER)
    def look(self, member: str) -> None:
        self.both(
            lambda: self.oracle.accounts[member].bring_up_to(self.now), lambda: self.bank.vaults[member].lock(self.now)
        )

    # What operations are made of.

    def name(self) -> str:
        self.names += 1
        return f"number {self.names}"

    def in_days(self, days: int | None) -> datetime | None:
        # From midnight, so that what was drawn at different times often falls together.
        return None if days is None else self.now.replace(microsecond=0) + days * DAY

    def points(self, member: str, parts: tuple[int, int]) -> int:
        balance = max(0, self.oracle.accounts[member].spendable(self.now))
        return max(balance * parts[0] // 3 + parts[1], 1)

    def one_of(self, names: list[str], pick: int) -> str:
        return names[-1 - pick % len(names)]

    def one_of_those_who_stand(self, owners: dict[str, str], pick: int) -> str | None:
        """A thing whose owner has not become another member."""
        standing = [name for name, member in owners.items() if self.oracle.survivor_of(member) is None]
        return self.one_of(standing, pick) if standing else None

    # Running them.

    def both(self, on_oracle: Callable[[], object], on_bank: Callable[[], object]) -> None:
        outcomes = []
        for run in (on_oracle, on_bank):
            try:
                run()
                outcomes.append("done")
            except (Refused, BankRefused):
                outcomes.append("refused")
        assert outcomes[0] == outcomes[1]
        for member in MEMBERS:
            account, vault = self.oracle.accounts[member], self.bank.vaults[member]
            # Either side may have seen to what is due on an account that the other only looked at.
            if len(account.entries) < len(vault.entries):
                account.bring_up_to(self.now)
            elif len(account.entries) > len(vault.entries):
                vault.lock(self.now)
            assert seen(vault) == expected(account)
            self.adds_up(vault, account)

    def adds_up(self, vault: Vault, account: Account) -> None:
        one = vault.account
        assert one.available + one.pending == sum(lot.remaining for lot in vault.lots) - one.arrears
        assert one.balance == one.spend + one.bonus + one.other - one.redeemed - one.expired
        assert one.balance == sum(entry.points for entry in vault.entries)
        assert all(0 <= lot.remaining <= lot.points for lot in vault.lots)
        assert one.held == sum(hold.points for hold in account.holds if hold.state == "PENDING")
        assert one.arrears == account.arrears >= 0
        assert [entry.seq for entry in vault.entries] == list(range(1, one.version + 1))
        if min(one.next_expiry, one.next_release) > self.now:
            assert (one.available, one.pending) == (account.spendable(self.now), account.pending(self.now))
            assert (one.next_expiry, one.next_release) == vault.next_dates(self.now)


def seen(vault: Vault) -> dict[str, Any]:
    """What is stored, in the oracle's order of things."""
    return {
        "lots": [
            (x.points, x.remaining, x.earned_at, None if x.expires_at == NEVER else x.expires_at, x.available_at)
            for x in vault.lots
        ],
        "entries": [
            (x.kind, x.bucket, x.points, x.transaction_date, vault.moves_of(x), x.arrears) for x in vault.entries
        ],
    }


def expected(account: Account) -> dict[str, Any]:
    """The same of the oracle, in the product's words."""
    return {
        "lots": [(x.points, x.remaining, x.earned_at, x.expires_at, x.available_at) for x in account.lots],
        "entries": [
            (KINDS.get(x.kind, x.kind), x.bucket, x.points, x.dated, x.moves, x.arrears) for x in account.entries
        ],
    }


def test_the_core_does_what_the_oracle_does() -> None:
    run_state_machine_as_test(
        CoreMachine,
        settings=settings(
            max_examples=scaled(HISTORIES), stateful_step_count=STEPS, derandomize=True, report_multiple_bugs=False
        ),
    )
