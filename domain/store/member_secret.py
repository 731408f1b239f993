"""Secrets of members in the database."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from domain.models import member_secret as table
from domain.password import Scheme, Secret
from domain.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class Kept:
    """A member's secret, and whether it has to be changed after the next login."""

    secret: Secret
    force_change: bool


def find_secret(tx: Connection, program_id: int, member_id: int) -> Kept | None:
    """What a member proves itself with; None where it has no secret."""
    row = tx.execute(
        select(table).where(table.c.program_id == program_id, table.c.member_id == member_id)
    ).one_or_none()
    if row is None:
        return None
    secret = Secret(encoded=row.encoded, scheme=Scheme(row.scheme), salt=row.salt, work=row.work)
    return Kept(secret, row.force_change)


def secret_changed_at(tx: Connection, program_id: int, member_id: int) -> datetime | None:
    """When a member was given its secret; None where it has none."""
    query = select(table.c.changed_at).where(table.c.program_id == program_id, table.c.member_id == member_id)
    return tx.scalar(query)


def members_with_secret(tx: Connection, program_id: int, member_ids: Collection[int]) -> set[int]:
    """Those of these members that have a secret."""
    query = select(table.c.member_id).where(table.c.program_id == program_id, table.c.member_id.in_(member_ids))
    return set(tx.scalars(query))


def hardest_work(tx: Connection, program_id: int) -> int:
    """The most `work` of the program's secrets."""
    return tx.scalar(select(func.max(table.c.work)).where(table.c.program_id == program_id)) or 0


def store_secret(
    tx: Connection, program_id: int, member_id: int, secret: Secret, *, force_change: bool, now: datetime
) -> None:
    """Keep a secret in place of the one that the member has."""
    values = {
        "encoded": secret.encoded,
        "scheme": secret.scheme.value,
        "salt": secret.salt,
        "work": secret.work,
        "force_change": force_change,
        "changed_at": now,
    }
    upsert(tx, table, {"program_id": program_id, "member_id": member_id, **values}, list(values))


def forget_secret(tx: Connection, program_id: int, member_id: int) -> None:
    """Delete a member's secret."""
    tx.execute(delete(table).where(table.c.program_id == program_id, table.c.member_id == member_id))
