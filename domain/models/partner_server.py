"""Partners' own SFTP servers, which are visited on a schedule, and the files that went either way."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from domain.models.base import METADATA, program_key, row_key
from domain.models.types import JsonText, UtcDateTime

partner_server = Table(
    "partner_server",
    METADATA,
    program_key(),
    row_key(),
    Column("name", Text, nullable=False),
    Column("terms", JsonText, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("next_visit_at", UtcDateTime, nullable=False),
    Column("leased_until", UtcDateTime),
    Column("failures", Integer, nullable=False),
    Column("visited_at", UtcDateTime),
    Column("outcome", Text),
    UniqueConstraint("program_id", "name"),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
)
"""`terms` say where it is and what to do there; `secret` is encrypted. `leased_until`: a process is there, or died."""

visited_file = Table(
    "visited_file",
    METADATA,
    program_key(),
    Column("server_id", BigInteger, primary_key=True, autoincrement=False),
    Column("path", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("modified_at", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["program_id", "server_id"], ["partner_server.program_id", "partner_server.id"]),
)
"""The last file of each path that was fetched or brought; `path` begins with `pull:` or `push:`."""
