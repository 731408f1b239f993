"""The whole ledger of one program: what is spent, reserved, given back and moved."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.oracle.account import Account, Entry, Hold
from tests.oracle.corrections import Corrections
from tests.oracle.gate import NO_RECEIVING, NO_SENDING, NOT_ACTIVE, Refused, check
from tests.oracle.members import move, move_everything

GRACE = timedelta(days=30)


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
class Oracle(Corrections):
    """All that happens in one program. `policy`: what becomes of returned points that have lapsed."""

    policy: str = "extend"
    redemptions: dict[str, Redemption] = field(default_factory=dict)
    holds: dict[str, Reservation] = field(default_factory=dict)

    # Redemptions.

    def redeem(self, member: str, points: int, merchant: str, reference: str, now: datetime) -> str:
        """Take the points or refuse; never a part of them. Answers the reference."""
        if reference in self.redemptions:
            raise Refused("409")
        account = self.account_of(member)
        check(account.status, NOT_ACTIVE)
        self.needs(account, points, now)
        entry = account.debit("redeem", now, points, now)
        self.redemptions[reference] = Redemption(self.name_of(member), merchant, entry)
        return reference

    def reverse(self, member: str, merchant: str, reference: str, now: datetime) -> str:
        """Give a redemption back to its lots, whole and once, whatever the member's status."""
        account = self.account_of(member)
        redemption = self.redemptions.get(reference)
        if redemption is None:
            raise Refused("123")
        if self.name_of(redemption.member) != self.name_of(member) or _folded(redemption.merchant) != _folded(merchant):
            raise Refused("124")
        if redemption.is_reversed:
            raise Refused("122")
        redemption.is_reversed = True
        owner = self.accounts[redemption.member]
        account.bring_up_to(now)
        owner.bring_up_to(now)
        returned = {number: -points for number, points in redemption.entry.moves.items()}
        owner.give_back("reverse", returned, now, now + GRACE if self.policy == "extend" else None)
        if owner is not account:
            # The lots are those of a member that is another by now, who gets what came back.
            move_everything(owner, account, now)
        return reference

    # Holds.

    def hold(self, member: str, points: int, merchant: str, ends_at: datetime, name: str, now: datetime) -> str:
        """Reserve points until then. Answers the name of the hold."""
        account = self.account_of(member)
        check(account.status, NOT_ACTIVE)
        if ends_at <= now:
            raise Refused("998")
        self.needs(account, points, now)
        self.holds[name] = Reservation(self.name_of(member), merchant, account.hold(points, ends_at, now))
        return name

    def settle(self, name: str, points: int | None, reference: str, now: datetime) -> str:
        """Spend a hold or a part of it; it becomes a redemption. Answers the reference."""
        account, kept = self._pending(name, now)
        hold = kept.hold
        if points is not None and points > hold.points:
            raise Refused("998")
        account.bring_up_to(now)
        entry = account.settle_hold(hold, hold.points if points is None else points, now)
        self.redemptions[reference] = Redemption(kept.member, kept.merchant, entry)
        return reference

    def cancel(self, name: str, now: datetime) -> str:
        """Give up a hold. Answers its name."""
        account, kept = self._pending(name, now)
        account.bring_up_to(now)
        account.end_hold(kept.hold, "CANCELLED", now)
        return name

    def _pending(self, name: str, now: datetime) -> tuple[Account, Reservation]:
        if name not in self.holds:
            raise Refused("123")
        kept = self.holds[name]
        if not kept.hold.is_pending(now):
            raise Refused("127")
        return self.accounts[kept.member], kept

    # Between accounts.

    def transfer(self, sender: str, receiver: str, points: int, name: str, now: datetime) -> str:
        """Move points with their dates from one member to another, what lapses first first. Answers `name`."""
        if sender == receiver:
            raise Refused("998")
        giver, taker = self.account_of(sender), self.account_of(receiver)
        if giver is taker:
            raise Refused("998")
        check(giver.status, NO_SENDING)
        check(taker.status, NO_RECEIVING)
        self.needs(giver, points, now)
        taker.bring_up_to(now)
        move(giver, taker, giver.out_of(giver.ready(now), points), now)
        return name


def _folded(merchant: str) -> str:
    return merchant.strip().casefold()
