"""What exports tell, in pages by key: members of a program, and what events of the feed are about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Row, and_, case, exists, func, literal, or_, select

from domain.ledger.posting import Lot
from domain.models import account, batch, hold, ledger_entry, lot, lot_trace, member, member_transaction, outbox
from domain.store.feed import StoredEvent
from domain.store.lot import lot_of


def member_ids_after(tx: Connection, program_id: int, after_id: int, limit: int) -> list[int]:
    """The next members by id, those too who were erased or merged."""
    query = select(member.c.id).where(member.c.program_id == program_id, member.c.id > after_id)
    return list(tx.scalars(query.order_by(member.c.id).limit(limit)))


def touched_members(
    tx: Connection, program_id: int, prefixes: Sequence[str], *, after: int, until: int, limit: int
) -> list[tuple[int, int]]:
    """Members whom events in (after, until] are about, each once, at its last one: number and member id, in order."""
    later = outbox.alias("later")
    is_last = ~exists().where(
        later.c.program_id == program_id,
        later.c.member_id == outbox.c.member_id,
        later.c.feed_seq > outbox.c.feed_seq,
        later.c.feed_seq <= until,
        _begins(later.c.topic, prefixes),
    )
    rows = tx.execute(
        select(outbox.c.feed_seq, outbox.c.member_id)
        .where(_numbered(program_id, after, until), outbox.c.member_id.is_not(None))
        .where(_begins(outbox.c.topic, prefixes), is_last)
        .order_by(outbox.c.feed_seq)
        .limit(limit)
    )
    return [(row.feed_seq, row.member_id) for row in rows]


def events_about(
    tx: Connection, program_id: int, prefixes: Sequence[str], *, after: int, until: int, limit: int
) -> list[StoredEvent]:
    """The next events in (after, until] whose topics begin so."""
    columns = outbox.c
    rows = tx.execute(
        select(columns.feed_seq.label("seq"), columns.topic, columns.member_id, columns.payload, columns.created_at)
        .where(_numbered(program_id, after, until), _begins(columns.topic, prefixes))
        .order_by(columns.feed_seq)
        .limit(limit)
    )
    return [StoredEvent(**row._mapping) for row in rows]


def _numbered(program_id: int, after: int, until: int) -> ColumnElement[bool]:
    return and_(outbox.c.program_id == program_id, outbox.c.feed_seq > after, outbox.c.feed_seq <= until)


def _begins(topic: ColumnElement[str], prefixes: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(topic.startswith(prefix, autoescape=True) for prefix in prefixes))


def load_transactions(tx: Connection, program_id: int, ids: Sequence[int]) -> dict[int, Any]:
    """Submitted transactions by id."""
    where = member_transaction.c.program_id == program_id, member_transaction.c.id.in_(ids)
    return {row.id: row for row in tx.execute(select(member_transaction).where(*where))}


def open_lots_of(tx: Connection, program_id: int, member_ids: Sequence[int]) -> dict[int, list[tuple[Lot, Any]]]:
    """The open lots of each member in the order in which they are spent, each with what is known of its posting."""
    found: dict[int, list[tuple[Lot, Any]]] = {one: [] for one in member_ids}
    columns = ledger_entry.c
    rows = tx.execute(
        select(lot, account.c.member_id, columns.bucket, columns.narration, member.c.data_key)
        .join(account, and_(account.c.program_id == lot.c.program_id, account.c.id == lot.c.account_id))
        .join(member, and_(member.c.program_id == account.c.program_id, member.c.id == account.c.member_id))
        .join(ledger_entry, and_(columns.program_id == lot.c.program_id, columns.id == lot.c.entry_id))
        .where(lot.c.program_id == program_id, account.c.member_id.in_(member_ids), lot.c.is_open)
        .order_by(account.c.member_id, lot.c.expires_at, lot.c.earned_at, lot.c.id)
    )
    for row in rows:
        found[row.member_id].append((lot_of(row), row))
    return found


def standing_references(tx: Connection, program_id: int, ids: Sequence[int]) -> dict[int, str]:
    """The references of these members in the order of `ids`, but for those who were erased or merged into others."""
    rows = tx.execute(
        select(member.c.id, member.c.relation_reference).where(
            member.c.program_id == program_id,
            member.c.id.in_(ids),
            member.c.erased_at.is_(None),
            member.c.merged_into.is_(None),
        )
    )
    found: dict[int, str] = {row.id: row.relation_reference for row in rows}
    return {one: found[one] for one in ids if one in found}


def arrears_of(tx: Connection, program_id: int, member_ids: Sequence[int]) -> dict[int, int]:
    """What each account of these members owes, by member id, in smallest units; who owes nothing is left out."""
    rows = tx.execute(
        select(account.c.member_id, func.sum(account.c.arrears))
        .where(account.c.program_id == program_id, account.c.member_id.in_(member_ids), account.c.arrears > 0)
        .group_by(account.c.member_id)
    )
    return {row[0]: int(row[1]) for row in rows}


def batches_after(tx: Connection, program_id: int, after_id: int, limit: int) -> Sequence[Row[Any]]:
    """The next batch files by id."""
    query = select(batch).where(batch.c.program_id == program_id, batch.c.id > after_id)
    return tx.execute(query.order_by(batch.c.id).limit(limit)).all()


@dataclass(frozen=True, kw_only=True, slots=True)
class PeriodSums:
    """What open lots that expire in a span have left, what of that is pending, and what holds took from such lots."""

    left: int
    pending: int
    held: int


def sum_lots(tx: Connection, program_id: int, bounds: Sequence[datetime], now: datetime) -> list[PeriodSums]:
    """Points by when they expire, in smallest units: period i ends with `bounds[i]`, one more has what is later.

    What is due by `now` is left out.
    """
    # What expires at the first instant of a month was good to the end of the month before.
    ends = [(lot.c.expires_at <= bound, literal(number, Integer)) for number, bound in enumerate(bounds)]
    period = case(*ends, else_=literal(len(bounds), Integer)).label("period")
    of_program = lot.c.program_id == program_id, lot.c.expires_at > now
    pending = func.sum(case((lot.c.available_at > now, lot.c.remaining), else_=0))
    left = select(period, func.sum(lot.c.remaining), pending).where(*of_program, lot.c.is_open).group_by("period")
    held = (
        select(period, func.sum(-lot_trace.c.points))
        .select_from(lot)
        .join(lot_trace, and_(lot_trace.c.program_id == lot.c.program_id, lot_trace.c.lot_id == lot.c.id))
        .join(hold, and_(hold.c.program_id == lot.c.program_id, hold.c.entry_id == lot_trace.c.entry_id))
        .where(*of_program, hold.c.status == "PENDING", hold.c.expires_at > now)
        .group_by("period")
    )
    sums = {row[0]: (int(row[1]), int(row[2])) for row in tx.execute(left)}
    on_hold = {row[0]: int(row[1]) for row in tx.execute(held)}
    found = ((sums.get(one, (0, 0)), on_hold.get(one, 0)) for one in range(len(bounds) + 1))
    return [PeriodSums(left=one[0], pending=one[1], held=taken) for one, taken in found]


def sum_arrears(tx: Connection, program_id: int) -> int:
    """What all accounts owe, in smallest units."""
    return int(tx.scalar(select(func.sum(account.c.arrears)).where(account.c.program_id == program_id)) or 0)
