"""Who was erased lately is found by time: tokens that are bound to them end.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_member_erasure_time", "member_erasure", ["program_id", "erased_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_member_erasure_time", "member_erasure")
