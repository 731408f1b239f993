"""What purchases earn, and what of it refunds take back."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date as Date
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from tests.oracle.account import Account, Lot, Moves
from tests.oracle.caps import Cap
from tests.oracle.gate import Refused
from tests.oracle.referrals import Referrals

UTC = ZoneInfo("UTC")


@dataclass
class Award:
    """What one group of rules gave: points for a bucket with their expiry, and when they may be spent."""

    bucket: str
    points: int
    expires_at: datetime | None
    available_at: datetime | None = None


@dataclass
class Purchase:
    """What a purchase gave, by award with the lots of each, and how much of its amount has been refunded."""

    member: str
    transaction_id: str
    amount: Fraction
    dated: datetime
    gifts: list[tuple[Award, list[int]]]
    refunded: Fraction = Fraction(0)

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
        before, after = (_half_up(points * refunded / self.whole) for refunded in (self.refunded, self.refunded + part))
        return after - before

    def left(self, points: int) -> int:
        """What refunds have left of `points`, in proportion, whether or not there was as much to take back."""
        return points - _half_up(points * self.refunded / self.whole)


@dataclass
class Parked:
    """A refund whose purchase has not arrived."""

    member: str
    transaction_id: str
    amount: Fraction
    dated: datetime


@dataclass
class Purchases(Referrals):
    """Earning and its opposite. `refunds`: what becomes of a refund of points that are spent."""

    refunds: str = "negative"
    caps: Sequence[Cap] = ()
    zone: ZoneInfo = UTC
    purchases: list[Purchase] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    transaction_ids: set[str] = field(default_factory=set)

    def earn(
        self,
        member: str,
        transaction_id: str,
        earned_at: datetime,
        awards: Sequence[Award],
        now: datetime,
        amount: Fraction = Fraction(1),
    ) -> str:
        """Post what tier and caps make of it, a posting for each award, and refunds that came first. Answers the id."""
        account = self.account_of(member)
        self.check_earning(account)
        if transaction_id in self.transaction_ids:
            raise Refused("1201")
        self.transaction_ids.add(transaction_id)
        gifts = self._granted(self.name_of(member), awards, earned_at)
        if gifts:
            account.bring_up_to(now)
        is_first = all(purchase.member != self.name_of(member) for purchase in self.purchases)
        made = [(gift, list(_give(account, gift, earned_at, now))) for gift in gifts]
        self.purchases.append(Purchase(self.name_of(member), transaction_id, amount, earned_at, made))
        for waiting in [each for each in self.parked if self._is_of(each, member, transaction_id)]:
            try:
                self._take_back(member, transaction_id, waiting.amount, waiting.dated, now)
            except Refused:
                continue  # It stays parked, and the purchase stands.
            self.parked.remove(waiting)
        if is_first:
            self.reward_for(self.name_of(member), now)
        self.assess(account, now)
        return transaction_id

    def _granted(self, member: str, awards: Sequence[Award], dated: datetime) -> list[Award]:
        """One award after the other, times the tier's factor, each by what the caps leave of it after those before."""
        factor = self.factor_at(self.accounts[member], dated)
        given: list[Award] = []
        for award in awards:
            exact = factor * award.points
            for cap in self.caps:
                if cap.is_on(award.bucket):
                    used = self.counted(member, cap, cap.first_day(dated, self.zone))
                    used += sum(one.points for one in given if cap.is_on(one.bucket))
                    exact = min(exact, Fraction(max(0, cap.points - used)))
            if points := _half_up(exact):
                given.append(replace(award, points=points))
        return given

    def counted(self, member: str, cap: Cap, first_day: Date) -> int:
        """What a cap has counted in one window: what refunds have left of all purchases that are the member's now."""
        return sum(
            purchase.left(gift.points)
            for purchase in self.purchases
            if self.name_of(purchase.member) == member and cap.first_day(purchase.dated, self.zone) == first_day
            for gift, _ in purchase.gifts
            if cap.is_on(gift.bucket)
        )

    def refund(
        self, member: str, transaction_id: str, amount: Fraction, dated: datetime, now: datetime, name: str = ""
    ) -> str:
        """Take back a purchase or a part of it; one that has not arrived is waited for. Answers `name`."""
        self.check_earning(self.account_of(member))
        if self._take_back(member, transaction_id, amount, dated, now):
            self.assess(self.account_of(member), now)
        elif transaction_id in self.transaction_ids:
            # Another member's: it would wait for ever.
            raise Refused("998")
        else:
            self.parked.append(Parked(self.name_of(member), transaction_id, amount, dated))
        return name

    def _take_back(self, member: str, transaction_id: str, amount: Fraction, dated: datetime, now: datetime) -> bool:
        """Oldest purchase first; more than what is left of them is nobody's. Whether there are any."""
        account = self.account_of(member)
        parts = []
        for purchase in self.purchases:
            if self._is_of(purchase, member, transaction_id):
                parts.append((purchase, purchase.part(amount)))
                amount -= parts[-1][1] if purchase.amount else 0
        if not parts:
            return False
        claims = [
            (purchase, gift.bucket, purchase.step(gift.points, part))
            for purchase, part in parts
            for gift, _ in purchase.gifts
        ]
        own = [number for purchase, _ in parts for number in self._own(purchase)]
        if self.refunds == "refuse" and sum(points for *_, points in claims) > account.refundable(own, now):
            raise Refused("121")
        account.bring_up_to(now)
        for purchase, part in parts:
            purchase.refunded += part
        for purchase, bucket, points in claims:
            possible = account.refundable(self._own(purchase), now) if self.refunds == "floor" else points
            if taken := min(points, possible):
                account.refund(bucket, taken, self._own(purchase), dated, now)
        return True

    def _is_of(self, thing: Purchase | Parked, member: str, transaction_id: str) -> bool:
        return thing.transaction_id == transaction_id and self.name_of(thing.member) == self.name_of(member)

    def _own(self, purchase: Purchase) -> list[int]:
        """Every lot that it made; those of a merged member are what they became with each merge."""
        numbers = [number for _, lots in purchase.gifts for number in lots]
        for merger in self.mergers_of(purchase.member):
            numbers = [merger.became[number][0] for number in numbers if number in merger.became]
        return numbers


def _half_up(exact: Fraction) -> int:
    return (2 * exact.numerator // exact.denominator + 1) // 2


def _give(account: Account, gift: Award, earned_at: datetime, now: datetime) -> Moves:
    lot = Lot(gift.points, 0, earned_at, gift.expires_at, gift.available_at)
    return account.credit("earn", gift.bucket, earned_at, [lot], now)
