"""Administrators who sign in, their roles, and changes that a second one approves.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables. Nobody can sign in yet."""
    op.create_table(
        "administrator",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=True),
        sa.Column("recovery_codes", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=True),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_administrator")),
        sa.UniqueConstraint("email", name=op.f("uq_administrator_email")),
    )
    op.create_table(
        "administrator_grant",
        sa.Column("administrator_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("public_program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        _owned("administrator_grant"),
        sa.PrimaryKeyConstraint("administrator_id", "public_program_id", name=op.f("pk_administrator_grant")),
    )
    op.create_table(
        "administrator_session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("administrator_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("pending_secret", sa.LargeBinary(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("proved_at", UtcDateTime(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.CheckConstraint("stage IN ('CODE', 'ENROL', 'IN')", name=op.f("ck_administrator_session_stage")),
        _owned("administrator_session"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_administrator_session")),
    )
    op.create_index("ix_administrator_session_owner", "administrator_session", ["administrator_id"])
    _create_links_and_roles()
    _create_requests()
    op.add_column("audit_entry", sa.Column("address", sa.Text(), nullable=True))
    op.add_column("audit_entry", sa.Column("browser", sa.Text(), nullable=True))


def _create_links_and_roles() -> None:
    op.create_table(
        "administrator_link",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("administrator_id", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("grants", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        _owned("administrator_link"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_administrator_link")),
    )
    op.create_table(
        "custom_role",
        sa.Column("public_program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("public_program_id", "name", name=op.f("pk_custom_role")),
    )


def _create_requests() -> None:
    op.create_table(
        "change_request",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("difference", sa.Text(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('CONFIGURATION', 'MEMBER_STATUS', 'CREDENTIAL_RESET')", name=op.f("ck_change_request_kind")
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'APPROVED', 'REJECTED', 'WITHDRAWN', 'DONE')", name=op.f("ck_change_request_status")
        ),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_change_request_program_id")),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_change_request")),
    )
    op.create_index("ix_change_request_status", "change_request", ["program_id", "status", "id"])


def _owned(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["administrator_id"], ["administrator.id"], name=op.f(f"fk_{table}_administrator_id")
    )


def downgrade() -> None:
    """Take the tables away: nobody signs in, and what waited for approval is forgotten."""
    op.drop_column("audit_entry", "browser")
    op.drop_column("audit_entry", "address")
    for table in ("change_request", "custom_role", "administrator_link", "administrator_session"):
        op.drop_table(table)
    op.drop_table("administrator_grant")
    op.drop_table("administrator")
