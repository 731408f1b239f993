"""Sub-relations of members, and members that were erased.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and room for the time of an erasure."""
    op.add_column("member", sa.Column("erased_at", UtcDateTime(), nullable=True))
    op.create_table(
        "sub_relation",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("card_hash", sa.LargeBinary(), nullable=True),
        sa.Column("card_last_four", sa.Text(), nullable=True),
        sa.Column("card_number", sa.Text(), nullable=True),
        sa.Column("sub_relation_identifier", sa.Text(), nullable=True),
        sa.Column("last_six_digits", sa.Text(), nullable=True),
        sa.Column("product_code", sa.Text(), nullable=True),
        sa.Column("expiry_date", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("unlinked_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(card_hash IS NULL AND sub_relation_identifier IS NULL) = (unlinked_at IS NOT NULL)",
            name=op.f("ck_sub_relation_pair"),
        ),
        sa.ForeignKeyConstraint(
            ["program_id", "member_id"],
            ["member.program_id", "member.id"],
            name=op.f("fk_sub_relation_program_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_sub_relation")),
        sa.UniqueConstraint(
            "program_id", "member_id", "card_hash", name=op.f("uq_sub_relation_program_id_member_id_card_hash")
        ),
        sa.UniqueConstraint(
            "program_id",
            "member_id",
            "sub_relation_identifier",
            name=op.f("uq_sub_relation_program_id_member_id_sub_relation_identifier"),
        ),
    )
    op.create_index("ix_sub_relation_card", "sub_relation", ["program_id", "card_hash", "member_id"])
    op.create_index(
        "ix_sub_relation_identifier", "sub_relation", ["program_id", "sub_relation_identifier", "member_id"]
    )
    op.create_table(
        "member_erasure",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reference_hash", sa.LargeBinary(), nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_member_erasure_program_id")),
        sa.PrimaryKeyConstraint("program_id", "member_id", name=op.f("pk_member_erasure")),
    )
    op.create_index("ix_member_erasure_reference", "member_erasure", ["program_id", "reference_hash"])


def downgrade() -> None:
    """Take the tables and the column away."""
    op.drop_table("member_erasure")
    op.drop_table("sub_relation")
    op.drop_column("member", "erased_at")
