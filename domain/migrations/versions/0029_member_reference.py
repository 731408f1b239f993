"""References compare by code points on PostgreSQL too, so one index is enough; a member's program is not looked up.

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_KEY = "fk_member_program_id"


def upgrade() -> None:
    """Change the collation, for which PostgreSQL makes the index anew, and drop the key (docs/adr/0026)."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_member_reference", table_name="member")
        _compare_by('"C"')
        op.drop_constraint(op.f(_KEY), "member", type_="foreignkey")


def downgrade() -> None:
    """Go back; the key is for rows that come from now on, as those of 0028."""
    if op.get_bind().dialect.name == "postgresql":
        op.create_foreign_key(op.f(_KEY), "member", "program", ["program_id"], ["id"], postgresql_not_valid=True)
        _compare_by('"default"')
        op.create_index(
            "ix_member_reference", "member", ["program_id", sa.text('relation_reference COLLATE "C"'), "id"]
        )


def _compare_by(collation: str) -> None:
    op.execute(f"ALTER TABLE member ALTER COLUMN relation_reference TYPE text COLLATE {collation}")
    # What is known of its values went with it, and without that a look-up is planned as if it found half of them.
    op.execute("ANALYZE member (relation_reference)")
