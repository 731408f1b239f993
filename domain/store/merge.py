"""Merges of members in the database, and who answers for whom since."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from domain.models import member
from domain.models import member_merge as table


class MergedMeanwhile(Exception):  # noqa: N818 - no error of anybody: the whole body runs again
    """A member was merged, or parted, while a database transaction waited for its account."""


def insert_merge(
    tx: Connection,
    program_id: int,
    merge_id: int,
    *,
    victim_id: int,
    survivor_id: int,
    at: datetime,
    actor: str,
    detail: Mapping[str, Any],
) -> None:
    """Note a merge with what moved."""
    tx.execute(
        insert(table).values(
            program_id=program_id,
            id=merge_id,
            victim_id=victim_id,
            survivor_id=survivor_id,
            merged_at=at,
            actor=actor,
            detail=dict(detail),
        )
    )


def load_merge(tx: Connection, program_id: int, merge_id: int, *, lock: bool = False) -> Row[Any] | None:
    """One merge, locked to be undone if asked for."""
    query = select(table).where(table.c.program_id == program_id, table.c.id == merge_id)
    return tx.execute(query.with_for_update() if lock else query).one_or_none()


def merges_of(tx: Connection, program_id: int, member_ids: Sequence[int], first: int) -> Sequence[Row[Any]]:
    """The newest merges that had these members in them, on either side."""
    query = select(table).where(
        table.c.program_id == program_id,
        or_(table.c.survivor_id.in_(member_ids), table.c.victim_id.in_(member_ids)),
    )
    return tx.execute(query.order_by(table.c.id.desc()).limit(first)).all()


def mark_undone(tx: Connection, program_id: int, merge_id: int, at: datetime) -> None:
    """Note that a merge was undone."""
    tx.execute(update(table).where(table.c.program_id == program_id, table.c.id == merge_id).values(undone_at=at))


def moved(tx: Connection, program_id: int, victim_ids: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
    """Which lot each lot of these members became with a merge that stands, and whom it made each member part of.

    That one may be part of another since, with a merge of its own.
    """
    rows = tx.execute(
        select(table.c.victim_id, table.c.survivor_id, table.c.detail).where(
            table.c.program_id == program_id, table.c.victim_id.in_(victim_ids), table.c.undone_at.is_(None)
        )
    ).all()
    became = {old: new for row in rows for old, new in row.detail.get("became", ())}
    return became, {row.victim_id: row.survivor_id for row in rows}


def answering(tx: Connection, program_id: int, reference: str) -> int | None:
    """The id of the member who answers for a reference; None where nobody does."""
    query = select(func.coalesce(member.c.merged_into, member.c.id))
    query = query.where(member.c.program_id == program_id, member.c.relation_reference == reference)
    answers: int | None = tx.scalar(query)
    return answers


def answering_for(tx: Connection, program_id: int, ids: Sequence[int]) -> dict[int, int]:
    """Who answers for those of these members that were merged, by their ids."""
    rows = tx.execute(
        select(member.c.id, member.c.merged_into).where(
            member.c.program_id == program_id, member.c.id.in_(ids), member.c.merged_into.is_not(None)
        )
    )
    return {row.id: row.merged_into for row in rows}


def merged_ids(tx: Connection, program_id: int, member_ids: Sequence[int]) -> dict[int, int]:
    """The members for whom these answer since a merge: who answers, by id."""
    rows = tx.execute(
        select(member.c.id, member.c.merged_into).where(
            member.c.program_id == program_id, member.c.merged_into.in_(member_ids)
        )
    )
    return {row.id: row.merged_into for row in rows}


def set_merged_into(tx: Connection, program_id: int, member_ids: Sequence[int], survivor_id: int | None) -> None:
    """Let a member answer for these from now on, or each for itself again."""
    tx.execute(
        update(member)
        .where(member.c.program_id == program_id, member.c.id.in_(member_ids))
        .values(merged_into=survivor_id)
    )
