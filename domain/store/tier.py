"""Tiers of members in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.models import member, member_tier


@dataclass(frozen=True, slots=True)
class TierChange:
    """A tier that a member got, None for none; `source` is `automatic`, `manual` or `merge`."""

    since: datetime
    tier: str | None
    source: str


History = list[tuple[datetime, str | None]]
"""The tiers that a member had, oldest first, each with the instant from which it had it."""


def read_tiers(tx: Connection, program_id: int, member_ids: Sequence[int]) -> dict[int, History]:
    """The tiers that these members have had."""
    found: dict[int, History] = {}
    columns = member_tier.c
    for row in tx.execute(
        select(columns.member_id, columns.since, columns.tier)
        .where(columns.program_id == program_id, columns.member_id.in_(member_ids))
        .order_by(columns.since)
    ):
        found.setdefault(row.member_id, []).append((row.since, row.tier))
    return found


def read_changes(tx: Connection, program_id: int, member_ids: Sequence[int]) -> dict[int, list[TierChange]]:
    """The same with what brought them about."""
    found: dict[int, list[TierChange]] = {}
    columns = member_tier.c
    for row in tx.execute(
        select(columns.member_id, columns.since, columns.tier, columns.source)
        .where(columns.program_id == program_id, columns.member_id.in_(member_ids))
        .order_by(columns.since)
    ):
        found.setdefault(row.member_id, []).append(TierChange(row.since, row.tier, row.source))
    return found


def set_tier(
    tx: Connection,
    program_id: int,
    member_id: int,
    tier: str | None,
    *,
    since: datetime,
    qualified_at: datetime | None,
    source: str,
) -> None:
    """Give a member another tier from an instant on. The caller has locked the account."""
    dialect = postgresql if tx.dialect.name == "postgresql" else sqlite
    given = dialect.insert(member_tier).values(
        program_id=program_id, member_id=member_id, since=since, tier=tier, source=source
    )
    # Of two changes in one instant the later one stands.
    tx.execute(
        given.on_conflict_do_update(
            index_elements=["program_id", "member_id", "since"], set_={"tier": tier, "source": source}
        )
    )
    tx.execute(
        update(member)
        .where(member.c.program_id == program_id, member.c.id == member_id)
        .values(tier=tier, tier_since=since, tier_qualified_at=qualified_at)
    )


def set_qualified(tx: Connection, program_id: int, member_ids: Sequence[int], at: datetime) -> None:
    """Note that these members met the conditions of their tiers."""
    tx.execute(
        update(member)
        .where(member.c.program_id == program_id, member.c.id.in_(member_ids))
        .values(tier_qualified_at=at)
    )


def retained_until(tx: Connection, program_id: int, before: datetime, limit: int) -> list[int]:
    """Members with a tier who last qualified before this instant: they may have to step down.

    Who was merged into another, or erased, keeps what it had.
    """
    query = select(member.c.id).where(
        member.c.program_id == program_id,
        member.c.tier.is_not(None),
        member.c.tier_qualified_at < before,
        member.c.merged_into.is_(None),
        member.c.erased_at.is_(None),
    )
    return list(tx.scalars(query.order_by(member.c.tier_qualified_at).limit(limit)))
