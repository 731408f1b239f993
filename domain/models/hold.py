"""Holds: points that are reserved until they are settled, cancelled or lapse."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
    Uuid,
    text,
)

from domain.models.base import METADATA, program_key, row_key
from domain.models.types import ExactDecimal, UtcDateTime

_PENDING = text("status = 'PENDING'")
_PAY = text("status = 'PENDING' AND purpose = 'PAY_WITH_REWARDS'")

hold = Table(
    "hold",
    METADATA,
    program_key(),
    row_key(),
    Column("account_id", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("amount", ExactDecimal),
    Column("merchant", Text),
    Column("entry_id", BigInteger, nullable=False),
    Column("external_reference", Uuid, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("processed_at", UtcDateTime),
    Column("settled_points", BigInteger),
    ForeignKeyConstraint(["program_id", "account_id"], ["account.program_id", "account.id"]),
    ForeignKeyConstraint(["program_id", "entry_id"], ["ledger_entry.program_id", "ledger_entry.id"]),
    CheckConstraint("points > 0", name="points"),
    CheckConstraint("status IN ('PENDING', 'SETTLED', 'CANCELLED', 'LAPSED')", name="status"),
    CheckConstraint("purpose IN ('HOLD', 'PAY_WITH_REWARDS')", name="purpose"),
    Index("ix_hold_member", "program_id", "member_id", "id"),
    Index("ix_hold_due", "program_id", "expires_at", "account_id", sqlite_where=_PENDING, postgresql_where=_PENDING),
    Index("ix_hold_account", "program_id", "account_id", sqlite_where=_PENDING, postgresql_where=_PENDING),
    Index("uq_hold_pay", "program_id", "member_id", unique=True, sqlite_where=_PAY, postgresql_where=_PAY),
)
"""`entry_id` is the posting that took the points; `external_reference` becomes the redemption's when settled."""
