"""What is true of the whole deployment, by name."""

from sqlalchemy import Column, LargeBinary, Table, Text

from domain.models.base import METADATA

deployment = Table(
    "deployment",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
