"""Files that the platform writes for partners.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_OPEN = sa.text("status IN ('REQUESTED', 'RUNNING')")
_RUNNING = sa.text("status = 'RUNNING' AND since_last")
_CHAIN = sa.text("status = 'FINISHED' AND since_last")
_DUE = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "export",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("since_last", sa.Boolean(), nullable=False),
        sa.Column("is_pipe", sa.Boolean(), nullable=False),
        sa.Column("is_gzip", sa.Boolean(), nullable=False),
        sa.Column("personal_data", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=True),
        sa.Column("to_seq", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("left_out", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.CheckConstraint("status IN ('REQUESTED', 'RUNNING', 'FINISHED', 'FAILED')", name=op.f("ck_export_status")),
        sa.CheckConstraint("destination IN ('DOWNLOAD', 'FILE')", name=op.f("ck_export_destination")),
        sa.CheckConstraint("(status IN ('REQUESTED', 'FAILED')) OR from_seq <= to_seq", name=op.f("ck_export_range")),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_export_program_id")),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_export")),
    )
    chain = ["program_id", "kind", "destination"]
    _index("ix_export_open", ["program_id", "id"], _OPEN)
    _index("ux_export_running", chain, _RUNNING, unique=True)
    _index("ix_export_chain", [*chain, "to_seq"], _CHAIN)
    _index("ux_export_due", ["program_id", "kind", "due_at"], _DUE, unique=True)


def downgrade() -> None:
    """Take it away."""
    op.drop_table("export")


def _index(name: str, columns: list[str], where: sa.TextClause, *, unique: bool = False) -> None:
    op.create_index(name, "export", columns, unique=unique, sqlite_where=where, postgresql_where=where)
