"""Members are listed by enrolment, status, tier and the beginning of their reference, lots by account.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TIERED = sa.text("tier IS NOT NULL")


def upgrade() -> None:
    """Make the indexes. The one of references goes by code points, whatever the language of the database."""
    op.create_index("ix_member_enrolled", "member", ["program_id", "enrolled_at", "id"])
    op.create_index("ix_member_status", "member", ["program_id", "status", "enrolled_at", "id"])
    op.create_index(
        "ix_member_tier",
        "member",
        ["program_id", "tier", "enrolled_at", "id"],
        sqlite_where=_TIERED,
        postgresql_where=_TIERED,
    )
    # What expires when counts what was spent of it, too, so closed lots are looked for as well.
    op.create_index("ix_lot_account", "lot", ["program_id", "account_id", "expires_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(
            "ix_member_reference", "member", ["program_id", sa.text('relation_reference COLLATE "C"'), "id"]
        )


def downgrade() -> None:
    """Take them away."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_member_reference", table_name="member")
    op.drop_index("ix_lot_account", table_name="lot")
    op.drop_index("ix_member_tier", table_name="member", sqlite_where=_TIERED, postgresql_where=_TIERED)
    op.drop_index("ix_member_status", table_name="member")
    op.drop_index("ix_member_enrolled", table_name="member")
