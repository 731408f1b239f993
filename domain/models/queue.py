"""Transactions that were accepted for later: one row a submission, one row a transaction."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from domain.models.base import METADATA, program_key, row_key
from domain.models.types import UtcDateTime

_UNFINISHED = text("finished_at IS NULL")
_KEYED = text("idempotency_key IS NOT NULL")
_POSTED = text("transaction_ref IS NOT NULL")

queue_batch = Table(
    "queue_batch",
    METADATA,
    program_key(),
    row_key(),
    Column("reference", Uuid, nullable=False),
    Column("total", Integer, nullable=False),
    Column("next_position", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    UniqueConstraint("program_id", "reference"),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
    Index("ix_queue_batch_unfinished", "program_id", "id", sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
)
"""`reference` is what its submitter polls by. The row is the lock of whoever posts its items.

Items are posted in order: no item before `next_position` is pending.
"""

queue_item = Table(
    "queue_item",
    METADATA,
    program_key(),
    Column("batch_id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("request_id", Uuid, nullable=False),
    Column("idempotency_key", Text),
    Column("payload", LargeBinary),
    Column("status", Text, nullable=False),
    Column("code", Text),
    Column("detail", Text),
    Column("points", BigInteger, nullable=False),
    Column("transaction_ref", BigInteger),
    ForeignKeyConstraint(["program_id", "batch_id"], ["queue_batch.program_id", "queue_batch.id"]),
    CheckConstraint(
        "status IN ('PENDING', 'SUCCESS', 'FAILED', 'ON HOLD', 'PARTIAL HOLD')",
        name="status",
    ),
    CheckConstraint("(payload IS NOT NULL) = (status = 'PENDING')", name="payload"),
    Index(
        "ix_queue_item_key",
        "program_id",
        "idempotency_key",
        sqlite_where=_KEYED,
        postgresql_where=_KEYED,
    ),
    Index(
        "ix_queue_item_transaction",
        "program_id",
        "transaction_ref",
        sqlite_where=_POSTED,
        postgresql_where=_POSTED,
    ),
)
"""`payload` is the transaction under the deployment's key, only for as long as it waits: it names people and cards.

`code` and `detail` say why a transaction failed. `transaction_ref` is what was stored for it.
"""
