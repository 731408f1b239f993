"""The invariants of the ledger, asked of the stored rows alone.

`tessera ledger verify` asks the same of itself; this is a second opinion that shares nothing with it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from domain.models import account, hold, ledger_entry, lot, lot_trace, member_transaction
from domain.store.database import open_database
from domain.store.program import find_program_row
from tests.ledger.redating import may_move

SIDES = {
    "earn": "issued",
    "bonus": "issued",
    "refund": "issued",
    "redemption": "redeemed",
    "reversal": "redeemed",
    "hold": "held",
    "release": "held",
    "transfer": "transferred",
    "adjustment": "adjusted",
    "expiry": "expired",
}
FIGURES = {
    "spend": ("spend", 1),
    "bonus": ("bonus", 1),
    "other": ("other", 1),
    "redeem": ("redeemed", -1),
    "expired": ("expired", -1),
}
GIVES_BACK = {"reversal": "redemption", "release": "hold"}
"""What names the posting that it gives back, and the kind of that."""
LATE = {*GIVES_BACK, "refund"}

Rows = Sequence[Row[Any]]


@dataclass(frozen=True)
class Books:
    """Everything that is stored of one program's points; entries in the order of each account."""

    accounts: Rows
    entries: Rows
    lots: Rows
    traces: Rows
    transactions: Rows
    holds: Rows


def read_books(tx: Connection, program_id: int) -> Books:
    """Read the books of one program; accounts and lots by id, entries by account and number."""

    def rows(table: Table, *order: Any) -> Rows:
        return tx.execute(select(table).where(table.c.program_id == program_id).order_by(*order)).all()

    return Books(
        rows(account, account.c.id),
        rows(ledger_entry, ledger_entry.c.account_id, ledger_entry.c.seq),
        rows(lot, lot.c.id),
        rows(lot_trace, lot_trace.c.entry_id, lot_trace.c.lot_id),
        rows(member_transaction, member_transaction.c.id),
        rows(hold, hold.c.id),
    )


async def stored_books(url: str, data_dir: Path, public_id: int) -> Books:
    """Read the books of a program that another process may be serving."""
    db = open_database(url, data_dir=data_dir, read_only=True, pool_size=1)
    try:
        return await db.read(lambda tx: read_books(tx, _partition(tx, public_id)))
    finally:
        await db.close()


def _partition(tx: Connection, public_id: int) -> int:
    row = find_program_row(tx, public_id, "sandbox")
    assert row is not None
    return int(row.id)


def violations(books: Books) -> list[str]:
    """What does not hold, in words; empty where all is well."""
    by_account: dict[int, list[Row[Any]]] = defaultdict(list)
    for entry in books.entries:
        by_account[entry.account_id].append(entry)
    traces: dict[int, list[Row[Any]]] = defaultdict(list)
    for trace in books.traces:
        traces[trace.entry_id].append(trace)
    found = [*_both_sides(books), *_given_back(books, traces), *_holds(books), *_related(books)]
    for one in books.accounts:
        lots = {each.id: each for each in books.lots if each.account_id == one.id}
        found += _running_figures(one, by_account[one.id], lots)
        found += _what_comes_next(one, lots, [each for each in books.holds if each.account_id == one.id])
        found += _lots(by_account[one.id], lots, traces)
    return found


def _both_sides(books: Books) -> Iterator[str]:
    """Members' points on one side, the program's accounts on the other; together nothing."""
    contra: dict[str, int] = defaultdict(int)
    for entry in books.entries:
        contra[entry.contra] -= entry.points
        if entry.contra != SIDES[entry.kind]:
            yield f"entry {entry.id}: a {entry.kind} is against {entry.contra}"
    if sum(contra.values()) + sum(one.available + one.pending for one in books.accounts):
        yield f"both sides do not sum to zero: {dict(contra)}"
    if contra["held"] != sum(one.held for one in books.accounts) or contra["transferred"]:
        yield f"what is held or was moved does not come to what it should: {dict(contra)}"
    if contra["issued"] > 0 or contra["redeemed"] < 0 or contra["expired"] < 0 or contra["held"] < 0:
        yield f"more came back than went out: {dict(contra)}"


