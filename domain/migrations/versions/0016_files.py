"""Lines of files that wait for their member, and attribute definitions that were proposed.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import JsonText, UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_WAITING = sa.text("payload IS NOT NULL")
_PENDING = sa.text("status = 'PENDING'")
_UNREPORTED = sa.text("revision <> reported")


def upgrade() -> None:
    """Make the tables, and what a file knows of its lines that wait."""
    op.add_column("batch", sa.Column("parked", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("batch", sa.Column("header", sa.LargeBinary(), nullable=True))
    op.add_column("batch", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("batch", sa.Column("reported", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_batch_unreported", "batch", ["program_id", "id"], sqlite_where=_UNREPORTED, postgresql_where=_UNREPORTED
    )
    _create_parked()
    _create_proposals()


def downgrade() -> None:
    """Take them away."""
    op.drop_table("attribute_proposal")
    op.drop_table("parked_row")
    op.drop_index("ix_batch_unreported", table_name="batch", sqlite_where=_UNREPORTED, postgresql_where=_UNREPORTED)
    for name in ("reported", "revision", "header", "parked"):
        op.drop_column("batch", name)


def _create_parked() -> None:
    op.create_table(
        "parked_row",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("batch_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("member_reference", sa.Text(), nullable=True),
        sa.Column("card_hash", sa.LargeBinary(), nullable=True),
        sa.Column("sub_relation_identifier", sa.Text(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("parked_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("is_late", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.CheckConstraint("(payload IS NOT NULL) = (decided_at IS NULL)", name=op.f("ck_parked_row_payload")),
        sa.ForeignKeyConstraint(
            ["program_id", "batch_id"],
            ["batch.program_id", "batch.id"],
            name=op.f("fk_parked_row_program_id_batch_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "batch_id", "line", name=op.f("pk_parked_row")),
    )
    _waiting_index("ix_parked_row_turn", "turn", "batch_id", "line")
    _waiting_index("ix_parked_row_reference", "member_reference")
    _waiting_index("ix_parked_row_card", "card_hash")
    _waiting_index("ix_parked_row_identifier", "sub_relation_identifier")
    _waiting_index("ix_parked_row_time", "parked_at")


def _waiting_index(name: str, *columns: str) -> None:
    op.create_index(name, "parked_row", ["program_id", *columns], sqlite_where=_WAITING, postgresql_where=_WAITING)


def _create_proposals() -> None:
    op.create_table(
        "attribute_proposal",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("definition", JsonText(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('PENDING', 'APPLIED', 'DISMISSED')", name=op.f("ck_attribute_proposal_status")),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_attribute_proposal_program_id")),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_attribute_proposal")),
    )
    op.create_index(
        "ux_attribute_proposal_pending",
        "attribute_proposal",
        ["program_id", "section", "key"],
        unique=True,
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )
