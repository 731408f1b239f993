"""What is true of the whole deployment, by name."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.models import deployment


def find_value(tx: Connection, name: str) -> bytes | None:
    """The value under a name; None where none was kept."""
    return tx.scalar(select(deployment.c.value).where(deployment.c.name == name))


def keep_value(tx: Connection, name: str, value: bytes) -> bytes:
    """Keep a value under a name unless there is one; the one that stands."""
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    tx.execute(insert(deployment).values(name=name, value=value).on_conflict_do_nothing())
    return find_value(tx, name) or value
