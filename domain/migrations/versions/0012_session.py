"""Sessions of members in browsers and apps, the links that start them, and the origins that may call.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables. No configuration names an origin yet."""
    op.create_table(
        "member_session",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("refresh_key", sa.LargeBinary(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("refreshed_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["program_id", "member_id"],
            ["member.program_id", "member.id"],
            name=op.f("fk_member_session_program_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_member_session")),
    )
    live = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_member_session_live",
        "member_session",
        ["program_id", "member_id"],
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_index("ix_member_session_expires_at", "member_session", ["expires_at"])
    _create_link()
    op.create_table(
        "program_origin",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_program_origin_program_id")),
        sa.PrimaryKeyConstraint("program_id", "origin", name=op.f("pk_program_origin")),
    )
    op.create_index("ix_program_origin_origin", "program_origin", ["origin"])


def _create_link() -> None:
    op.create_table(
        "session_link",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_session_link_program_id")),
        sa.PrimaryKeyConstraint("program_id", "subject", name=op.f("pk_session_link")),
    )
    op.create_index("uq_session_link_token_hash", "session_link", ["program_id", "token_hash"], unique=True)
    op.create_index("ix_session_link_expires_at", "session_link", ["expires_at"])


def downgrade() -> None:
    """Take the tables away: everybody has to sign in again."""
    for table in ("program_origin", "session_link", "member_session"):
        op.drop_table(table)
