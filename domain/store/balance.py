"""Balances and expiry in the database, at an instant: due lots are left out on read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from domain.clock import NEVER
from domain.models import account, ledger_entry, lot, lot_trace


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
    next_expiring: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """What falls due at one instant on one account, of what was earned, taken and written off."""

    account_id: int
    expires_at: datetime
    earned: int
    remaining: int
    expired: int


def read_figures(
    tx: Connection,
    program_id: int,
    member_ids: Sequence[int],
    now: datetime,
    currency: str = "DEFAULT",
    *,
    with_next: bool = False,
) -> list[Figures]:
    """The figures of these members. One statement; another where something is due or the next is asked for."""
    columns = ("id", "member_id", "available", "spend", "bonus", "redeemed", "expired", "next_expiry")
    rows = tx.execute(
        select(*(account.c[name] for name in columns)).where(
            account.c.program_id == program_id,
            account.c.member_id.in_(member_ids),
            account.c.currency == currency,
        )
    )
    figures = [Figures(*row) for row in rows]
    looked_at = [one for one in figures if one.next_expiry <= now or (with_next and one.next_expiry < NEVER)]
    if looked_at:
        _leave_out_due(tx, program_id, looked_at, now)
    return figures


def _leave_out_due(tx: Connection, program_id: int, figures: Sequence[Figures], now: datetime) -> None:
    by_account: dict[int, list[tuple[datetime, int]]] = {}
    for row in tx.execute(
        select(lot.c.account_id, lot.c.expires_at, func.sum(lot.c.remaining).label("points"))
        .where(
            lot.c.program_id == program_id,
            lot.c.account_id.in_([one.account_id for one in figures]),
            lot.c.is_open,
            lot.c.expires_at < NEVER,
        )
        .group_by(lot.c.account_id, lot.c.expires_at)
        .order_by(lot.c.expires_at)
    ):
        by_account.setdefault(row.account_id, []).append((row.expires_at, int(row.points)))
    for one in figures:
        dates = by_account.get(one.account_id, [])
        due = sum(points for at, points in dates if at <= now)
        one.available -= due
        one.expired += due
        coming = [(at, points) for at, points in dates if at > now]
        one.next_expiry, one.next_expiring = coming[0] if coming else (NEVER, 0)


def expiry_dates(
    tx: Connection, program_id: int, account_ids: Sequence[int], start: datetime, end: datetime
) -> list[Due]:
    """What falls due in [start, end) on these accounts, by expiry instant."""
    booked = (
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
    rows = tx.execute(
        select(
            lot.c.account_id,
            lot.c.expires_at,
            func.sum(lot.c.points).label("earned"),
            func.sum(lot.c.remaining).label("remaining"),
            func.coalesce(func.sum(booked.c.points), 0).label("expired"),
        )
        .outerjoin(booked, booked.c.lot_id == lot.c.id)
        .where(
            lot.c.program_id == program_id,
            lot.c.account_id.in_(account_ids),
            lot.c.expires_at >= start,
            lot.c.expires_at < end,
        )
        .group_by(lot.c.account_id, lot.c.expires_at)
        .order_by(lot.c.expires_at)
    )
    return [Due(row.account_id, row.expires_at, int(row.earned), int(row.remaining), int(row.expired)) for row in rows]


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
