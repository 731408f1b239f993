"""One member's account in memory: lots, postings and holds in the order in which they came."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

FAR = datetime.max.replace(tzinfo=UTC)
LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)

_ROWS = {"earn": "", "refund": "", "bonus": "", "hold": "held", "release": "held"}
"""The row of the statement that a kind of posting counts in; empty: that of its bucket."""

Moves = dict[int, int]
"""Signed points by the number of a lot."""


@dataclass
class Lot:
    """What a credit left. `expires_at` None: never; `available_at` None: from the start.

    `by_activity`: it lapses when it does because of a purchase that may have been a later one. `own`: the date that
    it had by itself, if that is not by the last purchase; it never lapses before.
    """

    points: int
    remaining: int
    earned_at: datetime
    expires_at: datetime | None
    available_at: datetime | None = None
    by_activity: bool = False
    own: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether the lot still holds points that may no longer be spent."""
        return self.remaining > 0 and self.has_lapsed(now)

    def has_lapsed(self, now: datetime) -> bool:
        """Whether its last instant is over."""
        return self.expires_at is not None and self.expires_at <= now

    def waits(self, now: datetime) -> bool:
        """Whether its points may not be spent yet."""
        return self.available_at is not None and now < self.available_at


@dataclass
class Entry:
    """One posting: signed points, what it did to each lot, and what it repaid of a debt, or added to it (below 0)."""

    kind: str
    points: int
    dated: datetime
    moves: Moves
    bucket: str
    arrears: int = 0


@dataclass
class Hold:
    """Points that are out of their lots for a time. `state`: PENDING, SETTLED, CANCELLED or LAPSED."""

    taken: Moves
    ends_at: datetime
    state: str = "PENDING"

    @property
    def points(self) -> int:
        return sum(self.taken.values())

    def is_pending(self, now: datetime) -> bool:
        """Whether its points are out of their lots still, whether or not its end has been seen to."""
        return self.state == "PENDING" and now < self.ends_at


