"""Endpoints of webhooks, the events that they are behind with, and what of the feed was told to members.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

from domain.models.types import UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_WAITING = sa.text("status = 'WAITING'")
_DEAD = sa.text("status = 'DEAD'")


def upgrade() -> None:
    """Make the tables."""
    _make_endpoints()
    _make_deliveries()
    _make_places()


def _make_endpoints() -> None:
    op.create_table(
        "webhook_endpoint",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("event_types", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_because", sa.Text(), nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("old_secret", sa.LargeBinary(), nullable=True),
        sa.Column("old_secret_until", UtcDateTime(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("replays", sa.Integer(), nullable=False),
        sa.Column("behind", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("rests_until", UtcDateTime(), nullable=True),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", UtcDateTime(), nullable=False),
        sa.Column("succeeded_at", UtcDateTime(), nullable=True),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_webhook_endpoint_program_id")),
        sa.PrimaryKeyConstraint("program_id", "id", name=op.f("pk_webhook_endpoint")),
        sa.UniqueConstraint("program_id", "name", name=op.f("uq_webhook_endpoint_program_id_name")),
    )


def _make_places() -> None:
    op.create_table(
        "expiry_reminder",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id", "account_id"],
            ["account.program_id", "account.id"],
            name=op.f("fk_expiry_reminder_program_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "account_id", "expires_at", name=op.f("pk_expiry_reminder")),
    )
    op.create_table(
        "message_feed",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_message_feed_program_id")),
        sa.PrimaryKeyConstraint("program_id", name=op.f("pk_message_feed")),
    )


def _make_deliveries() -> None:
    op.create_table(
        "webhook_delivery",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("endpoint_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("feed_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lane", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_tried_at", UtcDateTime(), nullable=True),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('WAITING', 'HELD', 'DEAD')", name=op.f("ck_webhook_delivery_status")),
        sa.ForeignKeyConstraint(
            ["program_id", "endpoint_id"],
            ["webhook_endpoint.program_id", "webhook_endpoint.id"],
            name=op.f("fk_webhook_delivery_program_id_endpoint_id"),
        ),
        sa.PrimaryKeyConstraint("program_id", "endpoint_id", "feed_seq", name=op.f("pk_webhook_delivery")),
    )
    place = ["program_id", "endpoint_id"]
    op.create_index("ix_webhook_delivery_lane", "webhook_delivery", [*place, "lane", "feed_seq"], unique=False)
    _index("ix_webhook_delivery_due", [*place, "next_attempt_at"], _WAITING)
    _index("ix_webhook_delivery_dead", [*place, "feed_seq"], _DEAD)


def _index(name: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, "webhook_delivery", columns, unique=False, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Take them away."""
    op.drop_table("message_feed")
    op.drop_table("expiry_reminder")
    op.drop_table("webhook_delivery")
    op.drop_table("webhook_endpoint")
