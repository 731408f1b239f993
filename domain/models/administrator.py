"""Administrators, their roles, sessions and one-time links: of the deployment, not of one program."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from domain.models.base import METADATA
from domain.models.types import JsonText, UtcDateTime

administrator = Table(
    "administrator",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("totp_secret", LargeBinary),
    Column("totp_step", BigInteger),
    Column("recovery_codes", JsonText, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("last_seen_at", UtcDateTime),
    Column("disabled_at", UtcDateTime),
    Column("vouched_by", JsonText, nullable=False, server_default="[]"),
)
"""`password` is argon2id of it. `totp_secret` is sealed under a key of the deployment; null before it is enrolled.
`totp_step` is the step of the last code that was taken, so that none is taken twice. `recovery_codes` are hashes.
`vouched_by`: who saw the link by which these secrets were set, or let it in again, and who is behind those."""

administrator_grant = Table(
    "administrator_grant",
    METADATA,
    Column("administrator_id", BigInteger, ForeignKey("administrator.id"), primary_key=True, autoincrement=False),
    Column("public_program_id", BigInteger, primary_key=True, autoincrement=False),
    Column("role", Text, nullable=False),
)
"""What an administrator is in a program, sandbox and live alike; program 0 is all of them, and the deployment."""

administrator_session = Table(
    "administrator_session",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("administrator_id", BigInteger, ForeignKey("administrator.id"), nullable=False),
    Column("stage", Text, nullable=False),
    Column("pending_secret", LargeBinary),
    Column("started_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("proved_at", UtcDateTime),
    Column("address", Text, nullable=False),
    Column("browser", Text, nullable=False),
    CheckConstraint("stage IN ('CODE', 'ENROL', 'IN')", name="stage"),
    Index("ix_administrator_session_owner", "administrator_id"),
)
"""`stage`: the password was right and a CODE is missing, a code generator is to be ENROLled, or IN. `proved_at`: when
the second factor was last shown."""

administrator_link = Table(
    "administrator_link",
    METADATA,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("administrator_id", BigInteger, ForeignKey("administrator.id")),
    Column("email", Text),
    Column("grants", JsonText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)
"""Links that work once: without an administrator they make one, with the e-mail address if that is given; with one they
give it a new password and a new second factor."""

administrator_failure = Table(
    "administrator_failure",
    METADATA,
    Column("administrator_id", BigInteger, ForeignKey("administrator.id"), primary_key=True, autoincrement=False),
    Column("network", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("locked_until", UtcDateTime),
)
"""Wrong passwords in a row from one address, or one IPv6 network: nobody locks others out from there."""

custom_role = Table(
    "custom_role",
    METADATA,
    Column("public_program_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("permissions", JsonText, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", Text, nullable=False),
)
"""Roles of a program's own, beside the built-in ones that nobody changes."""
