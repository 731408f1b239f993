"""The oracle: the points ledger once more, in memory, from the written rules alone.

It imports nothing of the product and shares no arithmetic with it, so that where the two agree neither
repeats a mistake of the other. Points are integers of the smallest unit, instants are aware and in UTC.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date as Date
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

NOT_ACTIVE = {2: "114", 3: "116", 4: "113", 5: "107", 6: "115"}
NO_EARNING = {2: "114", 4: "113", 6: "115"}
BUSINESS_REFUSALS = {"107", "113", "114", "115", "116", "121"}
REFUSAL_BINDS = timedelta(hours=24)
GRACE = timedelta(days=30)


class Refused(Exception):
    """The ledger says no; `code` is the published one."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Lot:
    """What a credit left. `expires_at` None: never."""

    points: int
    remaining: int
    earned_at: datetime
    expires_at: datetime | None

    def is_due(self, now: datetime) -> bool:
        """Whether the lot still holds points that may no longer be spent."""
        return self.remaining > 0 and self.expires_at is not None and self.expires_at <= now


@dataclass
class Entry:
    """One posting: signed points, and by the number of a lot what it did to that lot."""

    kind: str
    points: int
    dated: datetime
    moves: dict[int, int]
    bucket: str = ""


@dataclass
class Account:
    """One member with lots and postings in the order in which they came."""

    status: int = 1
    lots: list[Lot] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def post(self, kind: str, dated: datetime, moves: dict[int, int], bucket: str = "") -> Entry:
        """Write a posting and move the points of its lots."""
        for number, points in moves.items():
            self.lots[number].remaining += points
        self.entries.append(Entry(kind, sum(moves.values()), dated, moves, bucket))
        return self.entries[-1]

    def write_off(self, now: datetime) -> None:
        """One posting for each instant at which something lapsed, dated at that instant."""
        due = {number: lot for number, lot in enumerate(self.lots) if lot.is_due(now)}
        for instant in sorted({lot.expires_at for lot in due.values() if lot.expires_at is not None}):
            lapsed = {number: -lot.remaining for number, lot in due.items() if lot.expires_at == instant}
            self.post("expire", instant, lapsed)

    def spendable(self, now: datetime) -> int:
        """What may be redeemed, whether or not lapsed points have been written off."""
        return sum(lot.remaining for lot in self.lots if not lot.is_due(now))

    def first_expiring(self, points: int) -> dict[int, int]:
        """How a debit of `points` is taken: from what lapses first, then from what was earned first."""
        far = datetime.max.replace(tzinfo=ZoneInfo("UTC"))
        taken: dict[int, int] = {}
        for number, lot in sorted(
            enumerate(self.lots), key=lambda each: (each[1].expires_at or far, each[1].earned_at, each[0])
        ):
            take = min(lot.remaining, points)
            if take:
                taken[number] = -take
                points -= take
        return taken

    def buckets(self, now: datetime) -> dict[str, int]:
        """The statement: the balance and the sums that it is made of."""
        sums = dict.fromkeys(("spend", "bonus", "redeem", "expired"), 0)
        for entry in self.entries:
            side = {"earn": entry.bucket, "expire": "expired"}.get(entry.kind, "redeem")
            sums[side] += entry.points if entry.kind == "earn" else -entry.points
        sums["expired"] += sum(lot.remaining for lot in self.lots if lot.is_due(now))
        return {"balance": self.spendable(now), **sums}

    def statement(self, since: datetime, now: datetime) -> dict[str, int]:
        """The balance before `since`, what each kind of posting moved from then on, and the balance now."""
        moved = [(entry.dated, entry.bucket or entry.kind, entry.points) for entry in self.entries]
        due = [lot for lot in self.lots if lot.is_due(now)]
        moved += [(lot.expires_at, "expire", -lot.remaining) for lot in due if lot.expires_at is not None]
        rows = {"opening": sum(points for dated, _, points in moved if dated < since)}
        for dated, kind, points in moved:
            if dated >= since:
                rows[kind] = rows.get(kind, 0) + points
        return {**rows, "closing": self.spendable(now)}


@dataclass
class Redemption:
    """A redemption by its reference: whose, where, what it took, and whether it was given back."""

    member: str
    merchant: str
    entry: Entry
    is_reversed: bool = False


