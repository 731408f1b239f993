"""All accounts of one program: what is refused, what is done once, and what two accounts have to do with each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction

from tests.oracle.account import Account, Entry, Hold, Lot, Moves

NOT_ACTIVE = {2: "114", 3: "116", 4: "113", 5: "107", 6: "115"}
NO_EARNING = {2: "114", 4: "113", 6: "115"}
NO_SENDING = {2: "114", 4: "113"}
NO_RECEIVING = {4: "113", 6: "115"}
BUSINESS_REFUSALS = {"107", "113", "114", "115", "116", "121"}
REFUSAL_BINDS = timedelta(hours=24)
GRACE = timedelta(days=30)


class Refused(Exception):
    """The ledger says no; `code` is the published one."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Redemption:
    """A redemption by its reference: whose, where, what it took, and whether it was given back."""

    member: str
    merchant: str
    entry: Entry
    is_reversed: bool = False


@dataclass
class Reservation:
    """A hold by its name: whose and where."""

    member: str
    merchant: str
    hold: Hold


@dataclass
class Award:
    """What the rules gave: points for a bucket with their expiry, and when they may be spent."""

    bucket: str
    points: int
    expires_at: datetime | None
    available_at: datetime | None = None


@dataclass
class Purchase:
    """What a purchase gave, by award with the lots of each, and how much of its amount has been refunded."""

    amount: Fraction
    gifts: list[tuple[Award, list[int]]]
    refunded: Fraction = Fraction(0)

    @property
    def own(self) -> list[int]:
        """Every lot that it made."""
        return [number for _, lots in self.gifts for number in lots]

    @property
    def whole(self) -> Fraction:
        """What counts as all of it: any refund of a purchase of nothing is whole."""
        return self.amount or Fraction(1)

    def part(self, amount: Fraction) -> Fraction:
        """How much of a refund of `amount` is this purchase's."""
        left = self.whole - self.refunded
        return min(amount, left) if self.amount else left

    def step(self, points: int, part: Fraction) -> int:
        """What is taken back of `points` with the next part: the difference of two sums, each rounded half up."""
        sums = [2 * points * refunded / self.whole for refunded in (self.refunded, self.refunded + part)]
        before, after = ((doubled.numerator // doubled.denominator + 1) // 2 for doubled in sums)
        return after - before


@dataclass
class Merger:
    """A member that became another: whose lots became which, so that it can be undone."""

    survivor: str
    became: dict[int, int] = field(default_factory=dict)

    def now_in(self, lots: Sequence[int]) -> list[int]:
        """The survivor's lots that these became, as far as there was anything left in them."""
        return [self.became[number] for number in lots if number in self.became]


@dataclass
class Oracle:
    """All accounts of one program. `policy`: what becomes of returned points that have lapsed; `refunds`: of debts."""

    policy: str = "extend"
    refunds: str = "negative"
    accounts: dict[str, Account] = field(default_factory=dict)
    redemptions: dict[str, Redemption] = field(default_factory=dict)
    holds: dict[str, Reservation] = field(default_factory=dict)
    purchases: dict[tuple[str, str], list[Purchase]] = field(default_factory=dict)
    parked: dict[tuple[str, str], list[tuple[Fraction, datetime]]] = field(default_factory=dict)
    mergers: dict[str, Merger] = field(default_factory=dict)
    transaction_ids: set[str] = field(default_factory=set)
    outcomes: dict[tuple[str, str], tuple[object, str, bool, datetime]] = field(default_factory=dict)

    def set_up(self, member: str) -> None:
        """Open the account of an active member."""
        self.accounts[member] = Account()

    def once(
        self, use_case: str, key: str | None, body: object, now: datetime, run: Callable[[], str]
    ) -> tuple[str, bool]:
        """One outcome per key: success for ever, a business refusal for a day, anything else not at all.

        Answers what `run` answered, and whether that was an earlier run.
        """
        if key is None:
            return run(), False
        if known := self.outcomes.get((use_case, key)):
            known_body, outcome, succeeded, at = known
            if succeeded or now < at + REFUSAL_BINDS:
                if known_body != body:
                    raise Refused("409")
                if not succeeded:
                    raise Refused(outcome)
                return outcome, True
        try:
            outcome = run()
        except Refused as refusal:
            if refusal.code in BUSINESS_REFUSALS:
                self.outcomes[use_case, key] = (body, refusal.code, False, now)
            raise
        self.outcomes[use_case, key] = (body, outcome, True, now)
        return outcome, False

    # Purchases.

    def earn(
        self,
        member: str,
        transaction_id: str,
        earned_at: datetime,
        awards: Sequence[Award],
        now: datetime,
        amount: Fraction = Fraction(1),
    ) -> str:
        """Post what the rules gave, one posting for each award, and refunds that came first. Answers the id."""
        account = self._account(member)
        _check(account.status, NO_EARNING)
        if transaction_id in self.transaction_ids:
            raise Refused("1201")
        self.transaction_ids.add(transaction_id)
        gifts = [award for award in awards if award.points]
        if gifts:
            account.bring_up_to(now)
        made = [(gift, list(self._give(account, gift, earned_at, now))) for gift in gifts]
        whose = self.name_of(member), transaction_id
        self.purchases.setdefault(whose, []).append(Purchase(amount, made))
        waiting = self.parked.pop(whose, [])
        for refunded, dated in waiting:
            try:
                self._take_back(account, self.purchases[whose], refunded, dated, now)
            except Refused:
                # It stays parked, and the purchase stands.
                self.parked.setdefault(whose, []).append((refunded, dated))
        return transaction_id

    def _give(self, account: Account, gift: Award, earned_at: datetime, now: datetime) -> Moves:
        lot = Lot(gift.points, 0, earned_at, gift.expires_at, gift.available_at)
        return account.credit("earn", gift.bucket, earned_at, [lot], now)

    def refund(
        self, member: str, transaction_id: str, amount: Fraction, dated: datetime, now: datetime, name: str = ""
    ) -> str:
        """Take back a purchase or a part of it; one that has not arrived is waited for. Answers `name`."""
        account = self._account(member)
        _check(account.status, NO_EARNING)
        whose = self.name_of(member), transaction_id
        if whose in self.purchases:
            self._take_back(account, self.purchases[whose], amount, dated, now)
        else:
            self.parked.setdefault(whose, []).append((amount, dated))
        return name

    def _take_back(
        self, account: Account, purchases: Sequence[Purchase], amount: Fraction, dated: datetime, now: datetime
    ) -> None:
        """Oldest purchase first; more than what is left of them is nobody's."""
        account.bring_up_to(now)
        parts = []
        for purchase in purchases:
            parts.append((purchase, purchase.part(amount)))
            amount -= parts[-1][1] if purchase.amount else 0
        claims = [
            (purchase, gift.bucket, purchase.step(gift.points, part))
            for purchase, part in parts
            for gift, _ in purchase.gifts
        ]
        own = [number for purchase in purchases for number in purchase.own]
        if self.refunds == "refuse" and sum(points for *_, points in claims) > account.refundable(own, now):
            raise Refused("121")
        for purchase, part in parts:
            purchase.refunded += part
        for purchase, bucket, points in claims:
            if self.refunds == "floor":
                points = min(points, account.refundable(purchase.own, now))
            if points:
                account.refund(bucket, points, purchase.own, dated, now)

    # Redemptions.

    def redeem(self, member: str, points: int, merchant: str, reference: str, now: datetime) -> str:
        """Take the points or refuse; never a part of them. Answers the reference."""
        if reference in self.redemptions:
            raise Refused("409")
        account = self._account(member)
        _check(account.status, NOT_ACTIVE)
        self._needs(account, points, now)
        entry = account.debit("redeem", now, points, now)
        self.redemptions[reference] = Redemption(self.name_of(member), merchant, entry)
        return reference

    def reverse(self, member: str, merchant: str, reference: str, now: datetime) -> str:
        """Give a redemption back to its lots, whole and once, whatever the member's status."""
        account = self._account(member)
        redemption = self.redemptions.get(reference)
        if redemption is None:
            raise Refused("123")
        if self.name_of(redemption.member) != self.name_of(member) or _folded(redemption.merchant) != _folded(merchant):
            raise Refused("124")
        if redemption.is_reversed:
            raise Refused("122")
        redemption.is_reversed = True
        account.bring_up_to(now)
        owner = self.accounts[redemption.member]
        returned = {number: -points for number, points in redemption.entry.moves.items()}
        owner.give_back("reverse", returned, now, now + GRACE if self.policy == "extend" else None)
        self._pass_on(redemption.member, now)
        return reference

    # Holds.

    def hold(self, member: str, points: int, merchant: str, ends_at: datetime, name: str, now: datetime) -> str:
        """Reserve points until then. Answers the name of the hold."""
        account = self._account(member)
        _check(account.status, NOT_ACTIVE)
        self._needs(account, points, now)
        self.holds[name] = Reservation(self.name_of(member), merchant, account.hold(points, ends_at, now))
        return name

    def settle(self, name: str, points: int | None, reference: str, now: datetime) -> str:
        """Spend a hold or a part of it; it becomes a redemption. Answers the reference."""
        account, kept = self._pending(name, now)
        hold = kept.hold
        if points is not None and points > hold.points:
            raise Refused("998")
        entry = account.settle_hold(hold, hold.points if points is None else points, now)
        self.redemptions[reference] = Redemption(kept.member, kept.merchant, entry)
        return reference

    def cancel(self, name: str, now: datetime) -> str:
        """Give up a hold. Answers its name."""
        account, kept = self._pending(name, now)
        account.end_hold(kept.hold, "CANCELLED", now)
        return name

    def _pending(self, name: str, now: datetime) -> tuple[Account, Reservation]:
        if name not in self.holds:
            raise Refused("123")
        kept = self.holds[name]
        account = self.accounts[kept.member]
        account.bring_up_to(now)
        if kept.hold.state != "PENDING":
            raise Refused("127")
        return account, kept

    # Between accounts, and by hand.

    def transfer(self, sender: str, receiver: str, points: int, name: str, now: datetime) -> str:
        """Move points with their dates from one member to another, what lapses first first. Answers `name`."""
        giver, taker = self._account(sender), self._account(receiver)
        if giver is taker:
            raise Refused("998")
        _check(giver.status, NO_SENDING)
        _check(taker.status, NO_RECEIVING)
        self._needs(giver, points, now)
        taker.bring_up_to(now)
        _move(giver, taker, giver.out_of(giver.ready(now), points), now)
        return name

    def adjust(self, member: str, points: int, expires_at: datetime | None, name: str, now: datetime) -> str:
        """Give points by hand, or take them or refuse. Answers `name`."""
        account = self._account(member)
        if points < 0:
            self._needs(account, -points, now)
            account.debit("adjust", now, -points, now)
        else:
            account.bring_up_to(now)
            account.credit("adjust", "other", now, [Lot(points, 0, now, expires_at)], now)
        return name

    def merge(self, member: str, survivor: str, now: datetime) -> str:
        """Everything that a member has becomes the survivor's, debts too; the old reference goes on to work."""
        giver, taker = self._account(member), self._account(survivor)
        if giver is taker:
            raise Refused("998")
        giver.bring_up_to(now)
        taker.bring_up_to(now)
        if any(hold.state == "PENDING" for hold in giver.holds):
            raise Refused("126")
        name, heir = self.name_of(member), self.name_of(survivor)
        self.mergers[name] = Merger(heir)
        self._pass_on(name, now)
        for who, transaction_id in [whose for whose in self.purchases if whose[0] == name]:
            mine = self.purchases.pop((who, transaction_id))
            for purchase in mine:
                purchase.gifts = [(gift, self.mergers[name].now_in(lots)) for gift, lots in purchase.gifts]
            self.purchases[heir, transaction_id] = [*self.purchases.get((heir, transaction_id), []), *mine]
        return member

    def _pass_on(self, member: str, now: datetime) -> None:
        """What comes to a member that is another by now goes on to that one."""
        if member not in self.mergers:
            return
        merger = self.mergers[member]
        giver, taker = self.accounts[member], self.accounts[merger.survivor]
        moves = {number: -giver.lots[number].remaining for number in giver.in_order(range(len(giver.lots)))}
        if moves := {number: points for number, points in moves.items() if points}:
            merger.became |= _move(giver, taker, moves, now)
        if owed := giver.arrears:
            giver.post("transfer", "other", now, {}, owed)
            taker.post("transfer", "redeem", now, {}, -owed)
        self._pass_on(merger.survivor, now)

    def unmerge(self, member: str, now: datetime) -> str:
        """Undo a merge: what has not been spent of the member's lots goes back into them."""
        merger = self.mergers.get(member)
        if merger is None or merger.survivor in self.mergers:
            raise Refused("123")
        giver = self.accounts[merger.survivor]
        giver.bring_up_to(now)
        del self.mergers[member]
        taker = self.accounts[member]
        taker.bring_up_to(now)
        back = {old: giver.lots[new].remaining for old, new in merger.became.items() if giver.lots[new].remaining}
        if back:
            for old in back:
                taker.lots[old].expires_at = giver.lots[merger.became[old]].expires_at
            giver.post("transfer", "redeem", now, {merger.became[old]: -points for old, points in back.items()})
            taker.post("transfer", "other", now, back)
        return member

    # The rest.

    def expire(self, now: datetime) -> None:
        """The job: see to what is due on every account."""
        for account in self.accounts.values():
            account.bring_up_to(now)

    def set_status(self, member: str, status: int) -> str:
        """Change a member's status; a cancelled member stays so."""
        account = self._account(member)
        if account.status == 4:
            raise Refused("1204")
        account.status = status
        return member

    def availability(self, member: str, now: datetime) -> int:
        """The redeemable points, never below zero; only an active member is told."""
        account = self._account(member)
        if account.status != 1:
            raise Refused("107")
        return max(0, account.spendable(now))

    def name_of(self, member: str) -> str:
        """Who a reference stands for by now."""
        while member in self.mergers:
            member = self.mergers[member].survivor
        return member

    def _account(self, member: str) -> Account:
        if member not in self.accounts:
            raise Refused("103")
        return self.accounts[self.name_of(member)]

    def _needs(self, account: Account, points: int, now: datetime) -> None:
        if account.spendable(now) < points:
            raise Refused("121")
        account.bring_up_to(now)


def _move(giver: Account, taker: Account, moves: Moves, now: datetime) -> dict[int, int]:
    """Move points between accounts: new lots with the dates of the old. Answers which became which."""
    arriving = []
    for number, points in moves.items():
        lot = giver.lots[number]
        arriving.append((number, replace(lot, points=-points, remaining=0)))
    giver.post("transfer", "redeem", now, moves)
    made = taker.credit("transfer", "other", now, [lot for _, lot in arriving], now)
    # What repaid a debt is the first of them.
    return dict(zip([number for number, _ in arriving][len(arriving) - len(made) :], made, strict=True))


def _check(status: int, gate: dict[int, str]) -> None:
    if code := gate.get(status):
        raise Refused(code)


def _folded(merchant: str) -> str:
    return merchant.strip().casefold()
