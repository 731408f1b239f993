"""What is true of the whole deployment, by name, and which keys sign its tokens."""

from datetime import datetime

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.models import deployment, signing_key
from domain.signing import Rotation


def find_value(tx: Connection, name: str) -> bytes | None:
    """The value under a name; None where none was kept."""
    return tx.scalar(select(deployment.c.value).where(deployment.c.name == name))


def keep_value(tx: Connection, name: str, value: bytes) -> bytes:
    """Keep a value under a name unless there is one; the one that stands."""
    upsert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    tx.execute(upsert(deployment).values(name=name, value=value).on_conflict_do_nothing())
    return find_value(tx, name) or value


def read_rotation(tx: Connection, environment: str) -> Rotation:
    """The history of an environment's signing keys."""
    starts = (
        select(signing_key.c.in_force_at).where(signing_key.c.environment == environment).order_by(signing_key.c.number)
    )
    return Rotation(tuple(tx.scalars(starts)))


def insert_signing_key(tx: Connection, environment: str, number: int, now: datetime) -> None:
    """Put a key in force; two at once meet on the primary key."""
    tx.execute(insert(signing_key).values(environment=environment, number=number, in_force_at=now))
