"""Who could be behind an administrator, failures by where they come from, and files that come by hand.

Revision ID: 0025
Revises: 0023
"""

import json

import sqlalchemy as sa
from alembic import op

from domain.models.types import UtcDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_KINDS = "'CONFIGURATION', 'MEMBER_STATUS', 'CREDENTIAL_RESET'"


def upgrade() -> None:
    """Add the columns and tables. Who invited whom is known of those who are there."""
    op.add_column("administrator", sa.Column("vouched_by", sa.Text(), server_default="[]", nullable=False))
    _tell_who_invited()
    _set_kinds(f"{_KINDS}, 'ADMINISTRATOR'")
    op.create_table(
        "administrator_failure",
        sa.Column("administrator_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["administrator_id"], ["administrator.id"], name=op.f("fk_administrator_failure_administrator_id")
        ),
        sa.PrimaryKeyConstraint("administrator_id", "network", name=op.f("pk_administrator_failure")),
    )
    op.add_column("batch", sa.Column("uploaded_by", sa.Text(), nullable=True))
    op.create_table(
        "hand_upload",
        sa.Column("program_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("uploaded_at", UtcDateTime(), nullable=False),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["program_id"], ["program.id"], name=op.f("fk_hand_upload_program_id")),
        sa.PrimaryKeyConstraint("program_id", "name_key", "uploaded_by", name=op.f("pk_hand_upload")),
    )


def _tell_who_invited() -> None:
    known = sa.table("administrator", sa.column("email"), sa.column("created_by"), sa.column("vouched_by"))
    tx = op.get_bind()
    rows = tx.execute(sa.select(known.c.email, known.c.created_by)).all()
    invited_by = {f"admin:{row.email}": row.created_by for row in rows}
    for row in rows:
        behind: list[str] = []
        one = row.created_by
        while one in invited_by and one not in behind:
            behind.append(one)
            one = invited_by[one]
        if behind:
            tx.execute(sa.update(known).where(known.c.email == row.email).values(vouched_by=json.dumps(sorted(behind))))


def _set_kinds(kinds: str) -> None:
    with op.batch_alter_table("change_request") as altered:
        altered.drop_constraint(op.f("ck_change_request_kind"), type_="check")
        altered.create_check_constraint(op.f("ck_change_request_kind"), f"kind IN ({kinds})")


def downgrade() -> None:
    """Take them away; what was asked for about administrators is forgotten."""
    op.drop_table("hand_upload")
    op.drop_column("batch", "uploaded_by")
    op.drop_table("administrator_failure")
    op.execute("DELETE FROM change_request WHERE kind = 'ADMINISTRATOR'")
    _set_kinds(_KINDS)
    op.drop_column("administrator", "vouched_by")
