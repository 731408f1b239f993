"""Who takes the files of a program: one worker at a time."""

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, Table, Text

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

hand_upload = Table(
    "hand_upload",
    METADATA,
    program_key(),
    Column("name_key", Text, primary_key=True),
    Column("uploaded_by", Text, primary_key=True),
    Column("uploaded_at", UtcDateTime, nullable=False),
    Column("waits", Boolean, nullable=False),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
)
"""Files that administrators upload, by name, from before one lies in the folder until it is a batch. More than one may
have tried the same name. `waits`: for somebody else to release it."""
