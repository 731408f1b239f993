"""Who takes the files of a program: one worker at a time."""

from sqlalchemy import Column, ForeignKeyConstraint, Table, Text

from domain.models.base import METADATA, program_key
from domain.models.types import UtcDateTime

inbox_lease = Table(
    "inbox_lease",
    METADATA,
    program_key(),
    Column("holder", Text, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
)
"""A worker that lives renews its lease long before `until`; after that anybody may take it."""
