"""Who came by whose referral code is counted by an index.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index: few members were referred, so the others stay out of it."""
    referred = sa.text("referred_by IS NOT NULL")
    op.create_index(
        "ix_member_referred_by",
        "member",
        ["program_id", "referred_by"],
        sqlite_where=referred,
        postgresql_where=referred,
    )


def downgrade() -> None:
    """Take the index away."""
    op.drop_index("ix_member_referred_by", "member")
