"""Holding transactions for review: which are over a threshold, and what of them waits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from domain.fraud_terms import EarningThreshold, Seen, postable
from domain.models import held_transaction
from domain.program_zone import local_date, start_of_day
from domain.record import record
from domain.rules.award import AwardLot, GroupAward
from domain.rules.model import Category, ExpiryOverride
from domain.store.bulk import Bulk
from domain.store.held import PENDING, Before, StoredHeld, held_rows, purchases_before
from domain.store.ids import Ids
from domain.store.program import ProgramState
from domain.store.reading import Reading

ON_HOLD, PARTIAL_HOLD = "ON HOLD", "PARTIAL HOLD"


@record
class RestAward:
    """What was not posted of an award: `explanation` is that of the whole."""

    group: str
    category: Category
    lots: tuple[AwardLot, ...]
    explanation: Mapping[str, Any]

    @property
    def points(self) -> int:
        """In smallest units."""
        return sum(one.points for one in self.lots)


@record
class Held:
    """What of a transaction waits: `points`, all of it where there is no `rest`."""

    points: int
    rest: Sequence[RestAward] | None = None

    @property
    def status(self) -> str:
        """As REST calls it."""
        return ON_HOLD if self.rest is None else PARTIAL_HOLD


@dataclass(slots=True)
class Screening:
    """Holds the transactions of one run against the program's thresholds; without any it costs nothing."""

    state: ProgramState
    _thresholds: Sequence[EarningThreshold] = field(init=False)
    _before: list[Before] = field(default_factory=list)
    _seen: dict[int, list[Seen]] | None = None

    def __post_init__(self) -> None:
        self._thresholds = self.state.configuration.fraud.earning

    def readings(self, ids: Sequence[int], instants: Iterable[datetime]) -> list[Reading[None]]:
        """The purchases of these members in the windows of these instants, where a threshold counts them."""
        days = [local_date(at, self.state.zone) for at in instants]
        if not ids or not days or not any(one.max_transactions is not None for one in self._thresholds):
            return []
        start = start_of_day(min(days).replace(day=1), self.state.zone)
        end = start_of_day(_next_month(max(days)), self.state.zone)
        return [purchases_before(self.state.id, ids, start, end, self._before)]

    def postable(self, member_id: int, product_code: str | None, at: datetime, points: int) -> int | None:
        """How much of an earning may be posted now: None all, 0 nothing. From now on it counts as one of the window."""
        if not self._thresholds:
            return None
        seen, day = self._seen_of(member_id), local_date(at, self.state.zone)
        allowed = postable(
            self._thresholds,
            product_code=product_code,
            day=day,
            points=points,
            places=self.state.places,
            before=seen,
        )
        seen.append((product_code, day))
        return allowed

    def _seen_of(self, member_id: int) -> list[Seen]:
        if self._seen is None:
            self._seen = {}
            for member, product_code, at in self._before:
                self._seen.setdefault(member, []).append((product_code, local_date(at, self.state.zone)))
        return self._seen.setdefault(member_id, [])


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def split(awards: Sequence[GroupAward], allowed: int) -> tuple[list[GroupAward], Held]:
    """The awards up to `allowed` points, and what is over: the first are posted first."""
    posted: list[GroupAward] = []
    rest: list[RestAward] = []
    for award in awards:
        now, later = _cut(award.lots, allowed)
        allowed -= sum(one.points for one in now)
        if now:
            held = sum(one.points for one in later)
            posted.append(replace(award, points=award.points - held, lots=now, held=held) if later else award)
        if later:
            rest.append(
                RestAward(group=award.group, category=award.category, lots=later, explanation=award.explanation)
            )
    return posted, Held(points=sum(one.points for one in rest), rest=rest)


def _cut(lots: Sequence[AwardLot], allowed: int) -> tuple[tuple[AwardLot, ...], tuple[AwardLot, ...]]:
    now: list[AwardLot] = []
    later: list[AwardLot] = []
    for one in lots:
        part = min(one.points, allowed)
        allowed -= part
        if part:
            now.append(replace(one, points=part))
        if part < one.points:
            later.append(replace(one, points=one.points - part))
    return tuple(now), tuple(later)


def store_held(bulk: Bulk, ids: Ids, program_id: int, held: Sequence[tuple[int, int, Held]], now: datetime) -> None:
    """Store what waits of transactions, each given with its row's id and its member's."""
    rows = [
        StoredHeld(
            id=row_id,
            transaction_ref=transaction,
            member_id=member_id,
            status=PENDING,
            points=one.points,
            rest=None if one.rest is None else [_document(award) for award in one.rest],
            held_at=now,
        )
        for row_id, (transaction, member_id, one) in zip(ids.take(held_transaction, len(held)), held, strict=True)
    ]
    bulk.insert(held_transaction, held_rows(program_id, rows))


def _document(award: RestAward) -> dict[str, Any]:
    return {
        "group": award.group,
        "category": award.category,
        "explanation": dict(award.explanation),
        "lots": [
            {
                "points": one.points,
                "months": one.expires and one.expires.months,
                "date": one.expires and one.expires.last_day and one.expires.last_day.isoformat(),
                "own_expiry": one.expires is not None,
                "release_after_days": one.release_after_days,
            }
            for one in award.lots
        ],
    }


def read_rest(stored: Sequence[Mapping[str, Any]]) -> list[RestAward]:
    """The awards that `store_held` kept."""
    return [
        RestAward(
            group=one["group"],
            category=one["category"],
            explanation=one["explanation"],
            lots=tuple(_lot(lot) for lot in one["lots"]),
        )
        for one in stored
    ]


def _lot(stored: Mapping[str, Any]) -> AwardLot:
    day = stored["date"]
    expires = ExpiryOverride(months=stored["months"], last_day=None if day is None else date.fromisoformat(day))
    return AwardLot(
        points=stored["points"],
        expires=expires if stored["own_expiry"] else None,
        release_after_days=stored["release_after_days"],
    )
