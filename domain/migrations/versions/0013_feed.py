"""The feed is read by member: what an app missed is found among its own events.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index. Events that have no number yet are left out, so that writing one costs what it did."""
    op.create_index(
        "ix_outbox_member_feed",
        "outbox",
        ["program_id", "member_id", "feed_seq"],
        unique=False,
        sqlite_where=sa.text("feed_seq IS NOT NULL"),
        postgresql_where=sa.text("feed_seq IS NOT NULL"),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_index(
        "ix_outbox_member_feed",
        table_name="outbox",
        sqlite_where=sa.text("feed_seq IS NOT NULL"),
        postgresql_where=sa.text("feed_seq IS NOT NULL"),
    )