@dataclass
class Award:
    """What the rules gave: points for a bucket with their expiry."""

    bucket: str
    points: int
    expires_at: datetime | None


@dataclass
class Oracle:
    """All accounts of one program. `policy`: what becomes of returned points that have lapsed."""

    policy: str = "extend"
    accounts: dict[str, Account] = field(default_factory=dict)
    redemptions: dict[str, Redemption] = field(default_factory=dict)
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

    def earn(self, member: str, transaction_id: str, earned_at: datetime, awards: list[Award], now: datetime) -> str:
        """Post what the rules gave, one posting for each award. Answers the transaction id."""
        account = self._account(member)
        if code := NO_EARNING.get(account.status):
            raise Refused(code)
        if transaction_id in self.transaction_ids:
            raise Refused("1201")
        self.transaction_ids.add(transaction_id)
        if gifts := [award for award in awards if award.points]:
            account.write_off(now)
            for gift in gifts:
                account.lots.append(Lot(gift.points, 0, earned_at, gift.expires_at))
                account.post("earn", earned_at, {len(account.lots) - 1: gift.points}, gift.bucket)
                account.write_off(now)
        return transaction_id

    def redeem(self, member: str, points: int, merchant: str, reference: str, now: datetime) -> str:
        """Take the points or refuse; never a part of them. Answers the reference."""
        if reference in self.redemptions:
            raise Refused("409")
        account = self._account(member)
        if code := NOT_ACTIVE.get(account.status):
            raise Refused(code)
        if account.spendable(now) < points:
            raise Refused("121")
        account.write_off(now)
        entry = account.post("redeem", now, account.first_expiring(points))
        self.redemptions[reference] = Redemption(member, merchant, entry)
        return reference

    def reverse(self, member: str, merchant: str, reference: str, now: datetime) -> str:
        """Give a redemption back to its lots, whole and once, whatever the member's status."""
        account = self._account(member)
        redemption = self.redemptions.get(reference)
        if redemption is None:
            raise Refused("123")
        if redemption.member != member or _folded(redemption.merchant) != _folded(merchant):
            raise Refused("124")
        if redemption.is_reversed:
            raise Refused("122")
        redemption.is_reversed = True
        account.write_off(now)
        returned = {number: -points for number, points in redemption.entry.moves.items()}
        account.post("reverse", now, returned)
        lapsed = [number for number in returned if account.lots[number].is_due(now)]
        if self.policy == "extend":
            for number in lapsed:
                account.lots[number].expires_at = now + GRACE
        elif lapsed:
            account.post("expire", now, {number: -returned[number] for number in lapsed})
        return reference

    def expire(self, now: datetime) -> None:
        """The job: write off what has lapsed on every account."""
        for account in self.accounts.values():
            account.write_off(now)

    def set_status(self, member: str, status: int) -> str:
        """Change a member's status; a cancelled member stays so."""
        account = self._account(member)
        if account.status == 4:
            raise Refused("1204")
        account.status = status
        return member

    def availability(self, member: str, now: datetime) -> int:
        """The redeemable points; only an active member is told."""
        account = self._account(member)
        if account.status != 1:
            raise Refused("107")
        return account.spendable(now)

    def _account(self, member: str) -> Account:
        if member not in self.accounts:
            raise Refused("103")
        return self.accounts[member]


def _folded(merchant: str) -> str:
    return merchant.strip().casefold()


def lapses_at(earned_at: datetime, months: int, period_end: str, zone: ZoneInfo) -> datetime:
    """The first instant at which points earned then are gone: midnight after the last good day, locally."""
    earned = earned_at.astimezone(zone).date()
    year, month = divmod(earned.year * 12 + earned.month - 1 + months, 12)
    last_day = _first_of_next_month(year, month + 1) - timedelta(days=1)
    last_day = last_day.replace(day=min(earned.day, last_day.day))
    if period_end != "day":
        length = {"month": 1, "quarter": 3, "year": 12}[period_end]
        last_day = _first_of_next_month(year, -(-(month + 1) // length) * length) - timedelta(days=1)
    midnight = datetime.combine(last_day + timedelta(days=1), time(), zone)
    return midnight.astimezone(ZoneInfo("UTC"))


def _first_of_next_month(year: int, month: int) -> Date:
    return Date(year + month // 12, month % 12 + 1, 1)
