"""Tiers of members in the database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, union_all

from domain.member import CANCELLED
from domain.models import account, ledger_entry, member, member_tier
from domain.store.among import among
from domain.store.bulk import Bulk
from domain.store.reading import Reading, Values


@dataclass(frozen=True, slots=True)
class TierChange:
    """A tier that a member got, None for none; `source` is `automatic`, `manual` or `merge`."""

    since: datetime
    tier: str | None
    source: str


MERGE = "merge"
"""The source of a tier that a member has from another who became it, or that the end of that gave back."""


class Had(NamedTuple):
    """A tier, None for none, and the instant from which a member had it."""

    since: datetime
    tier: str | None
    source: str


History = list[Had]
"""The tiers that a member had, oldest first."""


@dataclass(slots=True)
class Joined:
    """What those whom a merge made part of a member bring along for its tiers.

    `earned` in smallest units by account, refunds taken off; `tiers` are those that they came to by themselves.
    """

    earned: dict[int, int] = field(default_factory=dict)
    tiers: set[str] = field(default_factory=set)


_TIERS = (
    select(member_tier.c.member_id, member_tier.c.since, member_tier.c.tier, member_tier.c.source)
    .where(member_tier.c.program_id == bindparam("program_id"), among(member_tier.c.member_id, "members"))
    .order_by(member_tier.c.since)
)


def tiers(program_id: int, member_ids: Sequence[int]) -> Reading[dict[int, History]]:
    """The tiers that these members have had."""

    def take(rows: Iterable[Values]) -> dict[int, History]:
        found: dict[int, History] = {}
        for member_id, *had in rows:
            found.setdefault(member_id, []).append(Had(*had))
        return found

    return Reading(_TIERS, {"program_id": program_id, "members": member_ids}, take)


_OWN = (
    (member_tier.c.program_id == member.c.program_id)
    & (member_tier.c.member_id == member.c.id)
    & (member_tier.c.source != MERGE)
)
_JOINED = (
    select(member.c.merged_into, account.c.id, (account.c.spend + account.c.bonus).label("earned"), member_tier.c.tier)
    .join(account, (account.c.program_id == member.c.program_id) & (account.c.member_id == member.c.id))
    .join(member_tier, _OWN, isouter=True)
    .where(
        member.c.program_id == bindparam("program_id"),
        # Named, so that the index serves a list whose values are not known yet when it is planned.
        member.c.merged_into.is_not(None),
        among(member.c.merged_into, "members"),
    )
)


def joined(program_id: int, member_ids: Sequence[int]) -> Reading[dict[int, Joined]]:
    """What those who were merged into these members bring along; who is on its own is left out."""

    def take(rows: Iterable[Values]) -> dict[int, Joined]:
        found: dict[int, Joined] = {}
        for member_id, account_id, earned, tier in rows:
            one = found.setdefault(member_id, Joined())
            one.earned[account_id] = earned
            if tier is not None:
                one.tiers.add(tier)
        return found

    return Reading(_JOINED, {"program_id": program_id, "members": member_ids}, take)


def earned_jointly(
    tx: Connection, program_id: int, member_ids: Sequence[int], since: datetime | None
) -> dict[int, int]:
    """What these members and those who were merged into them earned, refunds taken off, in smallest units.

    `since`: only what they did from that instant on; None: all of it.
    """
    earned: ColumnElement[int] = account.c.spend + account.c.bonus if since is None else _earned_from(since)
    joined_by = (account.c.program_id == member.c.program_id) & (account.c.member_id == member.c.id)

    def of(column: ColumnElement[int]) -> Select[Any]:
        columns: list[ColumnElement[Any]] = [column.label("member_id"), earned.label("earned")]
        query = select(*columns).join_from(member, account, joined_by)
        return query.where(member.c.program_id == program_id, column.is_not(None), column.in_(member_ids))

    found: dict[int, int] = {}
    for row in tx.execute(union_all(of(member.c.id), of(member.c.merged_into))):
        found[row.member_id] = found.get(row.member_id, 0) + int(row.earned)
    return found


def _earned_from(since: datetime) -> ColumnElement[int]:
    return (
        select(func.coalesce(func.sum(ledger_entry.c.points), 0))
        .where(
            ledger_entry.c.program_id == account.c.program_id,
            ledger_entry.c.account_id == account.c.id,
            ledger_entry.c.transaction_date > since,
            ledger_entry.c.bucket.in_(("spend", "bonus")),
        )
        .scalar_subquery()
    )


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


def put_tiers(
    bulk: Bulk,
    program_id: int,
    changes: Mapping[int, tuple[str | None, datetime | None, str]],
    *,
    since: datetime,
) -> None:
    """Give members other tiers from an instant on: tier, last qualification, source. Their accounts are locked."""
    # Of two changes in one instant the later one stands.
    bulk.upsert(
        member_tier,
        ("program_id", "member_id", "since"),
        [
            {"program_id": program_id, "member_id": one, "since": since, "tier": tier, "source": source}
            for one, (tier, _, source) in changes.items()
        ],
    )
    bulk.update(
        member,
        ("program_id", "id"),
        [
            {
                "program_id": program_id,
                "id": one,
                "tier": tier,
                "tier_since": since,
                "tier_qualified_at": qualified_at,
            }
            for one, (tier, qualified_at, _) in changes.items()
        ],
    )


def put_qualified(bulk: Bulk, program_id: int, qualified: Mapping[int, datetime]) -> None:
    """Note when members last met the conditions of their tiers."""
    rows = [{"program_id": program_id, "id": one, "tier_qualified_at": at} for one, at in qualified.items()]
    bulk.update(member, ("program_id", "id"), rows)


def is_held(tx: Connection, program_id: int, tier: str) -> bool:
    """Whether anybody has this tier; who was merged into another, or is gone for good, has none."""
    query = select(member.c.id).where(
        member.c.program_id == program_id,
        member.c.tier == tier,
        member.c.merged_into.is_(None),
        member.c.status != CANCELLED,
    )
    return tx.scalar(query.limit(1)) is not None


def retained_until(tx: Connection, program_id: int, before: datetime, statuses: Sequence[int], limit: int) -> list[int]:
    """Members with a tier who last qualified before this instant: they may have to step down.

    Who was merged into another, or may not earn, which is everybody but the `statuses`, keeps what it had.
    """
    query = select(member.c.id).where(
        member.c.program_id == program_id,
        member.c.tier.is_not(None),
        member.c.tier_qualified_at < before,
        member.c.merged_into.is_(None),
        member.c.status.in_(statuses),
        member.c.accrual_allowed,
    )
    return list(tx.scalars(query.order_by(member.c.tier_qualified_at).limit(limit)))
