"""Refused files stand in the list of files, what was discarded frees its name, refunds are summed apart.

Revision ID: 0027
Revises: 0023
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from domain.models.types import ExactDecimal

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_KEEPS: dict[str, Any] = {"sqlite_where": sa.text("keeps_name = 1"), "postgresql_where": sa.text("keeps_name")}
_DECIDED = sa.text("payload IS NULL")
_UNREPORTED = sa.text("revision <> reported")
_UNIQUE = ("sha256", "name_key")
_ADDED = ("keeps_name", "code", "message", "refunded")


def upgrade() -> None:
    """Add the columns, and let names and contents be unique among the files that keep them."""
    _drop_unreported()
    with op.batch_alter_table("batch") as batch:
        batch.add_column(sa.Column("keeps_name", sa.Boolean(), nullable=False, server_default=sa.true()))
        batch.add_column(sa.Column("code", sa.Text(), nullable=True))
        batch.add_column(sa.Column("message", sa.Text(), nullable=True))
        batch.add_column(sa.Column("refunded", ExactDecimal(), nullable=False, server_default="0"))
        for column in _UNIQUE:
            batch.drop_constraint(op.f(f"uq_batch_program_id_{column}"), type_="unique")
    _create_unreported()
    for column in _UNIQUE:
        op.create_index(f"ux_batch_{column}", "batch", ["program_id", column], unique=True, **_KEEPS)

    op.create_index(
        "ix_parked_row_decided",
        "parked_row",
        ["program_id", "decided_at"],
        sqlite_where=_DECIDED,
        postgresql_where=_DECIDED,
    )


def downgrade() -> None:
    """Take them away, and with them the files that have their name no longer."""
    op.drop_index("ix_parked_row_decided", table_name="parked_row", sqlite_where=_DECIDED, postgresql_where=_DECIDED)
    for column in _UNIQUE:
        op.drop_index(f"ux_batch_{column}", table_name="batch", **_KEEPS)
    _drop_unreported()
    free = "(SELECT program_id, id FROM batch WHERE NOT keeps_name)"
    op.execute(f"DELETE FROM batch_row WHERE (program_id, batch_id) IN {free}")  # noqa: S608 - no value of anybody's
    op.execute(f"DELETE FROM parked_row WHERE (program_id, batch_id) IN {free}")  # noqa: S608 - as above
    op.execute("DELETE FROM batch WHERE NOT keeps_name")
    with op.batch_alter_table("batch") as batch:
        for column in _ADDED:
            batch.drop_column(column)
        for column in _UNIQUE:
            batch.create_unique_constraint(op.f(f"uq_batch_program_id_{column}"), ["program_id", column])
    _create_unreported()


def _create_unreported() -> None:
    op.create_index(
        "ix_batch_unreported", "batch", ["program_id", "id"], sqlite_where=_UNREPORTED, postgresql_where=_UNREPORTED
    )


def _drop_unreported() -> None:
    # SQLite makes the table anew, and does not always know which index was a partial one.
    op.drop_index("ix_batch_unreported", table_name="batch", sqlite_where=_UNREPORTED, postgresql_where=_UNREPORTED)
