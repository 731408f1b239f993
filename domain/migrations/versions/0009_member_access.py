"""Secrets of members, wrong passwords, one-time codes and the messages that carry them.

Revision ID: 0009
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import JsonText, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "member_secret",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("encoded", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("work", sa.SmallInteger(), nullable=False),
        sa.Column("force_change", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id", "member_id"],
            ["member.program_id", "member.id"],
            name=op.f("fk_member_secret_program_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "member_id", name=op.f("pk_member_secret")),
    )
    op.create_index("ix_member_secret_work", "member_secret", ["program_id", "work"])
    _create_login_failure()
    _create_otp()
    _create_message()


def _create_login_failure() -> None:
    op.create_table(
        "login_failure",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("blocked_until", UtcDateTime(), nullable=True),
        sa.Column("status_before", sa.SmallInteger(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_login_failure_program_id")),
        sa.PrimaryKeyConstraint("program_id", "subject", name=op.f("pk_login_failure")),
    )
    _partial_index("ix_login_failure_member", "login_failure", ["program_id", "member_id"], "member_id IS NOT NULL")
    _partial_index("ix_login_failure_lockout", "login_failure", ["blocked_until"], "status_before IS NOT NULL")
    op.create_index("ix_login_failure_updated_at", "login_failure", ["updated_at"])


def _create_otp() -> None:
    op.create_table(
        "otp_subject",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("sends", JsonText(), nullable=False),
        sa.Column("guesses", JsonText(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_otp_subject_program_id")),
        sa.PrimaryKeyConstraint("program_id", "subject", name=op.f("pk_otp_subject")),
    )
    op.create_index("ix_otp_subject_updated_at", "otp_subject", ["updated_at"])
    op.create_table(
        "otp",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("otp_type", sa.Text(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("code_mac", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("tries_left", sa.SmallInteger(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("grant_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_otp_program_id")),
        sa.PrimaryKeyConstraint("program_id", "subject", "otp_type", name=op.f("pk_otp")),
    )
    op.create_index("ix_otp_expires_at", "otp", ["expires_at"])


def _create_message() -> None:
    op.create_table(
        "message",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_message_program_id")),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_message")),
    )
    _partial_index("ix_message_next_attempt_at", "message", ["next_attempt_at"], "next_attempt_at IS NOT NULL")
    op.create_index("ix_message_member", "message", ["program_id", "member_id"])
    op.create_index("ix_message_created_at", "message", ["created_at"])


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    """Take the tables away."""
    for table in ("message", "otp", "otp_subject", "login_failure", "member_secret"):
        op.drop_table(table)
