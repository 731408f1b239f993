"""What purchases earn, and what of it refunds take back."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date as Date
from datetime import datetime
from fractions import Fraction
from math import prod
from zoneinfo import ZoneInfo

from tests.oracle.account import Account, Lot, Moves
from tests.oracle.activity import Inactivity
from tests.oracle.campaigns import Campaign, Regulars
from tests.oracle.caps import Cap
from tests.oracle.gate import Refused
from tests.oracle.referrals import Referrals

UTC = ZoneInfo("UTC")


@dataclass
class Award:
    """What one group of rules gave: points for a bucket with their expiry, and when they may be spent.

    `begins` is what the program's expiry counts from; None: the expiry is a date of the rule's own.
    """

    bucket: str
    points: int
    expires_at: datetime | None
    available_at: datetime | None = None
    begins: datetime | None = None


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

    @property
    def stands(self) -> bool:
        """Whether refunds left something of what it earned."""
        return any(self.left(gift.points) for gift, _ in self.gifts)


@dataclass
class Parked:
    """A refund whose purchase has not arrived."""

    member: str
    transaction_id: str
    amount: Fraction
    dated: datetime


@dataclass
class Purchases(Referrals):
    """Earning and its opposite. `refunds`: what becomes of a refund of points that are spent.

    `inactivity`: points lapse by the last purchase, in place of their own.
    """

    refunds: str = "negative"
    caps: Sequence[Cap] = ()
    campaigns: Sequence[Campaign] = ()
    regulars: Regulars | None = None
    inactivity: Inactivity | None = None
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
        gifts = self._granted(self.name_of(member), awards, earned_at, amount)
        if gifts:
            account.bring_up_to(now)
            gifts = self._dated(self.name_of(member), gifts, earned_at)
        is_first = all(purchase.member != self.name_of(member) for purchase in self.purchases)
        made = [(gift, list(self._give(account, gift, earned_at, now))) for gift in gifts]
        self.purchases.append(Purchase(self.name_of(member), transaction_id, amount, earned_at, made))
        for waiting in [each for each in self.parked if self._is_of(each, member, transaction_id)]:
            try:
                self._take_back(member, transaction_id, waiting.amount, waiting.dated, now)
            except Refused:
                continue  # It stays parked, and the purchase stands.
            self.parked.remove(waiting)
        if is_first and self.reward is not None and not self.reward.on_activation:
            self.reward_for(self.name_of(member), now)
        self.assess(account, now)
        return transaction_id

    def _granted(self, member: str, awards: Sequence[Award], dated: datetime, amount: Fraction) -> list[Award]:
        """One award after the other, times all factors, each by what the caps leave of it after those before.

        Of the first regular customers get more. What campaigns give comes last, and nothing multiplies it.
        """
        regular = self._is_regular(member, dated, amount)
        running = [one for one in self.campaigns if one.is_on(dated, regular=regular)]
        factor = self.factor_at(self.accounts[member], dated) * prod(one.factor for one in running)
        thanks = self.regulars.thanks if self.regulars is not None and regular else 0
        offered = [(award, factor * (award.points + (0 if place else thanks))) for place, award in enumerate(awards)]
        lapses = self.lapse(dated)
        offered += [(Award("bonus", 0, lapses, begins=dated), Fraction(one.points)) for one in running]
        given: list[Award] = []
        for award, exact in offered:
            for cap in self.caps:
                if cap.is_on(award.bucket):
                    used = self.counted(member, cap, cap.first_day(dated, self.zone))
                    used += sum(one.points for one in given if cap.is_on(one.bucket))
                    exact = min(exact, Fraction(max(0, cap.points - used)))
            if points := _half_up(exact):
                given.append(replace(award, points=points))
        return given

    def _is_regular(self, member: str, dated: datetime, amount: Fraction) -> bool:
        if self.regulars is None:
            return False
        bought = self.figure(member, self.regulars.first_day(dated, self.zone))
        return bought + self.regulars.figure(amount) >= self.regulars.at_least

    def figure(self, member: str, first_day: Date) -> Fraction:
        """What makes a member a regular one, in one window: of all purchases that are the member's now."""
        if self.regulars is None:
            return Fraction(0)
        return sum(
            (
                self.regulars.figure(purchase.amount, purchase.refunded)
                for purchase in self.purchases
                if self.name_of(purchase.member) == member
                and self.regulars.first_day(purchase.dated, self.zone) == first_day
            ),
            Fraction(0),
        )

    def _last_activity(self, member: str) -> datetime | None:
        """The last date of what was bought on this account, and is not all taken back."""
        return max((one.dated for one in self.purchases if one.member == member and one.stands), default=None)

    def _dated(self, member: str, gifts: Sequence[Award], at: datetime) -> list[Award]:
        """What an activity of this instant gives, with its dates; what it puts off gets another one."""
        if self.inactivity is None:
            return list(gifts)
        before = self._last_activity(member)
        if before is not None:
            self.inactivity.put_off(self.accounts[member], before, at)
        last = at if before is None else max(before, at)
        return [
            gift if gift.begins is None else replace(gift, expires_at=self.lapse(max(gift.begins, last)))
            for gift in gifts
        ]

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
        was, is_posted = self._last_activity(self.name_of(member)), False
        for purchase, part in parts:
            purchase.refunded += part
        for purchase, bucket, points in claims:
            possible = account.refundable(self._own(purchase), now) if self.refunds == "floor" else points
            if taken := min(points, possible):
                account.refund(bucket, taken, self._own(purchase), dated, now)
                is_posted = True
        last = self._last_activity(self.name_of(member))
        if self.inactivity is not None and was is not None and last != was and is_posted:
            self.inactivity.take_back(account, was, last, now)
        return True

    def _is_of(self, thing: Purchase | Parked, member: str, transaction_id: str) -> bool:
        return thing.transaction_id == transaction_id and self.name_of(thing.member) == self.name_of(member)

    def _own(self, purchase: Purchase) -> list[int]:
        """Every lot that it made; those of a merged member are what they became with each merge."""
        numbers = [number for _, lots in purchase.gifts for number in lots]
        for merger in self.mergers_of(purchase.member):
            numbers = [merger.became[number][0] for number in numbers if number in merger.became]
        return numbers

    def _give(self, account: Account, gift: Award, earned_at: datetime, now: datetime) -> Moves:
        is_by_activity = self.inactivity is not None and gift.begins is not None
        lot = Lot(gift.points, 0, earned_at, gift.expires_at, gift.available_at, is_by_activity)
        return account.credit("earn", gift.bucket, earned_at, [lot], now)


def _half_up(exact: Fraction) -> int:
    return (2 * exact.numerator // exact.denominator + 1) // 2
