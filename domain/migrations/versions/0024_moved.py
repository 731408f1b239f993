"""What moved between members of a program is found without its journal: it is neither issued nor redeemed.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ARRIVED = sa.text("contra = 'transferred' AND points > 0")


def upgrade() -> None:
    """Make the index; few postings are in it."""
    op.create_index(
        "ix_ledger_entry_moved",
        "ledger_entry",
        ["program_id", "points"],
        sqlite_where=_ARRIVED,
        postgresql_where=_ARRIVED,
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_ledger_entry_moved", table_name="ledger_entry", sqlite_where=_ARRIVED, postgresql_where=_ARRIVED)
