"""Writing postings: lock the accounts, let the pure core post on them, store everything with a few statements.

The same statements serve one transaction over the API and a thousand rows of a file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from domain.clock import NEVER
from domain.ledger.account import Account, posting_of
from domain.ledger.chain import Posting, Trace, entry_hash
from domain.ledger.hold import release
from domain.ledger.posting import Draft, Lot
from domain.models import account, ledger_entry, lot, lot_trace, outbox
from domain.models.types import to_json
from domain.store.among import among
from domain.store.bulk import Bulk
from domain.store.hold import end_hold, next_lapses, overdue_holds
from domain.store.ids import Ids
from domain.store.lot import due_lots, next_dates, pending_points, taken_lots
from domain.store.outbox import insert_events

TOPICS = {
    "earn": "points.earned",
    "redemption": "points.redeemed",
    "reversal": "redemption.reversed",
    "expiry": "points.expired",
    "bonus": "points.earned",
    "refund": "points.refunded",
    "hold": "points.held",
    "release": "points.released",
    "transfer": "points.transferred",
    "adjustment": "points.adjusted",
}


@dataclass(slots=True)
class Journal:
    """The postings of one database transaction in one program, for one actor at one instant."""

    tx: Connection
    program_id: int
    config_version: int
    now: datetime
    actor: str
    source: str
    accounts: dict[int, Account] = field(default_factory=dict)
    bulk: Bulk = field(init=False)
    ids: Ids = field(init=False)

    def __post_init__(self) -> None:
        self.bulk, self.ids = Bulk(self.tx), Ids(self.tx, self.program_id)

    def lock_accounts(self, member_ids: Iterable[int], currency: str = "DEFAULT") -> dict[int, Account]:
        """Lock the accounts of these members, in id order, and write off what is due; by member id."""
        return self.hold_accounts(self._accounts(member_ids, currency, lock=True))

    def hold_accounts(self, rows: Iterable[Any]) -> dict[int, Account]:
        """Go on with accounts that were locked just now, as `lock_accounts` does."""
        locked = {row.member_id: account_of(row) for row in rows}
        self.accounts.update({one.id: one for one in locked.values()})
        self._see_to_what_is_due(list(locked.values()))
        return locked

    def read_accounts(self, member_ids: Iterable[int], currency: str = "DEFAULT") -> dict[int, Account]:
        """The accounts as they were at their last postings, to look at; by member id."""
        return {row.member_id: account_of(row) for row in self._accounts(member_ids, currency, lock=False)}

    def foresee_accounts(self, member_ids: Iterable[int], currency: str = "DEFAULT") -> dict[int, Account]:
        """The accounts as `lock_accounts` would find them, neither locked nor stored, so never to be flushed.

        Holds whose time is over are left to whoever locks next.
        """
        seen = self.read_accounts(member_ids, currency)
        releasing = [one for one in seen.values() if one.next_release <= self.now]
        if releasing:
            self._mature(releasing)
        self._write_off_due([one for one in seen.values() if one.next_expiry <= self.now])
        return seen

    def _accounts(self, member_ids: Iterable[int], currency: str, *, lock: bool) -> Iterable[Row[Any]]:
        given = {"program_id": self.program_id, "members": sorted(set(member_ids)), "currency": currency}
        return self.tx.execute(_LOCK_ACCOUNTS if lock else _ACCOUNTS, given)

    def _see_to_what_is_due(self, accounts: Sequence[Account]) -> None:
        releasing = [one for one in accounts if one.next_release <= self.now]
        if releasing:
            self._mature(releasing)
            for one in releasing:
                self._end_overdue_holds(one)
            # What holds gave back must be stored before it can be found due.
            self.flush()
        self._write_off_due([one for one in accounts if one.next_expiry <= self.now])

    def _mature(self, accounts: Sequence[Account]) -> None:
        """Pending points whose time has come are available, without a posting."""
        waiting = pending_points(self.tx, self.program_id, [one.id for one in accounts], self.now)
        self._find_next(accounts)
        for one in accounts:
            one.mature(waiting.get(one.id, 0))
            one.lots_changed = True

    def _end_overdue_holds(self, one: Account) -> None:
        for hold in overdue_holds(self.tx, self.program_id, one.id, self.now):
            release(one, hold.entry_id, taken_lots(self.tx, self.program_id, hold.entry_id), hold.expires_at)
            end_hold(self.tx, self.program_id, hold.id, "LAPSED", hold.expires_at)
            # The next hold may have points of the same lots.
            self.flush()

    def _write_off_due(self, accounts: Sequence[Account]) -> None:
        if not accounts:
            return
        due = due_lots(self.tx, self.program_id, [one.id for one in accounts], self.now)
        for one in accounts:
            one.lots_changed = True
            one.write_off(due.get(one.id, []))

    def flush(self) -> list[Draft]:
        """Store every draft, its lots, traces and events, and the accounts; the drafts with their ids."""
        drafts = self.write_down()
        self.bulk.store()
        return drafts

    def write_down(self) -> list[Draft]:
        """The same, but what is to be stored waits in `bulk` for what else there is."""
        moved = [one for one in self.accounts.values() if one.drafts]
        drafts = list(chain.from_iterable(one.drafts for one in moved))
        if drafts:
            event_ids = self._give_ids(drafts)
            self._insert(moved, event_ids)
        self._update_accounts([one for one in self.accounts.values() if one.drafts or one.lots_changed])
        for one in moved:
            one.drafts = []
        return drafts

    def add_events(self, events: Sequence[dict[str, object]]) -> None:
        """Tell in the outbox what no posting tells."""
        insert_events(self.bulk, self.program_id, events, self.ids.take(outbox, len(events)))

    def _give_ids(self, drafts: Sequence[Draft]) -> list[int]:
        """Ids of the drafts and their new lots; gives those of the events."""
        # As they were made, whatever a later draft does to them: their order breaks ties in spending.
        fresh: dict[int, tuple[Draft, Lot]] = {}
        for draft in drafts:
            for move in draft.moves:
                if move.lot.id is None:
                    fresh.setdefault(id(move.lot), (draft, move.lot))
        self.ids.draw(2 * len(drafts) + len(fresh))
        for draft, entry_id in zip(drafts, self.ids.take(ledger_entry, len(drafts)), strict=True):
            draft.id = entry_id
        for (draft, one), lot_id in zip(fresh.values(), self.ids.take(lot, len(fresh)), strict=True):
            one.id, one.entry_id = lot_id, draft.id
        return self.ids.take(outbox, len(drafts))

    def _insert(self, moved: Sequence[Account], event_ids: Sequence[int]) -> None:
        entries, traces, events = [], [], []
        for one in moved:
            for draft in one.drafts:
                posting = posting_of(
                    one,
                    draft,
                    processed_at=self.now,
                    config_version=self.config_version,
                    source=self.source,
                    actor=self.actor,
                )
                one.head_hash = entry_hash(one.head_hash, posting)
                entries.append(_entry_row(posting, one.head_hash))
                traces += [_trace_row(posting, trace) for trace in posting.traces]
                events.append(self._event(one, draft))
        self.bulk.insert(ledger_entry, entries)
        self._store_lots(moved)
        self.bulk.insert(lot_trace, traces)
        insert_events(self.bulk, self.program_id, events, event_ids)

    def _event(self, one: Account, draft: Draft) -> dict[str, object]:
        return {
            "topic": TOPICS[draft.kind],
            "member_id": one.member_id,
            "payload": to_json({"entry_id": draft.id, "points": draft.points}),
            "created_at": self.now,
        }

    def _store_lots(self, moved: Sequence[Account]) -> None:
        created: dict[int, dict[str, object]] = {}
        changed: dict[int, dict[str, object]] = {}
        for one in moved:
            for draft in one.drafts:
                for move in draft.moves:
                    self._lot_row(one, draft, move.lot, created, changed)
        self.bulk.insert(lot, list(created.values()))
        self.bulk.update(lot, ("program_id", "id"), list(changed.values()))

    def _lot_row(
        self,
        one: Account,
        draft: Draft,
        changed_lot: Lot,
        created: dict[int, dict[str, object]],
        changed: dict[int, dict[str, object]],
    ) -> None:
        lot_id = changed_lot.id or 0
        row: dict[str, object] = {
            "remaining": changed_lot.remaining,
            "is_open": changed_lot.remaining > 0,
            "expires_at": changed_lot.expires_at,
            "program_id": self.program_id,
            "id": lot_id,
        }
        if lot_id in created or changed_lot.entry_id == draft.id:
            row["account_id"] = one.id
            row["entry_id"] = changed_lot.entry_id
            row["earned_at"] = changed_lot.earned_at
            row["points"] = changed_lot.points
            row["available_at"] = changed_lot.available_at
            created[lot_id] = row
        else:
            changed[lot_id] = row

    def _update_accounts(self, accounts: Sequence[Account]) -> None:
        if not accounts:
            return
        self._find_next([one for one in accounts if one.lots_changed])
        rows = [dict(zip(_KEPT, _kept(one), strict=True)) for one in accounts]
        self.bulk.update(account, ("program_id", "id"), rows)

    def _find_next(self, accounts: Sequence[Account]) -> None:
        """When something expires next, and when something becomes available."""
        if not accounts:
            return
        # The lots are asked as they are by now.
        self.bulk.store()
        ids = [one.id for one in accounts]
        dates = next_dates(self.tx, self.program_id, ids, self.now)
        lapses = next_lapses(self.tx, self.program_id, ids)
        for one in accounts:
            one.next_expiry, released = dates.get(one.id, (NEVER, NEVER))
            one.next_release = min(released, lapses.get(one.id, NEVER))
            one.lots_changed = False


_ACCOUNTS = (
    select(account)
    .where(
        account.c.program_id == bindparam("program_id"),
        among(account.c.member_id, "members"),
        account.c.currency == bindparam("currency"),
    )
    .order_by(account.c.id)
)
_LOCK_ACCOUNTS = _ACCOUNTS.with_for_update()
_MOVING = (
    "version",
    "available",
    "pending",
    "held",
    "arrears",
    "spend",
    "bonus",
    "partner",
    "purchased",
    "other",
    "redeemed",
    "expired",
    "next_expiry",
    "next_release",
    "head_hash",
)
"""What postings change of an account."""
_KEPT, _READ = ("program_id", "id", *_MOVING), ("program_id", "id", "member_id", *_MOVING)
# Read in one go: a call for each of them takes twice as long.
_kept, _read = attrgetter(*_KEPT), attrgetter(*_READ)


def account_of(row: Any) -> Account:
    """The running figures of a stored account."""
    return Account(**dict(zip(_READ, _read(row), strict=True)))


def _entry_row(posting: Posting, digest: bytes) -> dict[str, object]:
    return dict(zip(_ENTRY_COLUMNS, (*_entry_values(posting), posting.entry_id, digest), strict=True))


def _trace_row(posting: Posting, trace: Trace) -> dict[str, object]:
    values = posting.program_id, posting.entry_id, *_trace_values(trace)
    return dict(zip(_TRACE_COLUMNS, values, strict=True))


_COVERED = [str(column.name) for column in ledger_entry.c if column.name not in {"id", "hash"}]
_ENTRY_COLUMNS = (*_COVERED, "id", "hash")
_TRACE_COLUMNS = ("program_id", "entry_id", "lot_id", "points", "expires_at", "available_at", "earned_at")
_entry_values, _trace_values = attrgetter(*_COVERED), attrgetter(*_TRACE_COLUMNS[2:])
