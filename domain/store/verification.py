"""Recomputing accounts from the journal: every figure that is stored twice, proved equal."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, select

from domain.models import account, hold, ledger_entry, lot, lot_trace
from domain.store.finding import Finding, check_each
from domain.store.fold import RELATED, Fold


def account_ids(tx: Connection, program_id: int, after: int, limit: int) -> list[int]:
    """The next accounts of a program, by id."""
    query = select(account.c.id).where(account.c.program_id == program_id, account.c.id > after)
    return list(tx.scalars(query.order_by(account.c.id).limit(limit)))


def check_accounts(tx: Connection, program_id: int, ids: Sequence[int]) -> list[Finding]:
    """Everything that does not hold on these accounts, on one snapshot."""
    return check_each(program_id, partial(_recompute, tx, program_id), ids, "account {}")


def _recompute(tx: Connection, program_id: int, ids: Sequence[int]) -> list[Finding]:
    rows = tx.execute(select(account).where(account.c.program_id == program_id, account.c.id.in_(ids))).all()
    folds = {row.id: Fold(program_id, row.id) for row in rows}
    traces = _grouped(tx.execute(_traces(program_id, ids)), "entry_id")
    for row in tx.execute(
        select(ledger_entry)
        .where(ledger_entry.c.program_id == program_id, ledger_entry.c.account_id.in_(ids))
        .order_by(ledger_entry.c.account_id, ledger_entry.c.seq)
    ):
        folds[row.account_id].add(row, traces.get(row.id, []))
    lots = _grouped(
        tx.execute(select(lot).where(lot.c.program_id == program_id, lot.c.account_id.in_(ids))), "account_id"
    )
    _check_related(tx, program_id, folds)
    holds = _grouped(
        tx.execute(select(hold).where(hold.c.program_id == program_id, hold.c.account_id.in_(ids))), "account_id"
    )
    for row in rows:
        folds[row.id].close(row, lots.get(row.id, []), holds.get(row.id, []))
    return [finding for fold in folds.values() for finding in fold.findings]


def _check_related(tx: Connection, program_id: int, folds: Mapping[int, Fold]) -> None:
    """A refund takes back an earning; the two sides of a transfer name each other and sum to nothing."""
    naming = [(fold, row) for fold in folds.values() for row in fold.entries.values() if row.kind in RELATED]
    if not naming:
        return
    columns = (ledger_entry.c.id, ledger_entry.c.kind, ledger_entry.c.points, ledger_entry.c.related_id)
    wanted = sorted({row.related_id for _, row in naming if row.related_id is not None})
    found = {
        one.id: one
        for one in tx.execute(
            select(*columns).where(ledger_entry.c.program_id == program_id, ledger_entry.c.id.in_(wanted))
        )
    }
    for fold, row in naming:
        other = found.get(row.related_id)
        if row.kind == "refund":
            holds = other is not None and other.kind == "earn"
        else:
            holds = other is not None and (other.kind, other.points, other.related_id) == (
                row.kind,
                -row.points,
                row.id,
            )
        if not holds:
            fold.find(f"account {fold.account_id}, entry {row.id}", f"does not fit entry {row.related_id}")


def _traces(program_id: int, ids: Sequence[int]) -> Any:
    joined = (ledger_entry.c.program_id == lot_trace.c.program_id) & (ledger_entry.c.id == lot_trace.c.entry_id)
    return (
        select(lot_trace)
        .join(ledger_entry, joined)
        .where(lot_trace.c.program_id == program_id, ledger_entry.c.account_id.in_(ids))
        .order_by(lot_trace.c.entry_id, lot_trace.c.lot_id)
    )


def _grouped(rows: Iterable[Row[Any]], name: str) -> dict[int, list[Row[Any]]]:
    groups: dict[int, list[Row[Any]]] = {}
    for row in rows:
        groups.setdefault(getattr(row, name), []).append(row)
    return groups
