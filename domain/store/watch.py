"""How far verification in the background is, and the digests of days, in the database."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.models import account, batch, daily_digest, held_transaction, ledger_check, ledger_entry, member
from domain.store.finding import Finding

# Between two slices others have their turn.
_AT_A_TIME = 1_000
GENESIS = bytes(32)


@dataclass(slots=True)
class Day:
    """What was posted since the digest before: the sums by kind of posting, and the digest that covers it."""

    last_entry_id: int
    entries: int
    points: dict[str, int]
    digest: bytes


def find_check(tx: Connection, program_id: int) -> Row[Any] | None:
    """How far verification of a program is; None before the first slice."""
    return tx.execute(select(ledger_check).where(ledger_check.c.program_id == program_id)).one_or_none()


def keep_check(tx: Connection, program_id: int, before: Row[Any] | None, values: Mapping[str, Any]) -> bool:
    """Keep how far it is, unless another process has gone on since `before` was read."""
    if before is None:
        return _insert_first(tx, ledger_check, {"program_id": program_id, **values})
    same = and_(ledger_check.c.program_id == program_id, ledger_check.c.checked_at == before.checked_at)
    return tx.execute(update(ledger_check).where(same).values(**values)).rowcount == 1


def last_digest(tx: Connection, program_id: int) -> Row[Any] | None:
    """The newest digest of a program."""
    query = select(daily_digest).where(daily_digest.c.program_id == program_id)
    return tx.execute(query.order_by(daily_digest.c.day.desc()).limit(1)).one_or_none()


def list_digests(tx: Connection, program_id: int, since: date) -> Sequence[Row[Any]]:
    """The digests of a program from a day on, oldest first."""
    query = select(daily_digest).where(daily_digest.c.program_id == program_id, daily_digest.c.day >= since)
    return tx.execute(query.order_by(daily_digest.c.day)).all()


def keep_digest(tx: Connection, program_id: int, values: Mapping[str, Any]) -> bool:
    """Keep the digest of a day, unless there is one."""
    return _insert_first(tx, daily_digest, {"program_id": program_id, **values})


def _insert_first(tx: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless another process did: whether it is this one's."""
    upsert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    return tx.execute(upsert(table).values(**values).on_conflict_do_nothing()).rowcount == 1


def newest_entry(tx: Connection, program_id: int, before: datetime) -> int:
    """The newest posting that was processed before an instant, by id; 0 where there is none."""
    query = select(ledger_entry.c.id).where(
        ledger_entry.c.program_id == program_id, ledger_entry.c.processed_at < before
    )
    return tx.scalar(query.order_by(ledger_entry.c.id.desc()).limit(1)) or 0


def digest_entries(tx: Connection, program_id: int, previous: bytes, after: int, up_to: int) -> Day:
    """The digest over the postings in a range of ids, in their order, behind the digest before."""
    day, running = Day(after, 0, {}, previous), hashlib.sha256(previous)
    for row in _entries(tx, program_id, after, up_to):
        running.update(row.id.to_bytes(8, "big") + row.hash)
        day.entries, day.last_entry_id = day.entries + 1, row.id
        day.points[row.kind] = day.points.get(row.kind, 0) + row.points
    day.digest = running.digest()
    return day


def _entries(tx: Connection, program_id: int, after: int, up_to: int) -> Iterator[Any]:
    columns = (ledger_entry.c.id, ledger_entry.c.hash, ledger_entry.c.kind, ledger_entry.c.points)
    while after < up_to:
        query = select(*columns).where(
            ledger_entry.c.program_id == program_id, ledger_entry.c.id > after, ledger_entry.c.id <= up_to
        )
        rows = tx.execute(query.order_by(ledger_entry.c.id).limit(_AT_A_TIME)).all()
        if not rows:
            return
        yield from rows
        after = rows[-1].id


def standing_figures(tx: Connection, program_id: int, since: datetime, until: datetime) -> dict[str, int]:
    """What stands now: members, points outstanding; and the files that ended in a span of time."""
    of_account = account.c.program_id == program_id
    sums = {name: func.coalesce(func.sum(account.c[name]), 0) for name in ("available", "pending", "held", "arrears")}
    row = tx.execute(select(*(one.label(name) for name, one in sums.items())).where(of_account)).one()
    figures = {name: int(getattr(row, name)) for name in sums}
    people = (member.c.program_id == program_id, member.c.erased_at.is_(None), member.c.merged_into.is_(None))
    waiting = (held_transaction.c.program_id == program_id, held_transaction.c.status == "PENDING")
    files = (batch.c.program_id == program_id, batch.c.finished_at >= since, batch.c.finished_at < until)
    for name, table, conditions in (
        ("members", member, people), ("held_items", held_transaction, waiting), ("files", batch, files)
    ):  # fmt: skip
        figures[name] = int(tx.scalar(select(func.count()).select_from(table).where(*conditions)) or 0)
    return figures


def check_digests(tx: Connection, program_id: int) -> list[Finding]:
    """Digests that do not follow from the journal any more."""
    findings, previous, after = [], GENESIS, None
    for row in list_digests(tx, program_id, date.min):
        found = digest_entries(tx, program_id, previous, row.after_entry_id, row.last_entry_id)
        if (found.digest, found.entries) != (row.digest, row.entries) or after not in (None, row.after_entry_id):
            findings.append(Finding(program_id, f"digest of {row.day}", "does not follow from the journal"))
        previous, after = row.digest, row.last_entry_id
    return findings
