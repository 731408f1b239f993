"""Files that the platform writes for partners."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from domain.models.base import METADATA, program_key, row_key
from domain.models.types import UtcDateTime

_OPEN = text("status IN ('REQUESTED', 'RUNNING')")
_RUNNING = text("status = 'RUNNING' AND since_last")
_CHAIN = text("status = 'FINISHED' AND since_last")
_DUE = text("due_at IS NOT NULL")

export = Table(
    "export",
    METADATA,
    program_key(),
    row_key(),
    Column("kind", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("since_last", Boolean, nullable=False),
    Column("is_pipe", Boolean, nullable=False),
    Column("is_gzip", Boolean, nullable=False),
    Column("personal_data", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("from_seq", BigInteger),
    Column("to_seq", BigInteger),
    Column("rows", BigInteger, nullable=False),
    Column("left_out", BigInteger, nullable=False),
    Column("sha256", Text),
    Column("file_name", Text),
    Column("message", Text),
    Column("actor", Text, nullable=False),
    Column("due_at", UtcDateTime),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("leased_until", UtcDateTime),
    Column("attempt", Integer, nullable=False),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
    CheckConstraint("status IN ('REQUESTED', 'RUNNING', 'FINISHED', 'FAILED')", name="status"),
    CheckConstraint("destination IN ('DOWNLOAD', 'FILE')", name="destination"),
    CheckConstraint("(status IN ('REQUESTED', 'FAILED')) OR from_seq <= to_seq", name="range"),
    Index("ix_export_open", "program_id", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index(
        "ux_export_running",
        "program_id",
        "kind",
        "destination",
        unique=True,
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    ),
    Index(
        "ix_export_chain",
        "program_id",
        "kind",
        "destination",
        "to_seq",
        sqlite_where=_CHAIN,
        postgresql_where=_CHAIN,
    ),
    Index("ux_export_due", "program_id", "kind", "due_at", unique=True, sqlite_where=_DUE, postgresql_where=_DUE),
)
"""An export covers the events of the feed in (from_seq, to_seq].

Those of one kind and destination that were asked for since the last one are a chain: each goes on where the last
finished one ended, and one at a time is written. `leased_until` is when another process may take up what was begun,
under the next `attempt`. `due_at` is the instant of the schedule that it was made for. `left_out` counts what cannot
stand in a file, `message` says why one failed.
"""
