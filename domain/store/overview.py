"""Sums over a whole program, for those who look after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Integer, Table, case, func, literal, select

from domain.models import account, batch, held_transaction, ledger_entry, member, member_transaction, points_request


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """Running figures of all accounts, in the smallest unit; `erased` members are not counted."""

    members: int
    issued: int
    redeemed: int
    expired: int
    outstanding: int
    pending: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """What waits for somebody to decide, or for a partner."""

    adjustments: int
    transactions: int
    files: int
    refunds: int


def sum_accounts(tx: Connection, program_id: int) -> Sums:
    """The figures of a program as of each account's last posting."""
    issued = sum(account.c[name] for name in ("spend", "bonus", "partner", "purchased", "other"))
    columns = (issued, account.c.redeemed, account.c.expired, account.c.available, account.c.pending)
    query = select(*(func.coalesce(func.sum(column), 0) for column in columns))
    row = tx.execute(query.where(account.c.program_id == program_id)).one()
    people = select(func.count()).where(
        member.c.program_id == program_id, member.c.erased_at.is_(None), member.c.merged_into.is_(None)
    )
    sums = [int(value) for value in row]
    return Sums(
        members=tx.scalar(people) or 0,
        issued=sums[0],
        redeemed=sums[1],
        expired=sums[2],
        outstanding=sums[3],
        pending=sums[4],
    )


def sum_periods(tx: Connection, program_id: int, bounds: Sequence[datetime]) -> dict[tuple[int, str], int]:
    """Points by period and by the program's side of the posting: period i begins at `bounds[i]` and ends at the next.

    By transaction date. It reads the journal of the program once.
    """
    at = ledger_entry.c.transaction_date
    period = case(*((at < bound, literal(number, Integer)) for number, bound in enumerate(bounds[1:])), else_=None)
    query = (
        select(period.label("period"), ledger_entry.c.contra, func.sum(ledger_entry.c.points).label("points"))
        .where(ledger_entry.c.program_id == program_id, at >= bounds[0], at < bounds[-1])
        .group_by("period", ledger_entry.c.contra)
    )
    return {(row.period, row.contra): int(row.points) for row in tx.execute(query)}


def count_waiting(tx: Connection, program_id: int) -> Waiting:
    """How much waits."""

    def count(table: Table, status: str) -> int:
        query = select(func.count()).where(table.c.program_id == program_id, table.c.status == status)
        return tx.scalar(query) or 0

    return Waiting(
        adjustments=count(points_request, "PENDING"),
        transactions=count(held_transaction, "PENDING"),
        files=count(batch, "HELD"),
        refunds=count(member_transaction, "PARKED"),
    )
