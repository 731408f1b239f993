"""The audit trail is read by what an entry is about.

Revision ID: 0026
Revises: 0023
"""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index. Without it the page of a member reads the trail of the whole program."""
    op.create_index("ix_audit_entry_subject", "audit_entry", ["program_id", "subject", "seq"])


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_audit_entry_subject", table_name="audit_entry")
