"""Transactions that are accepted at once and posted later, and those that wait for a decision.

Revision ID: 0008
Revises: 0007
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from domain.models.types import JsonText, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parent.parent / "sql"
_OLD_STATUSES = "'POSTED', 'PARKED', 'LAPSED'"
_STATUSES = f"{_OLD_STATUSES}, 'HELD', 'REJECTED'"
_REDEEM = (
    "bigint, integer, text, text, bigint, text, boolean, text, bytea, uuid, smallint, text, numeric, text, text, "
    "timestamptz, integer, timestamptz, integer"
)


def upgrade() -> None:
    """Make the tables, widen what a transaction may be, and install the redemption that counts those of a day.

    The one before stays for processes of the version before: PostgreSQL tells them apart by their arguments.
    """
    _create_batches()
    _create_items()
    _create_held()
    _set_statuses(_STATUSES)
    if op.get_bind().dialect.name == "postgresql":
        op.get_bind().exec_driver_sql((_SQL / "redeem_points_4.sql").read_text())


def downgrade() -> None:
    """Take all of it away; only possible while nothing is held or was rejected."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION redeem_points({_REDEEM})")
    _set_statuses(_OLD_STATUSES)
    op.drop_table("held_transaction")
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


def _create_held() -> None:
    op.create_table(
        "held_transaction",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("transaction_ref", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("rest", JsonText(), nullable=True),
        sa.Column("held_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("status IN ('PENDING', 'APPROVED', 'REJECTED')", name=op.f("ck_held_transaction_status")),
        sa.ForeignKeyConstraint(
            ["program_id", "transaction_ref"],
            ["member_transaction.program_id", "member_transaction.id"],
            name=op.f("fk_held_transaction_program_id_transaction_ref"),
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "member_id"],
            ["member.program_id", "member.id"],
            name=op.f("fk_held_transaction_program_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_held_transaction")),
        sa.UniqueConstraint(
            "program_id", "transaction_ref", name=op.f("uq_held_transaction_program_id_transaction_ref")
        ),
    )
    op.create_index("ix_held_transaction_status", "held_transaction", ["program_id", "status", "id"])
    op.create_index("ix_held_transaction_member", "held_transaction", ["program_id", "member_id", "status"])


def _set_statuses(statuses: str) -> None:
    with op.batch_alter_table("member_transaction") as altered:
        altered.drop_constraint(op.f("ck_member_transaction_status"), type_="check")
        altered.create_check_constraint(op.f("ck_member_transaction_status"), f"status IN ({statuses})")


def _partial_index(name: str, table: str, column: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, ["program_id", column], sqlite_where=condition, postgresql_where=condition)
