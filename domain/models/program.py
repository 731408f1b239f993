"""Programs, their versioned configuration, credentials, tokens and the audit trail.

A row of `program` is one program in one environment: the partition that every other table is keyed by.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from domain.models.base import METADATA, program_key, row_key
from domain.models.types import JsonText, UtcDateTime

program = Table(
    "program",
    METADATA,
    row_key(),
    Column("public_id", BigInteger, nullable=False),
    Column("environment", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("config_version", Integer, nullable=False),
    Column("credential_generation", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("public_id", "environment"),
)

program_config = Table(
    "program_config",
    METADATA,
    program_key(),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", JsonText, nullable=False),
    Column("digest", Text, nullable=False),
    Column("applied_at", UtcDateTime, nullable=False),
    Column("applied_by", Text, nullable=False),
)

credential = Table(
    "credential",
    METADATA,
    program_key(),
    row_key(),
    Column("client_id", Text, nullable=False, unique=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("publishable_key", Text, nullable=False, unique=True),
    Column("generation", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked_at", UtcDateTime),
    Index(
        "uq_credential_live",
        "program_id",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
)

access_token = Table(
    "access_token",
    METADATA,
    program_key(),
    Column("credential_id", BigInteger, primary_key=True, autoincrement=False),
    Column("scope", Text, primary_key=True),
    Column("claims", JsonText, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("kid", Text),
)
"""The claims of a token and the key that signed it; without a name it was the first of the environment."""

admin_token = Table(
    "admin_token",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("role", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)
"""Tokens of administrators belong to the deployment, not to one program."""

audit_entry = Table(
    "audit_entry",
    METADATA,
    program_key(),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", JsonText),
    Column("after", JsonText),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("address", Text),
    Column("browser", Text),
    Index("ix_audit_entry_subject", "program_id", "subject", "seq"),
)
"""Append-only, hash-chained per program; program 0 is the deployment itself. `address` and `browser` say from where it
was done, where it was done by hand; the chain covers them."""
