"""Posting what the rules gave: lots with their dates, and under expiry by inactivity the dates of older lots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from domain.ledger.account import Account
from domain.ledger.expiry import expires_at
from domain.ledger.posting import BONUS, SPEND, Draft, Lot, Move, expiry_of, new_lot
from domain.models.types import to_json
from domain.program_zone import local_date, start_of_day
from domain.rules.evaluate import AwardLot, GroupAward
from domain.store.entry import last_earnings
from domain.store.lot import open_lots
from domain.store.program import ProgramState
from resolvers.refunding import Award

_TYPES = {"spend": SPEND, "bonus": BONUS}


@dataclass(slots=True)
class Awarding:
    """Posts the awards of one run, in order."""

    state: ProgramState
    accounts: Mapping[int, Account]
    now: datetime
    _lots: dict[int, list[Lot]] = field(default_factory=dict)
    _active: dict[int, datetime] = field(default_factory=dict)

    @property
    def _by_inactivity(self) -> bool:
        return self.state.configuration.expiry.policy == "inactivity"

    def load(self, tx: Connection) -> None:
        """Read what expiry by inactivity needs. The accounts are locked, and what was due on them is stored."""
        if self._by_inactivity:
            ids = [one.id for one in self.accounts.values()]
            self._lots = open_lots(tx, self.state.id, ids)
            self._active = last_earnings(tx, self.state.id, ids)

    def post(
        self, member_id: int, awards: Sequence[GroupAward], at: datetime, source: str | None
    ) -> list[tuple[Draft, Award]]:
        """The postings of a purchase, one for each group that gave something."""
        account = self.accounts[member_id]
        moved = self._keep_alive(account, at) if awards and self._by_inactivity else []
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
        self._remember(account, draft)
        return draft

    def _post(
        self, account: Account, award: GroupAward, at: datetime, source: str | None, moved: Sequence[Move]
    ) -> tuple[Draft, Award]:
        moves = [self._lot(account, part, at) for part in award.lots]
        draft = Draft(
            kind="earn",
            bucket=award.category,
            points=award.points,
            loyalty_txn_type=_TYPES[award.category],
            transaction_date=at,
            moves=[*moves, *moved],
            expires_at=expiry_of(moves),
            detail=to_json({"group": award.group, **award.explanation}),
            source=source,
        )
        account.credit(draft, self.now)
        made = self._remember(account, draft)
        return draft, Award(
            earning=draft,
            group=award.group,
            bucket=award.category,
            loyalty_txn_type=draft.loyalty_txn_type,
            points=award.points,
            lots=made,
        )

    def _lot(self, account: Account, part: AwardLot, at: datetime) -> Move:
        zone, terms = self.state.zone, self.state.configuration.expiry
        available = None
        if part.release_after_days:
            # At the beginning of a day, so that an app can name the day.
            available = start_of_day(local_date(at, zone) + timedelta(days=part.release_after_days), zone)
            available = available if available > self.now else None
        begins = available if available is not None and self.state.terms.pending_validity == "release" else at
        if self._by_inactivity:
            begins = max(begins, self._active.get(account.id, begins))
        return new_lot(part.points, at, expires_at(terms, begins, zone, part.expires), available)

    def _keep_alive(self, account: Account, at: datetime) -> list[Move]:
        """A purchase that earns puts off the expiry of everything that goes by inactivity."""
        zone, terms = self.state.zone, self.state.configuration.expiry
        before = self._active.get(account.id)
        self._active[account.id] = at if before is None else max(before, at)
        if before is None or at <= before:
            return []
        # All that goes by inactivity has one date; what has another has it from its own rule.
        old, new = expires_at(terms, before, zone), expires_at(terms, at, zone)
        if new <= old:
            return []
        account.lots_changed = True
        return [Move(lot, 0, new) for lot in self._lots.get(account.id, []) if lot.remaining and lot.expires_at == old]

    def _remember(self, account: Account, draft: Draft) -> list[Lot]:
        """The lots that a posting made: what is open on the account goes on from here."""
        made = [move.lot for move in draft.moves if move.points]
        if self._by_inactivity:
            self._lots.setdefault(account.id, []).extend(made)
        return made
