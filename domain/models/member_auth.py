"""What members prove themselves with, and the messages that carry codes to them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from domain.models.base import METADATA, program_key, row_key
from domain.models.types import JsonText, UtcDateTime


def _subject() -> Column[bytes]:
    return Column("subject", LargeBinary, primary_key=True)


member_secret = Table(
    "member_secret",
    METADATA,
    program_key(),
    Column("member_id", BigInteger, primary_key=True, autoincrement=False),
    Column("encoded", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("salt", Text, nullable=False),
    Column("work", SmallInteger, nullable=False),
    Column("force_change", Boolean, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["program_id", "member_id"], ["member.program_id", "member.id"]),
    Index("ix_member_secret_work", "program_id", "work"),
)
"""argon2id of a member's secret. `scheme`, `salt` and `work`: how a received text is hashed before, if it has to be."""

login_failure = Table(
    "login_failure",
    METADATA,
    program_key(),
    _subject(),
    Column("member_id", BigInteger),
    Column("failures", SmallInteger, nullable=False),
    Column("blocked_until", UtcDateTime),
    Column("status_before", SmallInteger),
    Column("updated_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
    Index(
        "ix_login_failure_member",
        "program_id",
        "member_id",
        sqlite_where=text("member_id IS NOT NULL"),
        postgresql_where=text("member_id IS NOT NULL"),
    ),
    Index(
        "ix_login_failure_lockout",
        "blocked_until",
        sqlite_where=text("status_before IS NOT NULL"),
        postgresql_where=text("status_before IS NOT NULL"),
    ),
    Index("ix_login_failure_updated_at", "updated_at"),
)
"""Wrong passwords in a row. The subject is a keyed hash: of the member, or of a reference that nobody has.

`status_before` is the member's status before the lockout made it 3; what lapses at `blocked_until` puts it back.
"""

otp_subject = Table(
    "otp_subject",
    METADATA,
    program_key(),
    _subject(),
    Column("member_id", BigInteger),
    Column("sends", JsonText, nullable=False),
    Column("guesses", JsonText, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
    Index("ix_otp_subject_updated_at", "updated_at"),
)
"""When codes were sent and guessed at within the last hour (microseconds since 1970), by member and by address."""

otp = Table(
    "otp",
    METADATA,
    program_key(),
    _subject(),
    Column("otp_type", Text, primary_key=True),
    Column("member_id", BigInteger),
    Column("channel", Text, nullable=False),
    Column("code_mac", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("tries_left", SmallInteger, nullable=False),
    Column("used_at", UtcDateTime),
    Column("grant_until", UtcDateTime),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
    Index("ix_otp_expires_at", "expires_at"),
)
"""The newest code of each type. `grant_until`: it was verified, and allows one change, of what its type is for."""

_UNDELIVERED = text("sent_at IS NULL AND attempts > 0")

message = Table(
    "message",
    METADATA,
    program_key(),
    row_key(),
    Column("member_id", BigInteger),
    Column("channel", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("payload", LargeBinary),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("next_attempt_at", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("outcome", Text),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
    Index("ix_message_undelivered", "program_id", "id", sqlite_where=_UNDELIVERED, postgresql_where=_UNDELIVERED),
    Index(
        "ix_message_next_attempt_at",
        "next_attempt_at",
        sqlite_where=text("next_attempt_at IS NOT NULL"),
        postgresql_where=text("next_attempt_at IS NOT NULL"),
    ),
    Index("ix_message_member", "program_id", "member_id"),
    Index("ix_message_created_at", "created_at"),
)
"""Messages to members. `payload`, address and text, is under the member's key, and gone once delivered or lapsed.

One without a member goes nowhere: it is there so that an unknown member costs what a known one does. `outcome` is what
the last attempt failed with.
"""