@dataclass
class Account:
    """One member with lots, postings and holds; its tiers since when, and which of them it came to by itself."""

    status: int = 1
    is_erased: bool = False
    lots: list[Lot] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    arrears: int = 0
    tiers: list[tuple[datetime, str | None]] = field(default_factory=list)
    came_by_itself: set[datetime] = field(default_factory=set)
    qualified_at: datetime = LONG_AGO

    @property
    def tier(self) -> str | None:
        """The tier that it has now."""
        return self.tiers[-1][1] if self.tiers else None

    def come_to(self, tier: str | None, now: datetime, *, by_itself: bool) -> None:
        """Have another tier from now on. Of one instant one is kept, and the member's own if any of them is."""
        if self.tiers and self.tiers[-1][0] == now:
            self.tiers.pop()
        self.tiers.append((now, tier))
        if by_itself:
            self.came_by_itself.add(now)

    # Postings.

    def post(self, kind: str, bucket: str, dated: datetime, moves: Moves, arrears: int = 0) -> Entry:
        """Write a posting, move the points of its lots, and change the debt."""
        for number, points in moves.items():
            self.lots[number].remaining += points
        self.arrears -= arrears
        self.entries.append(Entry(kind, sum(moves.values()) + arrears, dated, moves, bucket, arrears))
        return self.entries[-1]

    def credit(self, kind: str, bucket: str, dated: datetime, lots: Iterable[Lot], now: datetime) -> Moves:
        """Repay the debt first; what is left of the lots comes in, and lapses at once where its time is over."""
        owed, repaid = self.arrears, 0
        moves: Moves = {}
        for lot in lots:
            part = min(owed - repaid, lot.points)
            repaid += part
            if left := lot.points - part:
                moves[len(self.lots)] = left
                own = None if lot.by_activity else lot.expires_at
                self.lots.append(replace(lot, points=left, remaining=0, own=own))
        self.post(kind, bucket, dated, moves, repaid)
        self.write_off(now)
        return moves

    def debit(self, kind: str, dated: datetime, points: int, now: datetime) -> Entry:
        """Take the points from what lapses first; the caller knows that there are enough."""
        return self.post(kind, "redeem", dated, self.out_of(self.ready(now), points))

    # What happens by itself.

    def bring_up_to(self, now: datetime) -> None:
        """End the holds whose time is over, one after the other, each at its own end; then write off what lapsed."""
        for hold in sorted(self._overdue(now), key=lambda each: each.ends_at):
            self.end_hold(hold, "LAPSED", hold.ends_at)
        self.write_off(now)

    def _overdue(self, now: datetime) -> list[Hold]:
        return [hold for hold in self.holds if hold.state == "PENDING" and hold.ends_at <= now]

    def write_off(self, now: datetime) -> None:
        """One posting for each instant at which something lapsed, dated at that instant."""
        due = {number: lot for number, lot in enumerate(self.lots) if lot.is_due(now)}
        for instant in sorted({lot.expires_at for lot in due.values() if lot.expires_at is not None}):
            lapsed = [number for number in self.in_order(due) if due[number].expires_at == instant]
            self.post("expire", "expired", instant, {number: -due[number].remaining for number in lapsed})

    def give_back(self, kind: str, taken: Moves, dated: datetime, grace_until: datetime | None = None) -> None:
        """Return points to their lots. What lapsed meanwhile is good until `grace_until`, or is lost again at once."""
        self.post(kind, "redeem", dated, dict(taken))
        lapsed = [number for number in taken if self.lots[number].has_lapsed(dated)]
        if grace_until is not None:
            for number in lapsed:
                self.lots[number].expires_at = grace_until
        elif lapsed:
            self.post("expire", "expired", dated, {number: -taken[number] for number in lapsed})

    # Holds.

    def hold(self, points: int, ends_at: datetime, now: datetime) -> Hold:
        """Take the points out of their lots until then."""
        entry = self.debit("hold", now, points, now)
        self.holds.append(Hold({number: -moved for number, moved in entry.moves.items()}, ends_at))
        return self.holds[-1]

    def end_hold(self, hold: Hold, state: str, at: datetime) -> None:
        """Return the points of a hold; what lapsed while it was held is not revived."""
        hold.state = state
        self.give_back("release", hold.taken, at)

    def settle_hold(self, hold: Hold, points: int, now: datetime) -> Entry:
        """Spend points of a hold, whatever lapsed meanwhile; the rest of it goes back, and is lost where it lapsed."""
        hold.state = "SETTLED"
        self.post("release", "redeem", now, dict(hold.taken))
        entry = self.post("redeem", "redeem", now, self.out_of(hold.taken, points))
        rest = {number: held + entry.moves.get(number, 0) for number, held in hold.taken.items()}
        lost = {number: -left for number, left in rest.items() if left and self.lots[number].has_lapsed(now)}
        if lost:
            self.post("expire", "expired", now, {number: lost[number] for number in self.in_order(lost)})
        return entry

    # Refunds.

    def refund(self, bucket: str, points: int, own: Iterable[int], dated: datetime, now: datetime) -> Entry:
        """Take back what a purchase gave: its own points that wait, its others, the rest's, and then a debt."""
        mine = {number: self.lots[number].remaining for number in own}
        waiting = {number: left for number, left in mine.items() if self.lots[number].waits(now)}
        ready = {number: left for number, left in mine.items() if number not in waiting}
        others = {number: left for number, left in self.ready(now).items() if number not in mine}
        moves: Moves = {}
        for part in (waiting, ready, others):
            needed = points + sum(moves.values())
            moves |= self.out_of(part, min(needed, sum(part.values())))
        return self.post("refund", bucket, dated, moves, -(points + sum(moves.values())))

    def refundable(self, own: Iterable[int], now: datetime) -> int:
        """What a refund may take without making a debt."""
        return max(0, self.spendable(now)) + sum(
            self.lots[number].remaining
            for number in own
            if self.lots[number].waits(now) and not self.lots[number].has_lapsed(now)
        )

    # What is seen.

    def ready(self, now: datetime) -> Moves:
        """What may be spent of each lot."""
        return {
            number: lot.remaining
            for number, lot in enumerate(self.lots)
            if lot.remaining and not lot.has_lapsed(now) and not lot.waits(now)
        }

    def out_of(self, held: Mapping[int, int], points: int) -> Moves:
        """How `points` are taken out of these: from what lapses first, then from what was earned first."""
        taken: Moves = {}
        for number in self.in_order(held):
            if take := min(held[number], points):
                taken[number] = -take
                points -= take
        return taken

    def in_order(self, numbers: Iterable[int]) -> list[int]:
        """Lots by their expiry, then by the date of earning, then as they came."""
        return sorted(numbers, key=lambda each: (self.lots[each].expires_at or FAR, self.lots[each].earned_at, each))

    def at(self, now: datetime) -> "Account":
        """The account as it will have been, once what is due by then has been seen to."""
        if not self._overdue(now) and not any(lot.is_due(now) for lot in self.lots):
            return self
        seen = copy.deepcopy(self)
        seen.bring_up_to(now)
        return seen

    def due_dates(self) -> set[datetime]:
        """When something lapses, is released, or is held no longer."""
        lapses = {lot.expires_at for lot in self.lots if lot.remaining and lot.expires_at is not None}
        releases = {lot.available_at for lot in self.lots if lot.remaining and lot.available_at is not None}
        return lapses | releases | {hold.ends_at for hold in self.holds if hold.state == "PENDING"}

    def spendable(self, now: datetime) -> int:
        """What may be redeemed, whether or not what is due has been seen to; below zero for a debt."""
        seen = self.at(now)
        return sum(seen.ready(now).values()) - seen.arrears

    def pending(self, now: datetime) -> int:
        """What may not be spent yet."""
        return sum(lot.remaining for lot in self.lots if lot.waits(now) and not lot.has_lapsed(now))

    def held(self, now: datetime) -> int:
        """What is out of its lots for a time."""
        return sum(hold.points for hold in self.holds if hold.is_pending(now))

    def balance(self, now: datetime) -> int:
        """What may be spent now or later."""
        return self.spendable(now) + self.pending(now)

    def buckets(self, now: datetime) -> dict[str, int]:
        """The statement: the balance and the sums that it is made of."""
        sums = dict.fromkeys(("spend", "bonus", "other", "redeem", "expired"), 0)
        for entry in self.at(now).entries:
            sums[entry.bucket] += -entry.points if entry.bucket in {"redeem", "expired"} else entry.points
        return {"balance": self.balance(now), **sums}

    def statement(self, since: datetime, now: datetime) -> dict[str, int]:
        """The balance before `since`, what each kind of posting moved from then on, and the balance now."""
        entries = self.at(now).entries
        rows = {"opening": sum(entry.points for entry in entries if entry.dated < since)}
        for entry in entries:
            if entry.dated >= since:
                row = _ROWS.get(entry.kind, entry.kind) or entry.bucket
                rows[row] = rows.get(row, 0) + entry.points
        return {**rows, "closing": self.balance(now)}
