"""Files under way: one row a file, one row a line."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from domain.models.base import METADATA, program_key, row_key
from domain.models.types import ExactDecimal, UtcDateTime

batch = Table(
    "batch",
    METADATA,
    program_key(),
    row_key(),
    Column("type", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("rows_read", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("amount", ExactDecimal, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("rows_total", BigInteger),
    Column("resumed_at", UtcDateTime),
    Column("resumed_rows", BigInteger, nullable=False, server_default="0"),
    Column("released_at", UtcDateTime),
    UniqueConstraint("program_id", "sha256"),
    UniqueConstraint("program_id", "name_key"),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
)
"""`rows_read` moves in the same database transaction as the rows it counts: it is the restart point.

`rows_total` is how many lines there are, counted before they are read: exact once the file was checked or finished.
`resumed_at` and `resumed_rows` say when it was last begun or gone on with, and how far it was then; `released_at`
when an administrator decided that its rejected rows hold it up no longer.
"""

batch_row = Table(
    "batch_row",
    METADATA,
    program_key(),
    Column("batch_id", BigInteger, primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("external_reference", Uuid),
    ForeignKeyConstraint(["program_id", "batch_id"], ["batch.program_id", "batch.id"]),
)
"""The outcome of each line, from which the handback is written."""
