"""Sums over a whole program, for those who look after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Integer, Table, case, func, literal, select

from domain.ledger.posting import CONTRA
from domain.models import account, batch, held_transaction, ledger_entry, member, member_transaction, points_request
from domain.models.ledger import ARRIVED

ISSUED = ("spend", "bonus", "partner", "purchased", "other")
"""The buckets of what members were given; adjustments are part of it, as what they took is part of what is redeemed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """Running figures of all accounts, in the smallest unit; `erased` members are not counted.

    What moved between members counts on neither side: they had it before, and they have it still.
    """

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
    issued = sum(account.c[name] for name in ISSUED)
    columns = (issued, account.c.redeemed, account.c.expired, account.c.available, account.c.pending)
    query = select(*(func.coalesce(func.sum(column), 0) for column in columns))
    row = tx.execute(query.where(account.c.program_id == program_id)).one()
    people = select(func.count()).where(
        member.c.program_id == program_id, member.c.erased_at.is_(None), member.c.merged_into.is_(None)
    )
    sums = [int(value) for value in row]
    moved = sum_moved(tx, program_id)
    return Sums(
        members=tx.scalar(people) or 0,
        issued=sums[0] - moved,
        redeemed=sums[1] - moved,
        expired=sums[2],
        outstanding=sums[3],
        pending=sums[4],
    )


def sum_moved(tx: Connection, program_id: int) -> int:
    """Points that came to members from others of the program, by transfers and merges."""
    moved = func.coalesce(func.sum(ledger_entry.c.points), 0)
    return int(tx.scalar(select(moved).where(ledger_entry.c.program_id == program_id, ARRIVED)) or 0)


def sum_periods(tx: Connection, program_id: int, bounds: Sequence[datetime]) -> dict[tuple[int, str], int]:
    """Points by period and by bucket, but for what moved: period i begins at `bounds[i]` and ends at the next.

    By transaction date. It reads the journal of the program once.
    """
    at = ledger_entry.c.transaction_date
    period = case(*((at < bound, literal(number, Integer)) for number, bound in enumerate(bounds[1:])), else_=None)
    within = (ledger_entry.c.program_id == program_id, at >= bounds[0], at < bounds[-1])
    query = (
        select(period.label("period"), ledger_entry.c.bucket, func.sum(ledger_entry.c.points).label("points"))
        .where(*within, ledger_entry.c.contra != CONTRA["transfer"])
        .group_by("period", ledger_entry.c.bucket)
    )
    return {(row.period, row.bucket): int(row.points) for row in tx.execute(query)}


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
