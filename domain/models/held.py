"""Transactions that wait for a decision, whole or in part."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from domain.models.base import METADATA, program_key, row_key
from domain.models.types import JsonText, UtcDateTime

held_transaction = Table(
    "held_transaction",
    METADATA,
    program_key(),
    row_key(),
    Column("transaction_ref", BigInteger, nullable=False),
    Column("member_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("rest", JsonText),
    Column("held_at", UtcDateTime, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    Column("reason", LargeBinary),
    UniqueConstraint("program_id", "transaction_ref"),
    ForeignKeyConstraint(["program_id", "transaction_ref"], ["member_transaction.program_id", "member_transaction.id"]),
    ForeignKeyConstraint(["program_id", "member_id"], ["member.program_id", "member.id"]),
    CheckConstraint("status IN ('PENDING', 'APPROVED', 'REJECTED')", name="status"),
    Index("ix_held_transaction_status", "program_id", "status", "id"),
    Index("ix_held_transaction_member", "program_id", "member_id", "status"),
)
"""`rest` None: the whole transaction is held, and is evaluated when it is approved; `points` is what it would have
given when it was held. Else the awards that were not posted. `reason` of a rejection is under the member's key.
"""
