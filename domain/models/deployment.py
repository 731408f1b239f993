"""What is true of the whole deployment, by name, and the keys that sign its tokens."""

from sqlalchemy import Column, Integer, LargeBinary, Table, Text

from domain.models.base import METADATA
from domain.models.types import UtcDateTime

deployment = Table(
    "deployment",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

signing_key = Table(
    "signing_key",
    METADATA,
    Column("environment", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("in_force_at", UtcDateTime, nullable=False),
)
"""A row for each rotation; the first key of an environment has none. The keys themselves are derived, never stored."""
