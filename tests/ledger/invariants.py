"""The invariants of the ledger, asked of the stored rows alone.

`tessera ledger verify` asks the same of itself; this is a second opinion that shares nothing with it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from domain.models import account, ledger_entry, lot, lot_trace, member_transaction
from domain.store.database import open_database
from domain.store.program import find_program_row

SIDES = {"earn": "issued", "redemption": "redeemed", "reversal": "redeemed", "expiry": "expired"}
FIGURES = {
    "spend": ("spend", 1),
    "bonus": ("bonus", 1),
    "redeem": ("redeemed", -1),
    "expired": ("expired", -1),
}

Rows = Sequence[Row[Any]]


@dataclass(frozen=True)
class Books:
    """Everything that is stored of one program's points; entries in the order of each account."""

    accounts: Rows
    entries: Rows
    lots: Rows
    traces: Rows
    transactions: Rows


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
    found = [*_both_sides(books), *_reversals(books, traces)]
    for one in books.accounts:
        lots = {each.id: each for each in books.lots if each.account_id == one.id}
        found += _running_figures(one, by_account[one.id], lots)
        found += _lots(by_account[one.id], lots, traces)
    return found


def _both_sides(books: Books) -> Iterator[str]:
    """Members' points on one side, the program's accounts on the other; together nothing."""
    contra: dict[str, int] = defaultdict(int)
    for entry in books.entries:
        contra[entry.contra] -= entry.points
        if entry.contra != SIDES[entry.kind]:
            yield f"entry {entry.id}: a {entry.kind} is against {entry.contra}"
    if sum(contra.values()) + sum(one.available for one in books.accounts):
        yield f"both sides do not sum to zero: {dict(contra)}"
    if contra["issued"] > 0 or contra["redeemed"] < 0 or contra["expired"] < 0:
        yield f"more came back than went out: {dict(contra)}"


def _running_figures(one: Row[Any], entries: list[Row[Any]], lots: dict[int, Row[Any]]) -> Iterator[str]:
    """The account row is the fold of its entries, which are numbered without a gap."""
    balance = 0
    figures: dict[str, int] = defaultdict(int)
    for number, entry in enumerate(entries, start=1):
        balance += entry.points
        figure, sign = FIGURES[entry.bucket]
        figures[figure] += sign * entry.points
        if entry.seq != number:
            yield f"account {one.id}: entry {entry.id} has number {entry.seq} in place of {number}"
        if entry.balance_after != balance or balance < 0:
            yield f"account {one.id}: entry {entry.id} leaves {entry.balance_after} in place of {balance}"
    stored = {figure: getattr(one, figure) for figure, _ in FIGURES.values()}
    if stored != {figure: figures[figure] for figure in stored} or one.available != balance:
        yield f"account {one.id} says {stored} and {one.available}, its entries {dict(figures)} and {balance}"
    if one.version != len(entries):
        yield f"account {one.id} is at {one.version} with {len(entries)} entries"
    if one.available != sum(lot.remaining for lot in lots.values()):
        yield f"account {one.id} has {one.available}, its lots another sum"
    open_lots = [lot.expires_at for lot in lots.values() if lot.remaining]
    if open_lots and one.next_expiry != min(open_lots):
        yield f"account {one.id} expects {one.next_expiry}, its first lot lapses at {min(open_lots)}"


@dataclass
class _Shelf:
    """The lots of one account while its entries are replayed: what is left in each, and its date."""

    lots: dict[int, Row[Any]]
    left: dict[int, int] = field(default_factory=dict)
    lapses: dict[int, Any] = field(default_factory=dict)

    def move(self, entry: Row[Any], trace: Row[Any]) -> Iterator[str]:
        """Do what one trace says: nothing below zero, nothing lapsed is spent, nothing else written off."""
        number = trace.lot_id
        self.left[number] = self.left.get(number, 0) + trace.points
        if number not in self.lots or not 0 <= self.left[number] <= self.lots[number].points:
            yield f"entry {entry.id} leaves {self.left[number]} in lot {number}"
        if entry.kind != "reversal" and self.lapses.get(number, trace.expires_at) != trace.expires_at:
            yield f"entry {entry.id} changes the date of lot {number}"
        self.lapses[number] = trace.expires_at
        if entry.kind == "redemption" and trace.expires_at <= entry.processed_at:
            yield f"entry {entry.id} spends lot {number} after it lapsed"
        if entry.kind == "expiry" and (trace.expires_at > entry.processed_at or self.left[number]):
            yield f"entry {entry.id} writes off lot {number} too early or in part"

    def passed_over(self, taken: list[int]) -> list[int]:
        """Lots that should have been taken before the last of these."""
        last = max(map(self._order, taken))
        return [number for number, left in self.left.items() if left and self._order(number) < last]

    def _order(self, number: int) -> tuple[Any, ...]:
        return self.lapses[number], self.lots[number].earned_at, number


def _lots(entries: list[Row[Any]], lots: dict[int, Row[Any]], traces: dict[int, list[Row[Any]]]) -> Iterator[str]:
    """Replay what each entry did to the lots; in the end they are as they are stored."""
    shelf = _Shelf(lots)
    for entry in entries:
        moves = traces[entry.id]
        if sum(move.points for move in moves) != entry.points:
            yield f"entry {entry.id} of {entry.points} moved {[move.points for move in moves]}"
        for move in moves:
            yield from shelf.move(entry, move)
        if entry.kind == "redemption" and (missed := shelf.passed_over([move.lot_id for move in moves])):
            yield f"entry {entry.id} passes over lots {missed}"
    for number, stored in lots.items():
        if (shelf.left.get(number), shelf.lapses.get(number)) != (stored.remaining, stored.expires_at):
            yield f"lot {number} has {stored.remaining} to {stored.expires_at}, its traces say otherwise"


def _reversals(books: Books, traces: dict[int, list[Row[Any]]]) -> Iterator[str]:
    """A redemption is reversed once at most, and then exactly."""
    entries = {entry.id: entry for entry in books.entries}
    reversed_ids: set[int] = set()
    for entry in books.entries:
        if (entry.kind == "reversal") != (entry.reverses_id is not None):
            yield f"entry {entry.id}: a {entry.kind} that reverses {entry.reverses_id}"
        if entry.reverses_id is None:
            continue
        original = entries.get(entry.reverses_id)
        if original is None or original.kind != "redemption" or original.account_id != entry.account_id:
            yield f"entry {entry.id} reverses what is no redemption of its account"
            continue
        if original.id in reversed_ids:
            yield f"entry {original.id} is reversed twice"
        reversed_ids.add(original.id)
        if {move.lot_id: -move.points for move in traces[entry.id]} != {
            move.lot_id: move.points for move in traces[original.id]
        }:
            yield f"entry {entry.id} gives back something else than entry {original.id} took"
