"""Changes that a second administrator has to approve before they happen."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, LargeBinary, Table, Text

from domain.models.base import METADATA, program_key, row_key
from domain.models.types import JsonText, UtcDateTime

change_request = Table(
    "change_request",
    METADATA,
    program_key(),
    row_key(),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("difference", JsonText, nullable=False),
    Column("base_version", Integer),
    Column("status", Text, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("reason", Text),
    Column("decided_at", UtcDateTime),
    Column("decided_by", Text),
    Column("answer", Text),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
    CheckConstraint("kind IN ('CONFIGURATION', 'MEMBER_STATUS', 'CREDENTIAL_RESET', 'ADMINISTRATOR')", name="kind"),
    CheckConstraint("status IN ('PENDING', 'APPROVED', 'REJECTED', 'WITHDRAWN', 'DONE')", name="status"),
    Index("ix_change_request_status", "program_id", "status", "id"),
)
"""`payload` is what is to be done, sealed under a key of the deployment. `difference` is what an approver reads.
`base_version` is that of the configuration which a change of it was made from. Adjustments of points that wait have a
table of their own (`points_request`), and so have transactions (`held_transaction`)."""