def _running_figures(one: Row[Any], entries: list[Row[Any]], lots: dict[int, Row[Any]]) -> Iterator[str]:
    """The account row is the fold of its entries, which are numbered without a gap."""
    balance = arrears = 0
    figures: dict[str, int] = defaultdict(int)
    for number, entry in enumerate(entries, start=1):
        balance += entry.points
        arrears -= entry.arrears
        figure, sign = FIGURES[entry.bucket]
        figures[figure] += sign * entry.points
        if entry.seq != number:
            yield f"account {one.id}: entry {entry.id} has number {entry.seq} in place of {number}"
        if entry.balance_after != balance or arrears < 0 or balance + arrears < 0:
            yield f"account {one.id}: entry {entry.id} leaves {entry.balance_after}, not {balance}, owing {arrears}"
    stored = {figure: getattr(one, figure) for figure, _ in FIGURES.values()}
    if stored != {figure: figures[figure] for figure in stored} or one.available + one.pending != balance:
        yield f"account {one.id} says {stored} and {one.available}, its entries {dict(figures)} and {balance}"
    if one.version != len(entries):
        yield f"account {one.id} is at {one.version} with {len(entries)} entries"
    left = sum(lot.remaining for lot in lots.values())
    if one.arrears != arrears or one.available + one.pending != left - one.arrears:
        yield f"account {one.id} has {one.available} and {one.pending}, owing {one.arrears}; its lots have {left}"


def _what_comes_next(one: Row[Any], lots: dict[int, Row[Any]], holds: list[Row[Any]]) -> Iterator[str]:
    """The account knows when to look again: when something lapses, is released, or is held no longer."""
    open_lots = [lot for lot in lots.values() if lot.remaining]
    if open_lots and one.next_expiry != min(lot.expires_at for lot in open_lots):
        yield f"account {one.id} expects {one.next_expiry}, its first lot lapses otherwise"
    waiting = [lot for lot in open_lots if lot.available_at is not None and lot.available_at >= one.next_release]
    if one.pending != sum(lot.remaining for lot in waiting):
        yield f"account {one.id} says that {one.pending} wait, its lots say otherwise"
    pending = [each for each in holds if each.status == "PENDING"]
    if one.held != sum(each.points for each in pending):
        yield f"account {one.id} says that {one.held} are held, its holds say otherwise"
    comes = [*(lot.available_at for lot in waiting), *(each.expires_at for each in pending)]
    if comes and one.next_release != min(comes):
        yield f"account {one.id} expects a release at {one.next_release}, the first is at {min(comes)}"


@dataclass
class _Shelf:
    """The lots of one account while its entries are replayed: what is left in each, and its date."""

    lots: dict[int, Row[Any]]
    left: dict[int, int] = field(default_factory=dict)
    lapses: dict[int, Any] = field(default_factory=dict)
    before: Row[Any] | None = None

    def move(self, entry: Row[Any], trace: Row[Any]) -> Iterator[str]:
        """Do what one trace says: nothing below zero, nothing lapsed is spent, nothing else written off."""
        number = trace.lot_id
        self.left[number] = self.left.get(number, 0) + trace.points
        if number not in self.lots or not 0 <= self.left[number] <= self.lots[number].points:
            yield f"entry {entry.id} leaves {self.left[number]} in lot {number}"
        date = self.lapses.get(number, trace.expires_at)
        if trace.expires_at != date and not may_move(entry, trace, date):
            yield f"entry {entry.id} changes the date of lot {number}"
        self.lapses[number] = trace.expires_at
        if entry.kind == "expiry":
            yield from self._write_off(entry, trace)
        elif trace.points < 0 and not _settles(entry) and date <= entry.processed_at:
            yield f"entry {entry.id} spends lot {number} after it lapsed"

    def _write_off(self, entry: Row[Any], trace: Row[Any]) -> Iterator[str]:
        """Whole and at the lot's date, but for what came back too late: that is lost at once, alone."""
        # A refund may have put the date back.
        came_back = self.before is not None and (self.before.kind in LATE or _settles(self.before))
        if entry.transaction_date == trace.expires_at:
            is_right = not self.left[trace.lot_id] or came_back
        else:
            is_right = entry.transaction_date > trace.expires_at and came_back
        if not is_right or entry.transaction_date > entry.processed_at:
            yield f"entry {entry.id} writes off lot {trace.lot_id} too early, too late or in part"

    def passed_over(self, entry: Row[Any], taken: list[int]) -> list[int]:
        """Lots that should have been taken before the last of these; what waits could not be."""
        last = max(map(self._order, taken))
        waiting = {
            number
            for number, lot in self.lots.items()
            if lot.available_at is not None and lot.available_at > entry.processed_at
        }
        ready = {number for number, left in self.left.items() if left} - waiting
        return [number for number in ready if self._order(number) < last] + [one for one in taken if one in waiting]

    def _order(self, number: int) -> tuple[Any, ...]:
        return self.lapses[number], self.lots[number].earned_at, number


