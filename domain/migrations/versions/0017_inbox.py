"""Files wait, are held and released; one worker at a time takes those of a program.

Revision ID: 0017
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import UtcDateTime

revision = "0017"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the columns; the version before goes on writing batches without them."""
    op.create_table(
        "inbox_lease",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_inbox_lease_program_id_program")),
        sa.PrimaryKeyConstraint("program_id", name=op.f("pk_inbox_lease")),
    )
    op.add_column("batch", sa.Column("rows_total", sa.BigInteger(), nullable=True))
    op.add_column("batch", sa.Column("resumed_at", UtcDateTime(), nullable=True))
    op.add_column("batch", sa.Column("resumed_rows", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("batch", sa.Column("released_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Take them away; files that wait or are held are unknown to the version before."""
    for column in ("released_at", "resumed_rows", "resumed_at", "rows_total"):
        op.drop_column("batch", column)
    op.drop_table("inbox_lease")
