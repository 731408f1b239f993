"""What is counted beside the journal: caps, aggregates, frozen segments, tiers, merges, requests to approve."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)

from domain.models.base import METADATA, program_key, proved_key, row_key
from domain.models.types import JsonText, LongText, UtcDateTime


def _member_key() -> Column[int]:
    return Column("member_id", BigInteger, primary_key=True, autoincrement=False)


def _of_member() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["program_id", "member_id"], ["member.program_id", "member.id"])


tally = Table(
    "tally",
    METADATA,
    program_key(),
    _member_key(),
    Column("year", SmallInteger, primary_key=True, autoincrement=False),
    Column("caps", LongText, nullable=False),
    Column("aggregates", LongText, nullable=False),
    proved_key("member_id", "member"),
)
"""What caps and aggregates of a member stand at, by the year in which their windows and periods begin.

`caps`: posted points in smallest units, by rule group (empty: the whole program), window and first day.
`aggregates`: sum and count, with the least and the greatest where they are asked for, by key and first day of the
part: kept up with each transaction, never by scanning. Both are JSON, read and written whole.
"""

segment_member = Table(
    "segment_member",
    METADATA,
    program_key(),
    Column("segment", Text, primary_key=True),
    _member_key(),
    _of_member(),
)
"""The snapshot of a frozen segment."""

member_tier = Table(
    "member_tier",
    METADATA,
    program_key(),
    _member_key(),
    Column("since", UtcDateTime, primary_key=True),
    Column("tier", Text),
    Column("source", Text, nullable=False),
    _of_member(),
)
"""Every tier that a member had: which one was valid at a transaction date, and which were reached before."""

member_merge = Table(
    "member_merge",
    METADATA,
    program_key(),
    row_key(),
    Column("victim_id", BigInteger, nullable=False),
    Column("survivor_id", BigInteger, nullable=False),
    Column("merged_at", UtcDateTime, nullable=False),
    Column("undone_at", UtcDateTime),
    Column("actor", Text, nullable=False),
    Column("detail", JsonText, nullable=False),
    ForeignKeyConstraint(["program_id", "victim_id"], ["member.program_id", "member.id"]),
    ForeignKeyConstraint(["program_id", "survivor_id"], ["member.program_id", "member.id"]),
    Index("ix_member_merge_survivor", "program_id", "survivor_id"),
)
"""`detail` is what moved, so that a merge can be undone exactly."""

points_request = Table(
    "points_request",
    METADATA,
    program_key(),
    row_key(),
    Column("member_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("reason", LargeBinary, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    Column("entry_id", BigInteger),
    ForeignKeyConstraint(["program_id", "member_id"], ["member.program_id", "member.id"]),
    CheckConstraint("status IN ('PENDING', 'APPROVED', 'REJECTED')", name="status"),
    Index("ix_points_request_status", "program_id", "status", "id"),
)
"""Adjustments that wait for a second administrator; `reason` is under the member's key."""
