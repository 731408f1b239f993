"""Logins of partners at the SFTP server, with the keys that open them.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables. Nobody has a login yet."""
    op.create_table(
        "sftp_login",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("password_set_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_sftp_login_program_id")),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_sftp_login")),
        sa.UniqueConstraint("username", name=op.f("uq_sftp_login_username")),
    )
    op.create_table(
        "sftp_key",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("login_id", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["program_id", "login_id"],
            ["sftp_login.program_id", "sftp_login.id"],
            name=op.f("fk_sftp_key_program_id_login_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_sftp_key")),
    )
    op.create_index("uq_sftp_key_fingerprint", "sftp_key", ["program_id", "login_id", "fingerprint"], unique=True)


def downgrade() -> None:
    """Take the tables away: no partner gets in."""
    op.drop_table("sftp_key")
    op.drop_table("sftp_login")
