"""Files wait, are held and released; one worker at a time takes those of a program; partners are visited.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import JsonText, UtcDateTime

revision = "0017"
down_revision = "0016"
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
    op.create_table(
        "partner_server",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("terms", JsonText(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("next_visit_at", UtcDateTime(), nullable=False),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("visited_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_partner_server_program_id_program")),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_partner_server")),
        sa.UniqueConstraint("program_id", "name", name=op.f("uq_partner_server_program_id_name")),
    )
    op.create_table(
        "visited_file",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("server_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id", "server_id"],
            ["partner_server.program_id", "partner_server.id"],
            name=op.f("fk_visited_file_program_id_partner_server"),
        ),
        sa.PrimaryKeyConstraint("program_id", "server_id", "path", name=op.f("pk_visited_file")),
    )
    op.add_column("batch", sa.Column("rows_total", sa.BigInteger(), nullable=True))
    op.add_column("batch", sa.Column("resumed_at", UtcDateTime(), nullable=True))
    op.add_column("batch", sa.Column("resumed_rows", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("batch", sa.Column("released_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Take them away; files that wait or are held are unknown to the version before."""
    for column in ("released_at", "resumed_rows", "resumed_at", "rows_total"):
        op.drop_column("batch", column)
    for table in ("visited_file", "partner_server", "inbox_lease"):
        op.drop_table(table)
