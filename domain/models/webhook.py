"""Endpoints that a program's events are posted to, and the events that one of them is behind with."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
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

_WAITING = text("status = 'WAITING'")
_DEAD = text("status = 'DEAD'")

webhook_endpoint = Table(
    "webhook_endpoint",
    METADATA,
    program_key(),
    row_key(),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("event_types", JsonText),
    Column("enabled", Boolean, nullable=False),
    Column("disabled_because", Text),
    Column("secret", LargeBinary, nullable=False),
    Column("old_secret", LargeBinary),
    Column("old_secret_until", UtcDateTime),
    Column("position", BigInteger, nullable=False),
    Column("replays", Integer, nullable=False),
    Column("behind", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("rests_until", UtcDateTime),
    Column("next_attempt_at", UtcDateTime),
    Column("lease", BigInteger, nullable=False),
    Column("leased_until", UtcDateTime, nullable=False),
    Column("succeeded_at", UtcDateTime),
    Column("failed_at", UtcDateTime),
    Column("outcome", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    UniqueConstraint("program_id", "name"),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
)
"""`position`: the number in the feed up to which every event was delivered, or has a row in `webhook_delivery`.

`event_types` None: all. `behind` counts those rows that are not dead, and `next_attempt_at` is when the first of them
is to be tried again. `failures`: rounds in a row in which nothing arrived, after which it rests. `lease` counts the
processes that took it up, `replays` how often the position was set back: who finds another number than he began with
has nothing to say any more. `leased_until` is in the past where nobody works on it.
"""

webhook_delivery = Table(
    "webhook_delivery",
    METADATA,
    program_key(),
    Column("endpoint_id", BigInteger, primary_key=True, autoincrement=False),
    Column("feed_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("lane", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_tried_at", UtcDateTime),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("outcome", Text),
    ForeignKeyConstraint(["program_id", "endpoint_id"], ["webhook_endpoint.program_id", "webhook_endpoint.id"]),
    CheckConstraint("status IN ('WAITING', 'HELD', 'DEAD')", name="status"),
    Index("ix_webhook_delivery_lane", "program_id", "endpoint_id", "lane", "feed_seq"),
    Index(
        "ix_webhook_delivery_due",
        "program_id",
        "endpoint_id",
        "next_attempt_at",
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    ),
    Index(
        "ix_webhook_delivery_dead",
        "program_id",
        "endpoint_id",
        "feed_seq",
        sqlite_where=_DEAD,
        postgresql_where=_DEAD,
    ),
)
"""An event that was not delivered to an endpoint: what goes well leaves no row.

Events of one `lane` (a member) go in order: the first is `WAITING` for its next attempt, those behind it are `HELD`.
`DEAD` was tried for days; it holds back nothing.
"""

expiry_reminder = Table(
    "expiry_reminder",
    METADATA,
    program_key(),
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("expires_at", UtcDateTime, primary_key=True),
    ForeignKeyConstraint(["program_id", "account_id"], ["account.program_id", "account.id"]),
)
"""Dates of expiry that were told of ahead; a row goes when its date has come."""

message_feed = Table(
    "message_feed",
    METADATA,
    program_key(),
    Column("position", BigInteger, nullable=False),
    ForeignKeyConstraint(["program_id"], ["program.id"]),
)
"""Up to which number of the feed messages to members were written, of programs that have templates for events."""
