"""The pure core of the ledger at work on lots in memory, the way the journal and the use cases drive it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from uuid import uuid4

from domain.clock import NEVER
from domain.ledger.account import Account
from domain.ledger.hold import hold_points, release, settle
from domain.ledger.posting import Bucket, Draft, Lot, lot_order, new_lot
from domain.ledger.refund import Claim, Policy, refund, refundable, share
from domain.ledger.reversal import Policy as ReversalPolicy
from domain.ledger.reversal import reverse
from domain.ledger.transfer import give_back, move_everything, owe, transfer
from tests.oracle import Award

GRACE = timedelta(days=30)


@dataclass
class Hold:
    """A hold as the table of holds has it."""

    member: str
    entry: Draft
    ends_at: datetime
    is_pending: bool = True

    @property
    def taken(self) -> list[tuple[Lot, int]]:
        return taken_by(self.entry)


@dataclass
class Purchase:
    """What a purchase gave, and how much of it has been refunded."""

    amount: Decimal
    gifts: list[Draft]
    refunded: Decimal = Decimal(0)

    @property
    def own(self) -> list[Lot]:
        return [move.lot for gift in self.gifts for move in gift.moves]


@dataclass
class Merger:
    """A merge as the use case keeps it: which lot became which; `is_mixed` where a part repaid a debt."""

    member: str
    survivor: str
    owed: int
    pairs: list[tuple[Lot, Lot]] = field(default_factory=list)
    is_mixed: bool = False
    is_undone: bool = False


def taken_by(entry: Draft) -> list[tuple[Lot, int]]:
    """The lots that a debit took, in the order in which the store reads them."""
    return sorted(((move.lot, -move.points) for move in entry.moves), key=lambda each: lot_order(each[0]))


@dataclass
class Vault:
    """One stored account: its figures, lots and entries, and its holds."""

    account: Account
    ids: Iterator[int]
    lots: list[Lot] = field(default_factory=list)
    entries: list[Draft] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)

    def lock(self, now: datetime) -> Account:
        """See to what is due, as `Journal.lock_accounts` does."""
        one = self.account
        if one.next_release <= now:
            waiting = sum(lot.remaining for lot in self.lots if lot.available_at is not None and lot.available_at > now)
            self._find_next(now)
            one.mature(waiting)
            one.lots_changed = True
            overdue = [hold for hold in self.holds if hold.is_pending and hold.ends_at <= now]
            for hold in sorted(overdue, key=lambda each: each.ends_at):
                hold.is_pending = False
                release(one, hold.entry.id or 0, hold.taken, hold.ends_at)
                self.flush(now)
            self.flush(now)
        if one.next_expiry <= now:
            one.lots_changed = True
            one.write_off([lot for lot in self.open_lots() if lot.expires_at <= now])
        self.flush(now)
        return one

    def flush(self, now: datetime) -> None:
        """Give ids to what is new, as `Journal.flush` does."""
        for draft in self.account.drafts:
            draft.id = next(self.ids)
            for move in draft.moves:
                if move.lot.id is None:
                    move.lot.id, move.lot.entry_id = len(self.lots), draft.id
                    self.lots.append(move.lot)
            self.entries.append(draft)
        self.account.drafts = []
        if self.account.lots_changed:
            self._find_next(now)

    def open_lots(self) -> list[Lot]:
        return sorted((lot for lot in self.lots if lot.remaining), key=lot_order)

    def next_dates(self, now: datetime) -> tuple[datetime, datetime]:
        """When the next lot lapses, and when the next points are released."""
        released = [lot.available_at for lot in self.open_lots() if lot.available_at and lot.available_at > now]
        ends = [hold.ends_at for hold in self.holds if hold.is_pending]
        return min((lot.expires_at for lot in self.open_lots()), default=NEVER), min([*released, *ends, NEVER])

    def _find_next(self, now: datetime) -> None:
        self.account.next_expiry, self.account.next_release = self.next_dates(now)
        self.account.lots_changed = False

    def moves_of(self, draft: Draft) -> dict[int, int]:
        """What a posting did, by the number of each lot."""
        return {move.lot.id if move.lot.id is not None else -1: move.points for move in draft.moves}


class Refused(Exception):
    """The core, or who asks it, says no."""


class Bank:
    """Several accounts, with the checks that the use cases make before they post."""

    def __init__(self, members: Sequence[str], policy: ReversalPolicy, refunds: Policy) -> None:
        self.policy: ReversalPolicy = policy
        self.refunds: Policy = refunds
        self.vaults = {
            member: Vault(
                Account(program_id=1, id=number, member_id=number, version=0, available=0, head_hash=b""), count(1)
            )
            for number, member in enumerate(members)
        }
        self.redemptions: dict[str, tuple[str, Draft]] = {}
        self.holds: dict[str, Hold] = {}
        self.purchases: dict[str, Purchase] = {}
        self.merges: dict[str, Merger] = {}

    def earn(
        self, member: str, name: str, awards: Iterable[Award], earned_at: datetime, amount: Decimal, now: datetime
    ) -> None:
        """Post each award with a lot."""
        account = self.vaults[member].lock(now)
        gifts = []
        for award in awards:
            lot = new_lot(award.points, earned_at, award.expires_at or NEVER, award.available_at)
            bucket: Bucket = "bonus" if award.bucket == "bonus" else "spend"
            gifts.append(account.credit(Draft("earn", bucket, award.points, 1, earned_at, [lot]), now))
        self.purchases[name] = Purchase(amount, gifts)
        self.vaults[member].flush(now)

    def redeem(self, member: str, points: int, name: str, now: datetime) -> None:
        """Take points or refuse."""
        vault = self._able(member, points, now)
        draft = Draft("redemption", "redeem", -points, 30, now, [])
        self.redemptions[name] = member, vault.account.debit(draft, vault.open_lots())
        vault.flush(now)

    def reverse(self, name: str, now: datetime) -> None:
        """Give a redemption back."""
        member, entry = self.redemptions[name]
        vault = self.vaults[member]
        account = vault.lock(now)
        reverse(account, entry.id or 0, taken_by(entry), policy=self.policy, grace=GRACE, now=now)
        vault.flush(now)

    def hold(self, member: str, points: int, ends_at: datetime, name: str, now: datetime) -> None:
        """Reserve points or refuse."""
        vault = self._able(member, points, now)
        entry = hold_points(vault.account, points, vault.open_lots(), now=now, expires_at=ends_at)
        self.holds[name] = Hold(member, entry, ends_at)
        vault.holds.append(self.holds[name])
        vault.flush(now)

    def settle(self, name: str, points: int, reference: str, now: datetime) -> None:
        """Spend a hold that has not ended, or a part of it."""
        hold, vault = self._pending(name, now)
        hold.is_pending = False
        draft = settle(
            vault.account,
            hold.entry.id or 0,
            hold.taken,
            points,
            now=now,
            loyalty_txn_type=30,
            reference=uuid4(),
            merchant=None,
            amount=None,
        )
        vault.flush(now)
        self.redemptions[reference] = hold.member, draft

    def cancel(self, name: str, now: datetime) -> None:
        """Give a hold up."""
        hold, vault = self._pending(name, now)
        hold.is_pending = False
        release(vault.account, hold.entry.id or 0, hold.taken, now)
        vault.flush(now)

    def _pending(self, name: str, now: datetime) -> tuple[Hold, Vault]:
        hold = self.holds[name]
        vault = self.vaults[hold.member]
        vault.lock(now)
        if not hold.is_pending:
            raise Refused
        return hold, vault

    def transfer(self, sender: str, receiver: str, points: int, now: datetime) -> None:
        """Move points or refuse."""
        giver, taker = self._able(sender, points, now), self.vaults[receiver]
        taker.lock(now)
        transfer(giver.account, taker.account, points, giver.open_lots(), now=now, reference=uuid4())
        self._flush(giver, taker, now)

    def adjust(self, member: str, points: int, expires_at: datetime | None, now: datetime) -> None:
        """Give points, or take them or refuse."""
        vault = self.vaults[member]
        if points < 0:
            self._able(member, -points, now)
            vault.account.debit(Draft("adjustment", "redeem", points, 9, now, []), vault.open_lots())
        else:
            lot = new_lot(points, now, expires_at or NEVER)
            vault.lock(now).credit(Draft("adjustment", "other", points, 9, now, [lot]), now)
        vault.flush(now)

    def refund(self, member: str, name: str, amount: Decimal, now: datetime) -> None:
        """Take back a purchase or a part of it, or refuse."""
        vault, purchase = self.vaults[member], self.purchases[name]
        account = vault.lock(now)
        part = min(amount, purchase.amount - purchase.refunded)
        shares = [share(gift.points, purchase.amount, purchase.refunded, part) for gift in purchase.gifts]
        if self.refunds == "refuse" and sum(shares) > refundable(account, purchase.own):
            raise Refused
        purchase.refunded += part
        own = {id(lot) for lot in purchase.own}
        for gift, points in zip(purchase.gifts, shares, strict=True):
            if points:
                claim = Claim(earning=gift, bucket=gift.bucket, loyalty_txn_type=1, points=points)
                others = [lot for lot in vault.open_lots() if id(lot) not in own]
                refund(account, claim, purchase.own, others, policy=self.refunds, dated=now)
        vault.flush(now)

    def merge(self, member: str, survivor: str, name: str, now: datetime) -> None:
        """Move everything to another member, or refuse while something is held."""
        giver, taker = self.vaults[member], self.vaults[survivor]
        owed = giver.lock(now).arrears
        taker.lock(now)
        if any(hold.is_pending for hold in giver.holds):
            raise Refused
        posted = move_everything(
            giver.account, taker.account, giver.open_lots(), now=now, references=(uuid4(), uuid4())
        )
        merger = Merger(member, survivor, owed)
        for out in posted:
            into = out.related
            if isinstance(into, Draft) and out.moves and not into.arrears:
                merger.pairs += [(old.lot, new.lot) for old, new in zip(out.moves, into.moves, strict=True)]
            elif out.moves:
                merger.is_mixed = True
        self.merges[name] = merger
        self._flush(giver, taker, now)

    def unmerge(self, name: str, now: datetime) -> None:
        """Undo a merge, or refuse where something that moved was spent."""
        merger = self.merges[name]
        giver, taker = self.vaults[merger.survivor], self.vaults[merger.member]
        giver.lock(now)
        taker.lock(now)
        spent = any(new.remaining != new.points and new.expires_at > now for _, new in merger.pairs)
        if merger.is_undone or merger.is_mixed or spent or merger.owed > giver.account.arrears:
            raise Refused
        merger.is_undone = True
        give_back(giver.account, taker.account, merger.pairs, now=now)
        if merger.owed:
            owe(giver.account, taker.account, merger.owed, now=now, reference=uuid4())
        self._flush(giver, taker, now)

    def _flush(self, giver: Vault, taker: Vault, now: datetime) -> None:
        giver.flush(now)
        taker.flush(now)

    def _able(self, member: str, points: int, now: datetime) -> Vault:
        vault = self.vaults[member]
        if vault.lock(now).available < points:
            raise Refused
        return vault
