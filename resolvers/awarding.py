"""Posting what the rules gave: lots with their dates, and the dates of older lots that a purchase keeps alive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Connection

from domain.ledger.account import Account
from domain.ledger.expiry import expires_at
from domain.ledger.posting import BONUS, SPEND, Draft, Lot, Move, expiry_of, new_lot
from domain.models.types import to_json
from domain.program_zone import local_date, start_of_day
from domain.rules.evaluate import AwardLot, GroupAward
from domain.store.lot import open_lots
from domain.store.program import ProgramState
from resolvers.activity import Activity
from resolvers.purchase import Award
from resolvers.screening import RestAward

Given: TypeAlias = GroupAward | RestAward
_TYPES = {"spend": SPEND, "bonus": BONUS}


@dataclass(slots=True)
class Awarding:
    """Posts the awards of one run, in order."""

    tx: Connection
    state: ProgramState
    accounts: Mapping[int, Account]
    now: datetime
    lots: dict[int, list[Lot]] = field(default_factory=dict)
    activity: Activity = field(init=False)
    _keeps_lots: bool = True

    def __post_init__(self) -> None:
        self.activity = Activity(self.tx, self.state, self.lots, self.now)

    def load(self, *, with_lots: bool = False) -> None:
        """Read what expiry by inactivity needs, or who takes back; what was due on the accounts is stored."""
        ids = [one.id for one in self.accounts.values()]
        self._keeps_lots = with_lots or self.activity.counts
        if self._keeps_lots:
            self.lots.update(open_lots(self.tx, self.state.id, ids))
        self.activity.load(ids)

    def post(self, member_id: int, awards: Sequence[Given], at: datetime, source: str | None) -> list[Draft]:
        """The postings of a purchase, one for each group that gave something."""
        account = self.accounts[member_id]
        moved = self.activity.keep_alive(account, at) if awards else []
        posted = []
        for award in awards:
            posted.append(self._post(account, award, at, source, moved))
            moved = []
        return posted

    def bonus(self, member_id: int, points: int, detail: Mapping[str, object]) -> Draft:
        """Post a bonus that no rule gave, dated now, with the program's expiry. `points` in smallest units."""
        expiry = expires_at(self.state.configuration.expiry, self.now, self.state.zone)
        moves = [new_lot(points, self.now, expiry)]
        draft = Draft(
            "bonus",
            "bonus",
            points,
            BONUS,
            self.now,
            moves,
            expires_at=expiry_of(moves),
            detail=to_json(detail),
        )
        account = self.accounts[member_id]
        account.credit(draft, self.now)
        if self._keeps_lots:
            self._remember(account, draft)
        return draft

    def _post(self, account: Account, award: Given, at: datetime, source: str | None, moved: Sequence[Move]) -> Draft:
        new = [self._lot(account, part, at) for part in award.lots]
        bucket = award.category
        draft = Draft(
            "earn",
            bucket,
            award.points,
            _TYPES[bucket],
            at,
            [*new, *moved],
            expires_at=expiry_of(new),
            detail=to_json({"group": award.group, **award.explanation}),
            source=source,
        )
        account.credit(draft, self.now)
        if self._keeps_lots:
            made = self._remember(account, draft)
            own = [move.expires_at for move, part in zip(new, award.lots, strict=True) if part.expires is not None]
            self.activity.earned(account, draft, made, own)
        return draft

    def _lot(self, account: Account, part: AwardLot, at: datetime) -> Move:
        zone, terms = self.state.zone, self.state.configuration.expiry
        available = None
        if part.release_after_days:
            # At the beginning of a day, so that an app can name the day.
            available = start_of_day(local_date(at, zone) + timedelta(days=part.release_after_days), zone)
            available = available if available > self.now else None
        begins = available if available is not None and self.state.terms.pending_validity == "release" else at
        begins = self.activity.since(account, begins)
        return new_lot(part.points, at, expires_at(terms, begins, zone, part.expires), available)

    def _remember(self, account: Account, draft: Draft) -> list[Lot]:
        """The lots that a posting made: what is open on the account goes on from here."""
        made = [move.lot for move in draft.moves if move.points]
        self.lots.setdefault(account.id, []).extend(made)
        return made


def awards_of(drafts: Sequence[Draft], given: Sequence[Given]) -> list[Award]:
    """What `post` made of what was given, as refunds see it."""
    return [
        Award(
            earning=draft,
            group=award.group,
            bucket=draft.bucket,
            loyalty_txn_type=draft.loyalty_txn_type,
            points=draft.points,
            lots=[move.lot for move in draft.moves if move.points],
        )
        for draft, award in zip(drafts, given, strict=True)
    ]
