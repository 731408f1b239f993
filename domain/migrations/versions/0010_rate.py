"""Keys that sign tokens are rotated, and processes share the rate limits.

Revision ID: 0010
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; a token without the name of its key was signed with the first one."""
    op.create_table(
        "signing_key",
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("in_force_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("environment", "number", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "rate_lease",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.LargeBinary(), nullable=False),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "bucket", name=op.f("pk_rate_lease")),
    )
    op.add_column("access_token", sa.Column("kid", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take them away; tokens that another key signed are refused from then on."""
    op.drop_column("access_token", "kid")
    op.drop_table("rate_lease")
    op.drop_table("signing_key")
