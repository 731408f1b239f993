"""Sessions of members, the links that start them, and the origins whose pages may call."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from domain.models.base import METADATA, program_key, row_key
from domain.models.types import UtcDateTime

member_session = Table(
    "member_session",
    METADATA,
    program_key(),
    row_key(),
    Column("member_id", BigInteger, nullable=False),
    Column("method", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("number", Integer, nullable=False),
    Column("refresh_key", LargeBinary),
    Column("started_at", UtcDateTime, nullable=False),
    Column("refreshed_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", Text),
    ForeignKeyConstraint(["program_id", "member_id"], ["member.program_id", "member.id"]),
    Index(
        "ix_member_session_live",
        "program_id",
        "member_id",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("ix_member_session_expires_at", "expires_at"),
)
"""`number` is that of the refresh token in force; with `salt` and the deployment's key every one can be computed.

`refresh_key`: the keyed hash of the idempotency key that the last refresh came with. `ended_by` says why.
"""

session_link = Table(
    "session_link",
    METADATA,
    program_key(),
    Column("subject", LargeBinary, primary_key=True),
    Column("member_id", BigInteger),
    Column("token_hash", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
    Index("uq_session_link_token_hash", "program_id", "token_hash", unique=True),
    Index("ix_session_link_expires_at", "expires_at"),
)
"""The newest link of each member. One without a member leads nowhere: it costs what a real one does."""

program_origin = Table(
    "program_origin",
    METADATA,
    program_key(),
    Column("origin", Text, primary_key=True),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
    Index("ix_program_origin_origin", "origin"),
)
"""The origins of the configuration in force: a browser asks whether it may call before it says for which program."""
