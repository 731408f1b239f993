"""The members of one program: who there is, who has become another, and what moves between them."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.oracle.account import Account, Moves
from tests.oracle.gate import NO_EARNING, Outcomes, Refused, check

ERASED = "ERASED "
"""What an erased member is called: this and the reference that it had."""


@dataclass
class Merger:
    """A member that became another: whose lots became which with how many points, and the debt that went along.

    `repaid`: a part of what moved repaid a debt of the survivor, so there is no way back. `brought` is another tier
    that the survivor has with it, since when, and `instead_of` the one that it had, with its last qualification.
    """

    member: str
    survivor: str
    became: dict[int, tuple[int, int]]
    owed: int
    repaid: bool
    is_undone: bool = False
    brought: tuple[datetime, str | None] | None = None
    instead_of: tuple[str | None, datetime] | None = None


@dataclass
class Members(Outcomes):
    """All accounts, each under the reference that it was opened with. `accrue_cancelled`: cancelled members earn."""

    accrue_cancelled: bool = False
    accounts: dict[str, Account] = field(default_factory=dict)
    mergers: dict[str, Merger] = field(default_factory=dict)

    def set_up(self, member: str) -> None:
        """Open the account of an active member."""
        self.accounts[member] = Account()

    def mergers_of(self, member: str) -> list[Merger]:
        """The mergers that stand between this member and who it is by now, first to last."""
        standing = [one for one in self.mergers.values() if one.member == member and not one.is_undone]
        return [one for first in standing[:1] for one in (first, *self.mergers_of(first.survivor))]

    def survivor_of(self, member: str) -> str | None:
        """Whose this member became, if it became another's and is not its own again."""
        return next((one.survivor for one in self.mergers_of(member)), None)

    def name_of(self, member: str) -> str:
        """Who a reference stands for by now, whether or not it is of use still."""
        member = member.removeprefix(ERASED)
        while (survivor := self.survivor_of(member)) is not None:
            member = survivor
        return member

    def account_of(self, member: str) -> Account:
        """The account that a reference stands for by now."""
        opened = self.accounts.get(member.removeprefix(ERASED))
        if opened is None or opened.is_erased != member.startswith(ERASED):
            raise Refused("103")
        return self.accounts[self.name_of(member)]

    def called(self, member: str) -> str:
        """The reference of a member by now."""
        return ERASED + member if self.accounts[member].is_erased else member

    def check_earning(self, account: Account) -> None:
        """Refuse who may not earn."""
        if not (account.status == 4 and self.accrue_cancelled):
            check(account.status, NO_EARNING)
        if account.is_erased:
            raise Refused("128")

    def may_earn(self, account: Account) -> bool:
        """Whether nothing speaks against it."""
        try:
            self.check_earning(account)
        except Refused:
            return False
        return True

    def needs(self, account: Account, points: int, now: datetime) -> None:
        """Enough or nothing."""
        if account.spendable(now) < points:
            raise Refused("121")
        account.bring_up_to(now)

    def expire(self, now: datetime) -> None:
        """The job: see to what is due on every account."""
        for account in self.accounts.values():
            account.bring_up_to(now)

    def set_status(self, member: str, status: int) -> str:
        """Change a member's status; a cancelled member stays so."""
        account = self.account_of(member)
        if account.status == 4:
            raise Refused("1204")
        account.status = status
        return member

    def erase(self, member: str) -> tuple[str, bool]:
        """Forget a person with all who became it: numbers stay, under other references. Answers who, and if before."""
        opened = self.accounts.get(member.removeprefix(ERASED))
        if opened is None or (member.startswith(ERASED) and not opened.is_erased):
            raise Refused("103")
        person, before = self.name_of(member), opened.is_erased
        for name, account in self.accounts.items():
            if self.name_of(name) == person:
                account.is_erased, account.status = True, 4
        return f"erasure of {person}", before

    def availability(self, member: str, now: datetime) -> int:
        """The redeemable points, never below zero; only an active member is told."""
        account = self.account_of(member)
        if account.status != 1:
            raise Refused("107")
        return max(0, account.spendable(now))

    # Two members that are one.

    def merge(self, member: str, survivor: str, name: str, now: datetime) -> str:
        """Everything that a member has becomes the survivor's, debts too; the old reference goes on to work.

        Answers `name`, which is that of the merger.
        """
        giver, taker = self.account_of(member), self.account_of(survivor)
        if giver is taker:
            raise Refused("998")
        if giver.is_erased or taker.is_erased or any(hold.is_pending(now) for hold in giver.holds):
            raise Refused("1310")
        giver.bring_up_to(now)
        taker.bring_up_to(now)
        owed, repaid = giver.arrears, bool(taker.arrears and any(lot.remaining for lot in giver.lots))
        became = move_everything(giver, taker, now)
        self.mergers[name] = Merger(self.name_of(member), self.name_of(survivor), became, owed, repaid)
        return name

    def unmerge(self, name: str, now: datetime) -> str:
        """Undo a merge, if nothing that moved was spent. Answers `name`."""
        merger = self.mergers.get(name)
        if merger is None:
            raise Refused("123")
        if merger.is_undone or self.survivor_of(merger.survivor) is not None:
            raise Refused("1310")
        giver, taker = self.accounts[merger.survivor], self.accounts[merger.member]
        lots = giver.at(now).lots
        moved = [(lots[new], points) for new, points in merger.became.values()]
        is_spent = any(lot.remaining != points and not lot.has_lapsed(now) for lot, points in moved)
        if merger.repaid or is_spent or merger.owed > giver.arrears:
            raise Refused("1310")
        merger.is_undone = True
        giver.bring_up_to(now)
        taker.bring_up_to(now)
        back = {old: giver.lots[new].remaining for old, (new, _) in merger.became.items() if giver.lots[new].remaining}
        for old in back:
            taker.lots[old].expires_at = giver.lots[merger.became[old][0]].expires_at
        if back:
            giver.post("transfer", "redeem", now, {merger.became[old][0]: -points for old, points in back.items()})
            taker.post("transfer", "other", now, back)
        if merger.owed:
            owe(giver, taker, merger.owed, now)
        return name


def move(giver: Account, taker: Account, moves: Moves, now: datetime) -> dict[int, tuple[int, int]]:
    """Move points between accounts: new lots with the dates of the old. Answers which became which, of how much."""
    arriving = [
        (number, replace(giver.lots[number], points=-points, remaining=0, by_activity=False))
        for number, points in moves.items()
    ]
    giver.post("transfer", "redeem", now, moves)
    made = taker.credit("transfer", "other", now, [lot for _, lot in arriving], now)
    # What repaid a debt is the first of them.
    moved = [number for number, _ in arriving][len(arriving) - len(made) :]
    return dict(zip(moved, made.items(), strict=True))


def move_everything(giver: Account, taker: Account, now: datetime) -> dict[int, tuple[int, int]]:
    """Move all that is left in an account, points that wait as well, and what it owes."""
    left = {number: -giver.lots[number].remaining for number in giver.in_order(range(len(giver.lots)))}
    moves = {number: points for number, points in left.items() if points}
    became = move(giver, taker, moves, now) if moves else {}
    if giver.arrears:
        owe(giver, taker, giver.arrears, now)
    return became


def owe(giver: Account, taker: Account, points: int, now: datetime) -> None:
    """Move a debt."""
    giver.post("transfer", "other", now, {}, points)
    taker.post("transfer", "redeem", now, {}, -points)
