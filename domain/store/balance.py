"""Balances and expiry in the database, at an instant: due lots are left out on read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Subquery, bindparam, case, func, select

from domain.clock import NEVER
from domain.models import account, hold, ledger_entry, lot, lot_trace
from domain.store.among import among
from domain.store.asking import Asking, need
from domain.store.reading import Reading, read


@dataclass(slots=True)
class Figures:
    """The running figures of one account at an instant, in smallest units."""

    account_id: int
    member_id: int
    available: int
    spend: int
    bonus: int
    redeemed: int
    expired: int
    next_expiry: datetime
    pending: int = 0
    held: int = 0
    arrears: int = 0
    partner: int = 0
    purchased: int = 0
    other: int = 0
    next_expiring: int = 0


_COLUMNS = (
    "id",
    "member_id",
    "available",
    "spend",
    "bonus",
    "redeemed",
    "expired",
    "next_expiry",
    "pending",
    "held",
    "arrears",
    "partner",
    "purchased",
    "other",
)


_ACCOUNTS = select(*(account.c[name] for name in _COLUMNS), account.c.next_release).where(
    account.c.program_id == bindparam("program_id"),
    among(account.c.member_id, "member_ids"),
    account.c.currency == bindparam("currency"),
)
_WITH_PARTS = (
    _ACCOUNTS.add_columns(lot.c.expires_at.label("part_expires"), lot.c.available_at, func.sum(lot.c.remaining))
    .outerjoin(lot, (lot.c.program_id == account.c.program_id) & (lot.c.account_id == account.c.id) & lot.c.is_open)
    .group_by(account.c.program_id, account.c.id, lot.c.expires_at, lot.c.available_at)
)


@dataclass(frozen=True, slots=True)
class Due:
    """What falls due at one instant on one account, of what was earned, held, taken and written off.

    What a hold that lapsed gives back counts as remaining.
    """

    member_id: int
    expires_at: datetime
    earned: int
    remaining: int
    expired: int
    held: int


def read_figures(
    tx: Connection,
    program_id: int,
    member_ids: Sequence[int],
    now: datetime,
    currency: str = "DEFAULT",
) -> list[Figures]:
    """The figures of these members, but for what expires next. One statement; two more where something is due."""
    figures, releases = [], {}
    given = {"program_id": program_id, "member_ids": list(member_ids), "currency": currency}
    for *values, next_release in read(tx, Reading(_ACCOUNTS, given, list)):
        one = Figures(*values)
        figures.append(one)
        releases[one.account_id] = next_release
    moved = [one for one in figures if one.next_expiry <= now or releases[one.account_id] <= now]
    if moved:
        lapsing = [one.account_id for one in moved if releases[one.account_id] <= now]
        parts = _open_parts(tx, program_id, [one.account_id for one in moved])
        _bring_up_to(moved, parts, _lapsed_holds(tx, program_id, lapsing, now), now)
    return figures


def figures_with_next(
    program_id: int, member_ids: Sequence[int], now: datetime, currency: str = "DEFAULT"
) -> Asking[list[Figures]]:
    """The figures of these members with what expires next. One statement; another where a hold may have lapsed."""
    given = {"program_id": program_id, "member_ids": list(member_ids), "currency": currency}
    found: dict[int, Figures] = {}
    parts: dict[int, list[_Part]] = {}
    lapsing = set()
    rows = yield from need(Reading(_WITH_PARTS, given, list))
    for *figures, next_release, expires_at, available_at, points in rows:
        one = found.setdefault(figures[0], Figures(*figures))
        if next_release <= now:
            lapsing.add(one.account_id)
        if expires_at is not None:
            parts.setdefault(one.account_id, []).append(_Part(expires_at, available_at, int(points)))
    held: dict[int, list[_Part]] = {}
    if lapsing:
        held = yield from need(lambda tx: _lapsed_holds(tx, program_id, sorted(lapsing), now))
    # What nothing is due of, and has nothing that ever expires, is as it was at the last posting.
    moved = [one for one in found.values() if one.next_expiry < NEVER or one.account_id in lapsing]
    _bring_up_to(moved, parts, held, now)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Part:
    """Points of one account with one expiry and one release."""

    expires_at: datetime
    available_at: datetime | None
    points: int


def _bring_up_to(
    figures: Sequence[Figures],
    parts: Mapping[int, Sequence[_Part]],
    held: Mapping[int, Sequence[_Part]],
    now: datetime,
) -> None:
    """What has expired, matured or lapsed by `now` counts so, booked or not."""
    for one in figures:
        given_back = held.get(one.account_id, ())
        back = sum(part.points for part in given_back)
        one.held -= back
        one.redeemed -= back
        mine = [*parts.get(one.account_id, ()), *given_back]
        live = [part for part in mine if part.expires_at > now]
        one.expired += sum(part.points for part in mine if part.expires_at <= now)
        one.pending = sum(part.points for part in live if part.available_at is not None and part.available_at > now)
        one.available = sum(part.points for part in live) - one.pending - one.arrears
        one.next_expiry = min((part.expires_at for part in live), default=NEVER)
        one.next_expiring = sum(
            part.points for part in live if part.expires_at == one.next_expiry and one.next_expiry < NEVER
        )


def _open_parts(tx: Connection, program_id: int, account_ids: Sequence[int]) -> dict[int, list[_Part]]:
    found: dict[int, list[_Part]] = {}
    columns = (lot.c.account_id, lot.c.expires_at, lot.c.available_at)
    for row in tx.execute(
        select(*columns, func.sum(lot.c.remaining).label("points"))
        .where(lot.c.program_id == program_id, lot.c.account_id.in_(account_ids), lot.c.is_open)
        .group_by(*columns)
    ):
        found.setdefault(row.account_id, []).append(_Part(row.expires_at, row.available_at, int(row.points)))
    return found


def _lapsed_holds(tx: Connection, program_id: int, account_ids: Sequence[int], now: datetime) -> dict[int, list[_Part]]:
    """What holds that lapsed give back: what had expired by the end of a hold comes back expired."""
    found: dict[int, list[_Part]] = {}
    if not account_ids:
        return found
    # The lot says when, not the trace of the hold: its date may have been put off since.
    for row in tx.execute(
        select(hold.c.account_id, lot.c.expires_at, func.sum(-lot_trace.c.points).label("points"))
        .join(lot_trace, (lot_trace.c.program_id == hold.c.program_id) & (lot_trace.c.entry_id == hold.c.entry_id))
        .join(lot, (lot.c.program_id == lot_trace.c.program_id) & (lot.c.id == lot_trace.c.lot_id))
        .where(
            hold.c.program_id == program_id,
            hold.c.account_id.in_(account_ids),
            hold.c.status == "PENDING",
            hold.c.expires_at <= now,
        )
        .group_by(hold.c.account_id, lot.c.expires_at)
    ):
        found.setdefault(row.account_id, []).append(_Part(row.expires_at, None, int(row.points)))
    return found


def expiry_dates(
    tx: Connection,
    program_id: int,
    member_ids: Sequence[int],
    start: datetime,
    end: datetime,
    now: datetime,
    currency: str = "DEFAULT",
) -> list[Due]:
    """What falls due in [start, end) on the accounts of these members, by expiry instant, as it is at `now`."""
    query = _dates(program_id, member_ids, now, currency).where(lot.c.expires_at >= start, lot.c.expires_at < end)
    return [
        Due(
            row.member_id,
            row.expires_at,
            int(row.earned),
            int(row.remaining) + int(row.lapsed),
            int(row.expired),
            int(row.held),
        )
        for row in tx.execute(query)
    ]


def _dates(program_id: int, member_ids: Sequence[int], now: datetime, currency: str) -> Select[Any]:
    accounts = _account_ids(program_id, member_ids, currency)
    held = _held_lots(program_id, accounts, now)
    booked = _written_off(program_id, accounts)
    own = (account.c.program_id == lot.c.program_id) & (account.c.id == lot.c.account_id)
    return (
        select(
            account.c.member_id,
            lot.c.expires_at,
            func.sum(lot.c.points).label("earned"),
            func.sum(lot.c.remaining).label("remaining"),
            func.coalesce(func.sum(booked.c.points), 0).label("expired"),
            func.coalesce(func.sum(held.c.held), 0).label("held"),
            func.coalesce(func.sum(held.c.lapsed), 0).label("lapsed"),
        )
        .select_from(account)
        .join(lot, own)
        .outerjoin(booked, booked.c.lot_id == lot.c.id)
        .outerjoin(held, held.c.lot_id == lot.c.id)
        .where(
            account.c.program_id == program_id,
            account.c.member_id.in_(member_ids),
            account.c.currency == currency,
        )
        .group_by(account.c.member_id, lot.c.expires_at)
        .order_by(lot.c.expires_at)
    )


def _account_ids(program_id: int, member_ids: Sequence[int], currency: str) -> Select[tuple[int]]:
    return select(account.c.id).where(
        account.c.program_id == program_id, account.c.member_id.in_(member_ids), account.c.currency == currency
    )


def _written_off(program_id: int, account_ids: Select[tuple[int]]) -> Subquery:
    """What of each lot has expired and was booked."""
    return (
        select(lot_trace.c.lot_id, func.sum(-lot_trace.c.points).label("points"))
        .join(
            ledger_entry,
            (ledger_entry.c.program_id == lot_trace.c.program_id) & (ledger_entry.c.id == lot_trace.c.entry_id),
        )
        .where(
            lot_trace.c.program_id == program_id,
            ledger_entry.c.account_id.in_(account_ids),
            ledger_entry.c.kind == "expiry",
        )
        .group_by(lot_trace.c.lot_id)
        .subquery()
    )


def _held_lots(program_id: int, account_ids: Select[tuple[int]], now: datetime) -> Subquery:
    """What pending holds took from each lot, those that lapsed apart."""
    taken = -lot_trace.c.points
    return (
        select(
            lot_trace.c.lot_id,
            func.sum(case((hold.c.expires_at > now, taken), else_=0)).label("held"),
            func.sum(case((hold.c.expires_at <= now, taken), else_=0)).label("lapsed"),
        )
        .join(hold, (hold.c.program_id == lot_trace.c.program_id) & (hold.c.entry_id == lot_trace.c.entry_id))
        .where(hold.c.program_id == program_id, hold.c.account_id.in_(account_ids), hold.c.status == "PENDING")
        .group_by(lot_trace.c.lot_id)
        .subquery()
    )


def accounts_of(
    tx: Connection, program_id: int, member_ids: Sequence[int], currency: str = "DEFAULT"
) -> dict[int, int]:
    """The accounts of these members: account id by member id."""
    rows = tx.execute(
        select(account.c.member_id, account.c.id).where(
            account.c.program_id == program_id,
            account.c.member_id.in_(member_ids),
            account.c.currency == currency,
        )
    )
    return {row.member_id: row.id for row in rows}
