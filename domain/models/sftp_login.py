"""Logins of partners at the SFTP server, with the keys that open them."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Table, Text

from domain.models.base import METADATA, program_key, row_key
from domain.models.types import UtcDateTime

sftp_login = Table(
    "sftp_login",
    METADATA,
    program_key(),
    row_key(),
    Column("username", Text, nullable=False, unique=True),
    Column("password", Text),
    Column("password_set_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
)
"""`password` is argon2id of it; null for a login that only keys open. The username is one in the whole deployment."""

sftp_key = Table(
    "sftp_key",
    METADATA,
    program_key(),
    row_key(),
    Column("login_id", BigInteger, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("last_used_at", UtcDateTime),
    ForeignKeyConstraint(["program_id", "login_id"], ["sftp_login.program_id", "sftp_login.id"]),
    Index("uq_sftp_key_fingerprint", "program_id", "login_id", "fingerprint", unique=True),
)
"""`fingerprint` is the SHA-256 that every SSH tool shows, `public_key` the line that was given, without its comment."""
