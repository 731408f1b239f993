"""Expiry by inactivity: what a purchase that earns puts off, and what goes back once refunds took all it earned."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from sqlalchemy import Connection

from domain.ledger.account import Account
from domain.ledger.expiry import ExpiryOverride, expires_at
from domain.ledger.posting import Draft, Lot, Move
from domain.rules.explanation import explain
from domain.store.activity import (
    StoredActivity,
    StoredOrigin,
    last_earnings,
    list_activities,
    list_origins,
    moved_lots,
)
from domain.store.program import ProgramState

Earning = Draft | int
"""A posting of this run, or the id of a stored one."""


@dataclass(slots=True)
class Activity:
    """When the accounts of one run earned last, and what goes by that. Under another policy it does nothing.

    `lots` are the open ones by account, kept up by who posts. The accounts are locked.
    """

    tx: Connection
    state: ProgramState
    lots: dict[int, list[Lot]]
    now: datetime
    _last: dict[int, datetime] = field(default_factory=dict)
    _earned: dict[int, list[Draft]] = field(default_factory=dict)
    _gone: set[int] = field(default_factory=set)
    _gone_drafts: set[int] = field(default_factory=set)
    _dated: set[int] = field(default_factory=set)
    _own: dict[int, datetime] = field(default_factory=dict)

    counts: bool = field(init=False)
    """Whether the program's points go by inactivity."""

    def __post_init__(self) -> None:
        self.counts = self.state.configuration.expiry.policy == "inactivity"

    def load(self, account_ids: Sequence[int]) -> None:
        """Read the last activities."""
        if self.counts:
            self._last = last_earnings(self.tx, self.state.id, account_ids)

    def since(self, account: Account, begins: datetime) -> datetime:
        """The instant that new points of the program's own terms count from."""
        return max(begins, self._last.get(account.id, begins))

    def keep_alive(self, account: Account, at: datetime) -> list[Move]:
        """The moves by which a purchase of this instant puts off the expiry of older points."""
        if not self.counts:
            return []
        before = self._last.get(account.id)
        self._last[account.id] = at if before is None else max(before, at)
        if before is None or at <= before:
            return []
        # All that goes by inactivity has one date, but for what counts from a release that is later; what has
        # another has it from its own rule.
        old, new = self._expiry(before), self._expiry(at)
        if new <= old:
            return []
        moved = [
            lot
            for lot in self.lots.get(account.id, [])
            if lot.remaining and lot.expires_at < new and lot.expires_at == self._date_by_activity(lot, before, old)
        ]
        account.lots_changed = True
        self._own.update(
            (id(lot), lot.expires_at)
            for lot in moved
            if lot.id is None and id(lot) not in self._dated | self._own.keys()
        )
        self._dated.update(id(lot) for lot in moved)
        return [Move(lot, 0, new) for lot in moved]

    def earned(self, account: Account, draft: Draft, made: Sequence[Lot], own: Collection[datetime]) -> None:
        """An earning of this run, and the lots that it made. `own` are the dates that are their rules' own."""
        self._earned.setdefault(account.id, []).append(draft)
        if self.counts:
            self._dated.update(id(lot) for lot in made if lot.expires_at not in own)

    def take_back(self, account: Account, gone: Sequence[Earning], last: Draft | None) -> None:
        """Refunds took all that these earnings gave: `last`, the newest posting, moves the dates that hung on them.

        A lot gets the date that it would have had without them: by the last activity that stands, or by its own
        earning, and never one before a date that is its own. What is past by that expires now.
        """
        if not self.counts or not gone:
            return
        self._gone.update(one for one in gone if isinstance(one, int))
        self._gone_drafts.update(id(one) for one in gone if isinstance(one, Draft))
        was, stored = self._last.get(account.id), list_activities(self.tx, self.state.id, account.id)
        stands = [one.at for one in stored if one.stands and one.entry_id not in self._gone]
        own = self._earned.get(account.id, [])
        stands += [one.transaction_date for one in own if id(one) not in self._gone_drafts]
        before = max(stands, default=None)
        if was is None or before == was:
            return
        if before is None:
            del self._last[account.id]
        else:
            self._last[account.id] = before
        # Where a loss left nothing to post, no posting can carry the dates.
        if last is not None and (dates := self._dates(account, stored, self._expiry(was), before)):
            account.redate(last, dates, self.now)

    def _dates(
        self, account: Account, stored: Sequence[StoredActivity], old: datetime, before: datetime | None
    ) -> list[tuple[Lot, datetime]]:
        going = self._going_by_activity(account, stored, old)
        own = self._own_dates(account) if going else {}
        dates = []
        for lot in going:
            released = self._counts_from(lot)
            begins = lot.earned_at if released is None else max(lot.earned_at, released)
            new = self._expiry(begins if before is None else max(begins, before))
            new = max(new, own.get(lot.id or 0, new), self._own.get(id(lot), new))
            if new < old:
                dates.append((lot, new))
        return dates

    def _going_by_activity(self, account: Account, stored: Sequence[StoredActivity], date: datetime) -> list[Lot]:
        """The open lots that have this date from an activity, and not from their own rule or from elsewhere."""
        moved = moved_lots(self.tx, self.state.id, account.id)
        # Which activity was the last one when a lot was made depends on refunds since: any before it may have been.
        first = min((one.entry_id for one in stored if self._expiry(one.at) == date), default=None)
        made = {one.entry_id for one in stored if first is not None and one.entry_id >= first}
        return [
            lot
            for lot in self.lots.get(account.id, [])
            if lot.remaining
            and lot.expires_at == date
            and (id(lot) in self._dated or lot.id in moved or lot.entry_id in made)
        ]

    def _own_dates(self, account: Account) -> dict[int, datetime]:
        """The dates with which stored lots were made, where those do not go by inactivity."""
        origins = list_origins(self.tx, self.state.id, account.id)
        return {one.lot_id: one.expires_at for one in origins if self._has_own_date(one)}

    def _has_own_date(self, made: StoredOrigin) -> bool:
        """Whether a lot was made with its rule's own date, or as what is no purchase."""
        if made.kind != "earn":
            return True
        told = explain(orjson.loads(made.detail), 0) if made.detail else None
        rules = (
            [] if told is None else [one for one in told.rules if one.gave is not None or one.expires_on is not None]
        )
        terms, zone = self.state.configuration.expiry, self.state.zone
        dates = [ExpiryOverride(last_day=one.expires_on) for one in rules if one.expires_on is not None]
        # Of months of a rule's own the posting does not say from when they count.
        return any(made.expires_at == expires_at(terms, self.now, zone, own) for own in dates) or (
            bool(rules) and all(one.expires_months is not None for one in rules)
        )

    def _date_by_activity(self, lot: Lot, before: datetime, old: datetime) -> datetime:
        """The date of a lot that goes by inactivity, where `old` is that of the last activity."""
        released = self._counts_from(lot)
        return old if released is None or released <= before else self._expiry(released)

    def _counts_from(self, lot: Lot) -> datetime | None:
        """The release that the validity of a lot counts from, if it does."""
        return lot.available_at if self.state.terms.pending_validity == "release" else None

    def _expiry(self, at: datetime) -> datetime:
        return expires_at(self.state.configuration.expiry, at, self.state.zone)
