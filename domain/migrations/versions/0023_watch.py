"""How far verification in the background is, and the digest of each day.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import JsonText, UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "ledger_check",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("accounts", sa.BigInteger(), nullable=False),
        sa.Column("findings", sa.BigInteger(), nullable=False),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.Column("found_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_accounts", sa.BigInteger(), nullable=True),
        sa.Column("ended_findings", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_ledger_check_program_id")),
        sa.PrimaryKeyConstraint("program_id", name=op.f("pk_ledger_check")),
    )
    op.create_table(
        "daily_digest",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("after_entry_id", sa.BigInteger(), nullable=False),
        sa.Column("last_entry_id", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("figures", JsonText(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_daily_digest_program_id")),
        sa.PrimaryKeyConstraint("program_id", "day", name=op.f("pk_daily_digest")),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_table("daily_digest")
    op.drop_table("ledger_check")