def _lots(entries: list[Row[Any]], lots: dict[int, Row[Any]], traces: dict[int, list[Row[Any]]]) -> Iterator[str]:
    """Replay what each entry did to the lots; in the end they are as they are stored."""
    shelf = _Shelf(lots)
    for entry in entries:
        moves = traces[entry.id]
        if sum(move.points for move in moves) + entry.arrears != entry.points:
            yield f"entry {entry.id} of {entry.points} moved {[move.points for move in moves]}"
        for move in moves:
            yield from shelf.move(entry, move)
        shelf.before = entry
        # A transfer may be a merge, which takes everything.
        is_ordered = entry.points < 0 and entry.kind in {"redemption", "hold", "adjustment"} and not _settles(entry)
        if is_ordered and (missed := shelf.passed_over(entry, [move.lot_id for move in moves])):
            yield f"entry {entry.id} passes over lots {missed}, or takes what waits"
    for number, stored in lots.items():
        if (shelf.left.get(number), shelf.lapses.get(number)) != (stored.remaining, stored.expires_at):
            yield f"lot {number} has {stored.remaining} to {stored.expires_at}, its traces say otherwise"


def _settles(entry: Row[Any]) -> bool:
    """Whether a redemption spends a hold, from the lots as they were when it was made."""
    return bool(entry.kind == "redemption" and entry.related_id is not None)


def _given_back(books: Books, traces: dict[int, list[Row[Any]]]) -> Iterator[str]:
    """A redemption is reversed and a hold is released once at most, and then exactly."""
    entries = {entry.id: entry for entry in books.entries}
    given_back: set[int] = set()
    for entry in books.entries:
        if (entry.kind in GIVES_BACK) != (entry.reverses_id is not None):
            yield f"entry {entry.id}: a {entry.kind} that reverses {entry.reverses_id}"
        if entry.reverses_id is None:
            continue
        original = entries.get(entry.reverses_id)
        if original is None or original.kind != GIVES_BACK[entry.kind] or original.account_id != entry.account_id:
            yield f"entry {entry.id} gives back what was not taken so from its account"
            continue
        if original.id in given_back:
            yield f"entry {original.id} is given back twice"
        given_back.add(original.id)
        if {move.lot_id: -move.points for move in traces[entry.id]} != {
            move.lot_id: move.points for move in traces[original.id]
        }:
            yield f"entry {entry.id} gives back something else than entry {original.id} took"


def _holds(books: Books) -> Iterator[str]:
    """A hold is pending until it is released, and then was settled, cancelled or lapsed, at that instant."""
    entries = {entry.id: entry for entry in books.entries}
    released = {entry.reverses_id: entry for entry in books.entries if entry.kind == "release"}
    spent = {entry.related_id: -entry.points for entry in books.entries if _settles(entry)}
    for one in books.holds:
        entry, release = entries[one.entry_id], released.get(one.entry_id)
        if (entry.kind, entry.points, entry.account_id) != ("hold", -one.points, one.account_id):
            yield f"hold {one.id} is not what entry {entry.id} says"
        if (one.status == "PENDING") != (release is None):
            yield f"hold {one.id} is {one.status}, its release is {release and release.id}"
        if release is not None and (one.processed_at != release.transaction_date or one.processed_at > one.expires_at):
            yield f"hold {one.id} ended at {one.processed_at}, its release is of {release.transaction_date}"
        if one.status == "LAPSED" and one.processed_at != one.expires_at:
            yield f"hold {one.id} lapsed at {one.processed_at} in place of {one.expires_at}"
        if (one.status == "SETTLED") != (one.entry_id in spent) or one.settled_points != spent.get(one.entry_id):
            yield f"hold {one.id} is {one.status} for {one.settled_points}, spent were {spent.get(one.entry_id)}"
    if {one.entry_id for one in books.holds} != {entry.id for entry in books.entries if entry.kind == "hold"}:
        yield "holds and postings of holds are not the same"


def _related(books: Books) -> Iterator[str]:
    """Both sides of a transfer name each other and sum to nothing; no earning is taken back more than whole."""
    entries = {entry.id: entry for entry in books.entries}
    taken_back: dict[int, int] = defaultdict(int)
    for entry in books.entries:
        other = entries.get(entry.related_id)
        if entry.kind == "transfer" and (
            other is None
            or (other.kind, other.related_id) != ("transfer", entry.id)
            or other.points + entry.points
            or other.transaction_date != entry.transaction_date
        ):
            yield f"entry {entry.id} of a transfer has no other side"
        if entry.kind == "refund":
            taken_back[entry.related_id] += entry.points
            if other is None or other.kind != "earn" or entry.points >= 0:
                yield f"entry {entry.id} takes back what was not earned"
            elif other.points + taken_back[other.id] < 0:
                yield f"entry {other.id} of {other.points} was taken back by {taken_back[other.id]}"
