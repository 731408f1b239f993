"""Attribute definitions that somebody proposed, until an administrator decides."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, Text, text

from domain.models.base import METADATA, program_key, row_key
from domain.models.types import JsonText, UtcDateTime

_PENDING = text("status = 'PENDING'")

attribute_proposal = Table(
    "attribute_proposal",
    METADATA,
    program_key(),
    row_key(),
    Column("section", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("definition", JsonText, nullable=False),
    Column("status", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("proposed_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decided_by", Text),
    CheckConstraint("status IN ('PENDING', 'APPLIED', 'DISMISSED')", name="status"),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
    Index(
        "ux_attribute_proposal_pending",
        "program_id",
        "section",
        "key",
        unique=True,
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    ),
)
"""`definition` is that of a configuration document. Of each attribute one waits: a newer one takes its place."""
