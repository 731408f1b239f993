"""Where members stand, in one form for both sides: as the product stores it, and as the oracle has it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Row, select

from domain.clock import NEVER
from domain.models import member, member_tier, points_request
from domain.store.tally import Tallies
from tests.ledger.invariants import Books
from tests.oracle import Cap, Oracle

KINDS = {
    "earn": "earn",
    "bonus": "bonus",
    "refund": "refund",
    "redemption": "redeem",
    "reversal": "reverse",
    "expiry": "expire",
    "hold": "hold",
    "release": "release",
    "transfer": "transfer",
    "adjustment": "adjust",
}
"""The product's kinds of posting by the oracle's words for them."""

State = dict[str, dict[str, Any]]
Counted = dict[tuple[str, str, Date], int]
"""What caps have counted: by bucket (empty: all), window and the window's first day; nothing is left out."""


@dataclass(frozen=True)
class Standing:
    """What is stored of members beside their points; the members by their ids."""

    tallies: Tallies
    tiers: Sequence[Row[Any]]
    requests: Sequence[Row[Any]]
    members: Mapping[int, Row[Any]]

    def counted(self, member_id: int) -> Counted:
        """What the caps have counted of a member who answers for itself."""
        if self.members[member_id].merged_into is not None:
            return {}
        return {
            # Each rule group gives into a bucket of its own, by whose name it is called.
            (key.scope.lower(), key.window, key.start): points
            for key, points in self.tallies.counters(member_id).items()
            if points
        }

    def bought(self, member_id: int) -> dict[Date, Decimal]:
        """What the aggregate has of a member who answers for itself, by the first day of its window."""
        if self.members[member_id].merged_into is not None:
            return {}
        return {start: one.sum for (_, start), one in self.tallies.buckets(member_id).items() if one.sum}

    def of_itself(self, member_id: int) -> dict[str, Any]:
        """Who a member is, when it last qualified for its tier, and what became of corrections asked for."""
        one = self.members[member_id]
        # Sorted, because nobody sees which of two that are alike came first.
        asked = sorted((each.points, each.status) for each in self.requests if each.member_id == member_id)
        return {
            "status": (one.status, one.erased_at is not None),
            "qualified": one.tier_qualified_at if one.tier is not None else None,
            "asked": asked,
        }

    def tiers_of(self, member_id: int) -> list[tuple[datetime, str | None]]:
        """The tiers that a member had, each with when it got it."""
        return [(one.since, one.tier) for one in self.tiers if one.member_id == member_id]


def read_standing(tx: Connection, program_id: int) -> Standing:
    """Read what is stored of a program's members beside their points."""
    members = tx.execute(select(member).where(member.c.program_id == program_id)).all()
    requests = select(points_request).where(points_request.c.program_id == program_id)
    tiers = select(member_tier).where(member_tier.c.program_id == program_id).order_by(member_tier.c.since)
    had, asked = (tx.execute(query).all() for query in (tiers, requests))
    tallies = Tallies(program_id)
    tallies.read_all(tx, [one.id for one in members])
    return Standing(tallies, had, asked, {one.id: one for one in members})


def stored_state(books: Books, standing: Standing, references: Mapping[int, str]) -> State:
    """Balances, lots, traces, tiers and what the caps counted as stored. `references`: the members' by their ids."""
    state: State = {}
    for one in books.accounts:
        lots = [lot for lot in books.lots if lot.account_id == one.id]
        number = {lot.id: index for index, lot in enumerate(lots)}
        moves: dict[int, dict[int, int]] = {}
        for trace in books.traces:
            # One of nothing only changes a date, which the lot shows.
            if trace.points:
                moves.setdefault(trace.entry_id, {})[number.get(trace.lot_id, -1)] = trace.points
        state[references[one.member_id]] = {
            "balance": one.available + one.pending,
            "held": one.held,
            "arrears": one.arrears,
            "lots": [(x.points, x.remaining, x.earned_at, _or_never(x.expires_at), x.available_at) for x in lots],
            "entries": [
                (KINDS[x.kind], x.bucket, x.points, x.transaction_date, moves.get(x.id, {}), x.arrears)
                for x in books.entries
                if x.account_id == one.id
            ],
            "counted": standing.counted(one.member_id),
            "bought": standing.bought(one.member_id),
            # Of two at once nothing else may show whose a purchase is that gave no points, until a merge ends.
            "purchases": sorted(
                (x.type, x.transaction_id)
                for x in books.transactions
                if x.member_id == one.member_id and (x.type == "DR" or x.status == "PARKED")
            ),
            "tiers": standing.tiers_of(one.member_id),
            **standing.of_itself(one.member_id),
        }
    return state


def expected_state(oracle: Oracle) -> State:
    """The same of the oracle."""
    return {
        member: {
            "balance": sum(lot.remaining for lot in one.lots) - one.arrears,
            "held": sum(hold.points for hold in one.holds if hold.state == "PENDING"),
            "arrears": one.arrears,
            "lots": [(x.points, x.remaining, x.earned_at, x.expires_at, x.available_at) for x in one.lots],
            "entries": [(x.kind, x.bucket, x.points, x.dated, x.moves, x.arrears) for x in one.entries],
            "counted": _counted(oracle, member),
            "bought": _bought(oracle, member),
            "purchases": [
                *sorted(("CR", each.transaction_id) for each in oracle.parked if each.member == member),
                *sorted(("DR", each.transaction_id) for each in oracle.purchases if each.member == member),
            ],
            "tiers": one.tiers,
            "status": (one.status, one.is_erased),
            "qualified": one.qualified_at if one.tier is not None else None,
            "asked": sorted((each.points, each.state) for each in oracle.requests.values() if each.member == member),
        }
        for member, one in oracle.accounts.items()
    }


def _counted(oracle: Oracle, member: str) -> Counted:
    if oracle.survivor_of(member) is not None:
        return {}
    windows = {(cap, cap.first_day(one.dated, oracle.zone)) for cap in oracle.caps for one in oracle.purchases}
    counted = {(cap.bucket, cap.window, day): oracle.counted(member, cap, day) for cap, day in windows}
    return {window: points for window, points in counted.items() if points}


def _bought(oracle: Oracle, member: str) -> dict[Date, Fraction]:
    if oracle.survivor_of(member) is not None or oracle.regulars is None:
        return {}
    days = {oracle.regulars.first_day(one.dated, oracle.zone) for one in oracle.purchases}
    figures = {day: oracle.figure(member, day) for day in days}
    return {day: figure for day, figure in figures.items() if figure}


def overdrawn(caps: Sequence[Cap], state: State, oracle: Oracle) -> Iterator[str]:
    """Caps that counted more than they may. Together two members may have more than one of them could get."""
    together = {merger.survivor for merger in oracle.mergers.values() if not merger.is_undone}
    for name in state.keys() - together:
        for cap in caps:
            for (bucket, window, day), points in state[name]["counted"].items():
                if (bucket, window) == (cap.bucket, cap.window) and not 0 <= points <= cap.points:
                    yield f"{name} was given {points} of {cap.points} in the {window} of {day}"


def _or_never(expires_at: datetime) -> datetime | None:
    return None if expires_at == NEVER else expires_at
