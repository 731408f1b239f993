"""Tiers and segments of members in the database."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.models import member, member_tier, segment_member
from domain.store.among import among
from domain.store.reading import Reading, Values

History = list[tuple[datetime, str | None]]
"""The tiers that a member had, oldest first, each with the instant from which it had it."""

_TIERS = (
    select(member_tier.c.member_id, member_tier.c.since, member_tier.c.tier)
    .where(member_tier.c.program_id == bindparam("program_id"), among(member_tier.c.member_id, "members"))
    .order_by(member_tier.c.since)
)
_SNAPSHOTS = select(segment_member.c.member_id, segment_member.c.segment).where(
    segment_member.c.program_id == bindparam("program_id"), among(segment_member.c.member_id, "members")
)


def tiers(program_id: int, member_ids: Sequence[int]) -> Reading[dict[int, History]]:
    """The tiers that these members have had."""

    def take(rows: Iterable[Values]) -> dict[int, History]:
        found: dict[int, History] = {}
        for member_id, since, tier in rows:
            found.setdefault(member_id, []).append((since, tier))
        return found

    return Reading(_TIERS, {"program_id": program_id, "members": member_ids}, take)


def snapshots(program_id: int, member_ids: Sequence[int]) -> Reading[dict[int, frozenset[str]]]:
    """The frozen segments that these members were taken into."""

    def take(rows: Iterable[Values]) -> dict[int, frozenset[str]]:
        found: dict[int, set[str]] = {}
        for member_id, segment in rows:
            found.setdefault(member_id, set()).add(segment)
        return {member_id: frozenset(segments) for member_id, segments in found.items()}

    return Reading(_SNAPSHOTS, {"program_id": program_id, "members": member_ids}, take)


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
    """Members with a tier who last qualified before this instant: they may have to step down."""
    query = select(member.c.id).where(
        member.c.program_id == program_id, member.c.tier.is_not(None), member.c.tier_qualified_at < before
    )
    return list(tx.scalars(query.order_by(member.c.tier_qualified_at).limit(limit)))
