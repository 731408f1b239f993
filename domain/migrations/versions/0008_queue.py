"""Transactions that are accepted at once and posted later.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _create_batches()
    _create_items()


def downgrade() -> None:
    """Take the tables away."""
    op.drop_table("queue_item")
    op.drop_table("queue_batch")


def _create_batches() -> None:
    op.create_table(
        "queue_batch",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reference", sa.Uuid(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("next_position", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_queue_batch_program_id")),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_queue_batch")),
        sa.UniqueConstraint("program_id", "reference", name=op.f("uq_queue_batch_program_id_reference")),
    )
    _partial_index("ix_queue_batch_unfinished", "queue_batch", "id", "finished_at IS NULL")


def _create_items() -> None:
    op.create_table(
        "queue_item",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("transaction_ref", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "status IN ('PENDING', 'SUCCESS', 'FAILED', 'ON HOLD', 'PARTIAL HOLD')",
            name=op.f("ck_queue_item_status"),
        ),
        sa.CheckConstraint("(payload IS NOT NULL) = (status = 'PENDING')", name=op.f("ck_queue_item_payload")),
        sa.ForeignKeyConstraint(
            ["program_id", "batch_id"],
            ["queue_batch.program_id", "queue_batch.id"],
            name=op.f("fk_queue_item_program_id_batch_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "batch_id", "position", name=op.f("pk_queue_item")),
    )
    _partial_index("ix_queue_item_key", "queue_item", "idempotency_key", "idempotency_key IS NOT NULL")
    _partial_index("ix_queue_item_transaction", "queue_item", "transaction_ref", "transaction_ref IS NOT NULL")


def _partial_index(name: str, table: str, column: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, ["program_id", column], sqlite_where=condition, postgresql_where=condition)
